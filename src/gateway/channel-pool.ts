/**
 * The rules of the pool of upstream channels. Everything in here happens in one step: a channel is found, made, handed out
 * or shut without waiting, so that nobody can come between looking and taking. What takes time (a connect, calls that are
 * still open) is a phase that a slot is in.
 *
 *     connecting ──ready──▶ ready ──lost, shut──▶ retiring ──no call left, or forced──▶ closed
 *          └────failed, deadline──────────────────────────────────────────────────────────▲
 *
 * Invariants: a key names at most one slot that is connecting or ready · a slot is in the idle list exactly while nobody has
 * or awaits a lease on it · never more than `channelsMax` slots are open, retiring ones included · somebody waits for room
 * only while no slot is idle and none is free · a channel is closed exactly once, by whoever takes its slot away.
 */
import type { Scope } from '../otp/scope.js';
import type { Channel, ChannelCounts, ChannelLimits, ChannelNote, ChannelPoolOptions } from './channel.js';
import { type Asker, ChannelSlot, type ChannelWanted, type SlotPhase, type Waiting } from './channel-slot.js';
import { Departures } from './departures.js';
import { GatewayError } from './gateway-error.js';
import { IdleList } from './idle-list.js';
import type { ChannelView } from './views.js';
import { WaitingLine } from './waiting-line.js';

/** Those who wait for room are many only when something is wrong; one more is then refused at once. */
const WAITING_MAX = 10_000;

export class ChannelPool<C extends Channel, O> {
  readonly #options: ChannelPoolOptions<C, O>;
  readonly #limits: ChannelLimits;
  readonly #scope: Scope;
  readonly #slots = new Set<ChannelSlot<C, O>>();
  readonly #byKey = new Map<string, ChannelSlot<C, O>>();
  readonly #idle: IdleList<ChannelSlot<C, O>>;
  readonly #line: WaitingLine<Waiting<C, O>>;
  /** Channels that are closed and whose sockets are not yet gone. */
  readonly #departures = new Departures();
  #leases = 0;
  #calls = 0;
  #connecting = 0;
  #opened = 0;
  #evictions = 0;
  #forced = 0;
  #shut = false;

  constructor(options: ChannelPoolOptions<C, O>) {
    const { scope, nowMs, limits } = options;
    this.#options = options;
    this.#limits = limits;
    this.#scope = scope;
    // Held first, given back last: when the pool ends, all channels have been closed by then, and their sockets go together.
    scope.acquire('channel_pool', () => {
      this.#refuseAll('the pool of channels has ended');
      return options.last?.() === false ? undefined : this.#departures.all();
    });
    this.#idle = new IdleList({ scope, nowMs, idleMs: limits.idleMs, over: (slot) => this.#close(slot) });
    this.#line = new WaitingLine(WAITING_MAX, scope);
  }

  get counts(): ChannelCounts {
    return {
      open: this.#slots.size,
      idle: this.#idle.size,
      connecting: this.#connecting,
      leases: this.#leases,
      calls: this.#calls,
      waiting: this.#line.size,
      opened: this.#opened,
      evictions: this.#evictions,
      forced: this.#forced,
    };
  }

  views(): readonly ChannelView[] {
    return [...this.#slots].map((slot) => slot.view(this.#options.nowMs()));
  }

  /** Answers the asker now or later, exactly once. @returns how to take the request back, or to release what it brought. */
  acquire(wanted: ChannelWanted<O>, asker: Asker<C>): () => void {
    const late = (waitedMs: number): void => asker.refused(this.#busy(wanted, waitedMs));
    const waiting: Waiting<C, O> = { asker, wanted, key: wanted.key, slot: undefined, lease: undefined, late };
    const slot = this.#byKey.get(wanted.key);
    if (this.#shut) asker.refused(new GatewayError('draining', 'draining: channels are being shut'));
    else if (slot) this.#join(slot, waiting);
    else if (this.#makeRoom()) this.#open(wanted, [waiting]);
    else this.#line.add(waiting, wanted.waitMs ?? this.#limits.waitMs);
    return () => this.#withdraw(waiting);
  }

  /** Shuts the channel of this key: nobody gets it any more, its calls have `closeMs`. Calls `closed` when it is gone. */
  close(key: string, closed: () => void): void {
    const slot = this.#byKey.get(key);
    if (slot) {
      slot.onClosed.push(closed);
      this.#retire(slot, 'it is being shut', this.#limits.closeMs);
    } else closed();
  }

  /** The same for one by its id. False where there is none, or it is being shut already. */
  evict(id: string): boolean {
    const slot = [...this.#byKey.values()].find((one) => one.id === id);
    if (slot) this.#note('channel.evicted', slot, 'an operator asked for it');
    if (slot) this.#retire(slot, 'it is being shut', this.#limits.closeMs);
    return slot !== undefined;
  }

  /** Shuts every channel and makes no more. What it answers, if anything, is awaited: `closeMs` at most, for open calls. */
  shutdown(): Promise<void> | undefined {
    this.#shut = true;
    this.#refuseAll('channels are being shut');
    for (const slot of [...this.#slots]) this.#retire(slot, 'the gateway is going away', this.#limits.closeMs);
    if (this.#slots.size === 0) return this.#departures.all();
    const gone = [...this.#slots].map((slot) => new Promise<void>((resolve) => slot.onClosed.push(resolve)));
    return Promise.all(gone).then(() => this.#departures.all());
  }

  #open(wanted: ChannelWanted<O>, askers: Iterable<Waiting<C, O>>): void {
    const { connector, nowMs } = this.#options;
    this.#opened += 1;
    const slot = new ChannelSlot<C, O>(this.#opened, wanted, nowMs(), {
      callsChanged: (_slot, by) => {
        this.#calls += by;
        this.#scope.guard(() => this.#closeWhenDone(slot));
      },
      released: () => {
        this.#leases -= 1;
        this.#scope.guard(() => this.#idleIfUnused(slot));
      },
    });
    try {
      slot.channel = connector.open(wanted.target, wanted.options, {
        ready: () => this.#scope.guard(() => this.#ready(slot)),
        failed: (error) => this.#scope.guard(() => this.#failed(slot, error.message, error)),
        lost: () => this.#scope.guard(() => this.#lost(slot)),
      });
    } catch (thrown) {
      const refusal = thrown instanceof GatewayError ? thrown : slot.failure(String(thrown), thrown);
      for (const { asker } of askers) asker.refused(refusal);
      return;
    }
    this.#connecting += 1;
    this.#slots.add(slot);
    this.#byKey.set(wanted.key, slot);
    slot.held = this.#scope.acquire('channel', () => this.#closed(slot));
    const { connectMs } = this.#limits;
    slot.timer = this.#scope.timer(connectMs, () => this.#failed(slot, `no answer within ${connectMs} ms`));
    for (const waiting of askers) this.#join(slot, waiting);
  }

  #join(slot: ChannelSlot<C, O>, waiting: Waiting<C, O>): void {
    this.#idle.delete(slot);
    if (slot.phase === 'ready') this.#grant(slot, waiting);
    else {
      waiting.slot = slot;
      slot.waiting.add(waiting);
    }
  }

  #grant(slot: ChannelSlot<C, O>, waiting: Waiting<C, O>): void {
    this.#leases += 1;
    slot.grant(waiting);
  }

  #ready(slot: ChannelSlot<C, O>): void {
    if (slot.phase !== 'connecting') return;
    this.#enter(slot, 'ready');
    slot.clearTimer();
    for (const waiting of slot.waiting) this.#grant(slot, waiting);
    this.#idleIfUnused(slot);
  }

  #failed(slot: ChannelSlot<C, O>, why: string, cause?: unknown): void {
    if (slot.phase === 'ready') this.#lost(slot);
    if (slot.phase !== 'connecting') return;
    this.#note('channel.failed', slot, why);
    slot.refuseWaiting(slot.failure(why, cause));
    this.#close(slot);
    this.#serveLine();
  }

  /** The peer has gone, or told us to. What it still answers may come to its end; the next who asks gets a new channel. */
  #lost(slot: ChannelSlot<C, O>): void {
    const why = 'the connection was lost';
    if (slot.phase === 'connecting') this.#failed(slot, why);
    if (slot.phase !== 'ready') return;
    this.#note('channel.lost', slot, why);
    this.#retire(slot, why, undefined);
  }

  #retire(slot: ChannelSlot<C, O>, why: string, forceAfterMs: number | undefined): void {
    this.#forgetKey(slot);
    this.#idle.delete(slot);
    slot.clearTimer();
    this.#enter(slot, 'retiring');
    slot.lose(why);
    this.#closeWhenDone(slot);
    if (slot.calls === 0 || forceAfterMs === undefined) return;
    slot.timer = this.#scope.timer(forceAfterMs, () => {
      this.#forced += 1;
      this.#note('channel.forced', slot, `calls were still open after ${forceAfterMs} ms`);
      this.#close(slot);
      this.#serveLine();
    });
  }

  #closeWhenDone(slot: ChannelSlot<C, O>): void {
    if (slot.phase !== 'retiring' || slot.calls > 0) return;
    this.#close(slot);
    this.#serveLine();
  }

  #close(slot: ChannelSlot<C, O>): void {
    void slot.held?.release();
  }

  /** The one place where a channel ends; also run by the scope, when the pool itself ends. */
  #closed(slot: ChannelSlot<C, O>): void {
    this.#enter(slot, 'closed');
    this.#slots.delete(slot);
    this.#forgetKey(slot);
    this.#idle.delete(slot);
    slot.clearTimer();
    const leases = [...slot.leases];
    slot.leases.clear();
    this.#leases -= leases.length;
    let leaving: Promise<void> | undefined;
    try {
      // Before the channel: a closed gRPC client leaves its calls running.
      for (const lease of leases) lease.cancelCalls();
      leaving = slot.channel?.close() ?? undefined;
    } finally {
      const why = slot.failure('it was closed');
      slot.refuseWaiting(why);
      for (const lease of leases) lease.lose(why);
      this.#departures.add(leaving, () => {
        for (const closed of slot.onClosed) closed();
      });
    }
  }

  #idleIfUnused(slot: ChannelSlot<C, O>): void {
    if (!slot.unused || (slot.phase !== 'ready' && slot.phase !== 'connecting')) return;
    this.#idle.add(slot);
    this.#serveLine();
  }

  /** True when one more channel may be made; closes the least recently used idle one for it, and never one in use. */
  #makeRoom(): boolean {
    if (this.#slots.size < this.#limits.channelsMax) return true;
    const oldest = this.#idle.takeOldest();
    if (!oldest) return false;
    this.#note('channel.evicted', oldest, 'its place was needed');
    this.#close(oldest);
    return true;
  }

  /** There may be room now: it goes to whoever has waited longest, and to all who want the same channel. */
  #serveLine(): void {
    while (this.#line.size > 0 && !this.#shut && !this.#scope.closed && this.#makeRoom()) {
      const together = this.#line.takeFirst();
      if (together) this.#open(together[0].wanted, together);
    }
  }

  #withdraw(waiting: Waiting<C, O>): void {
    const { slot, lease, asker, wanted } = waiting;
    const gone = new GatewayError('channel_failed', `channel to ${wanted.target}: who asked for it has ended`);
    if (lease) lease.release();
    else if (slot?.waiting.delete(waiting)) {
      asker.refused(gone);
      this.#idleIfUnused(slot);
    } else if (this.#line.delete(waiting)) asker.refused(gone);
  }

  #refuseAll(why: string): void {
    const refusal = new GatewayError('draining', `draining: ${why}`);
    for (let group = this.#line.takeFirst(); group; group = this.#line.takeFirst()) {
      for (const { asker } of group) asker.refused(refusal);
    }
    for (const slot of this.#slots) slot.refuseWaiting(refusal);
  }

  #busy({ target }: ChannelWanted<O>, waitedMs: number): GatewayError {
    const why = `all ${this.#limits.channelsMax} channels are in use, and none came free within ${waitedMs} ms`;
    return new GatewayError('channels_busy', `channel to ${target}: ${why}`);
  }

  #enter(slot: ChannelSlot<C, O>, phase: SlotPhase): void {
    if (slot.phase === 'connecting') this.#connecting -= 1;
    slot.phase = phase;
  }

  #forgetKey(slot: ChannelSlot<C, O>): void {
    if (this.#byKey.get(slot.wanted.key) === slot) this.#byKey.delete(slot.wanted.key);
  }

  #note(type: ChannelNote, slot: ChannelSlot<C, O>, reason: string): void {
    if (type === 'channel.evicted') this.#evictions += 1;
    this.#options.note(type, slot.view(this.#options.nowMs()), reason);
  }
}
