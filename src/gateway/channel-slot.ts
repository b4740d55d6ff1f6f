/**
 * One place in the pool: a channel from its first attempt to its end, who has a lease on it, and who waits for it. When it
 * is opened and closed, and for whom, the pool decides.
 */
import type { Held } from '../otp/scope.js';
import type { Channel } from './channel.js';
import { GatewayError } from './gateway-error.js';
import { Lease } from './lease.js';
import type { ChannelView } from './views.js';
import type { Waiter } from './waiting-line.js';

export interface ChannelWanted<O> {
  readonly target: string;
  readonly options: O | undefined;
  /** What makes two wants the same channel. */
  readonly key: string;
  readonly waitMs: number | undefined;
}

/** Somebody who wants a lease; answered exactly once. */
export interface Asker<C> {
  granted(lease: Lease<C>): void;
  refused(error: GatewayError): void;
}

/** An asker who has no answer yet: he waits for room, or for a slot to connect. */
export interface Waiting<C extends Channel, O> extends Waiter {
  readonly asker: Asker<C>;
  readonly wanted: ChannelWanted<O>;
  /** Set while he waits for a connect. */
  slot: ChannelSlot<C, O> | undefined;
  lease: Lease<C> | undefined;
}

export type SlotPhase = 'connecting' | 'ready' | 'retiring' | 'closed';

/** What a slot tells the pool. */
export interface SlotListener<C extends Channel, O> {
  /** So many calls have begun, or ended where it is negative. */
  callsChanged(slot: ChannelSlot<C, O>, by: number): void;
  /** A lease was given back. */
  released(slot: ChannelSlot<C, O>): void;
}

export class ChannelSlot<C extends Channel, O> {
  readonly id: string;
  readonly wanted: ChannelWanted<O>;
  readonly waiting = new Set<Waiting<C, O>>();
  readonly leases = new Set<Lease<C>>();
  /** Who waits for its end. */
  readonly onClosed: (() => void)[] = [];
  phase: SlotPhase = 'connecting';
  channel: C | undefined;
  /** The channel as the pool's scope holds it: releasing it closes it. */
  held: Held | undefined;
  /** The connect deadline, then the deadline of a shutdown. */
  timer: Held | undefined;
  calls = 0;
  readonly #openedAtMs: number;
  readonly #listener: SlotListener<C, O>;

  constructor(number: number, wanted: ChannelWanted<O>, nowMs: number, listener: SlotListener<C, O>) {
    this.id = `${wanted.target}#${number}`;
    this.wanted = wanted;
    this.#openedAtMs = nowMs;
    this.#listener = listener;
  }

  get unused(): boolean {
    return this.leases.size === 0 && this.waiting.size === 0;
  }

  grant(waiting: Waiting<C, O>): void {
    waiting.slot = undefined;
    this.waiting.delete(waiting);
    const callsChanged = (by: number): void => {
      this.calls += by;
      this.#listener.callsChanged(this, by);
    };
    const lease: Lease<C> = new Lease(this.wanted.target, this.channel as C, {
      callStarted: () => callsChanged(1),
      callsEnded: (count) => callsChanged(-count),
      released: () => {
        if (this.leases.delete(lease)) this.#listener.released(this);
      },
    });
    waiting.lease = lease;
    this.leases.add(lease);
    waiting.asker.granted(lease);
  }

  refuseWaiting(refusal: GatewayError): void {
    for (const waiting of this.waiting) {
      waiting.slot = undefined;
      waiting.asker.refused(refusal);
    }
    this.waiting.clear();
  }

  /** Nobody begins anything over it any more; what runs goes on. */
  lose(why: string): void {
    const reason = this.failure(why);
    this.refuseWaiting(reason);
    for (const lease of this.leases) lease.lose(reason);
  }

  failure(why: string, cause?: unknown): GatewayError {
    return new GatewayError('channel_failed', `channel to ${this.wanted.target}: ${why}`, { cause });
  }

  clearTimer(): void {
    void this.timer?.release();
    this.timer = undefined;
  }

  view(nowMs: number): ChannelView {
    const { id, leases, calls, waiting } = this;
    const ageMs = Math.round(nowMs - this.#openedAtMs);
    const { target } = this.wanted;
    return { id, target, state: this.#state(), leases: leases.size, calls, waiting: waiting.size, ageMs };
  }

  #state(): string {
    if (this.phase === 'retiring') return 'closing';
    if (this.phase === 'ready') return this.unused ? 'idle' : 'busy';
    return this.phase;
  }
}
