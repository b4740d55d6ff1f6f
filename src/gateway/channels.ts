/**
 * Channels: connections to others that many streams share. Whoever wants to call somebody acquires a lease on the one channel
 * to that target with those options; the first to ask makes it connect, all who ask meanwhile wait for that same attempt,
 * and nobody else waits at all. When the last lease is given back the channel stays, idle, for the next one: until it has
 * been idle too long, or its place is needed.
 *
 * The pool is one actor. It holds every channel, so that its end, whatever the reason, closes them all; its successor starts
 * with none, and old leases are lost ones.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { atWork } from '../otp/crash-barrier.js';
import { fromProcess } from '../otp/from-process.js';
import type { Process } from '../otp/process.js';
import type { Held, Scope } from '../otp/scope.js';
import type { Channel, ChannelCounts, ChannelPoolOptions } from './channel.js';
import { ChannelPool } from './channel-pool.js';
import { GatewayError } from './gateway-error.js';
import type { Lease } from './lease.js';
import type { ChannelView } from './views.js';

export type ChannelsInput<C extends Channel, O> = Omit<ChannelPoolOptions<C, O>, 'scope' | 'nowMs'>;

export interface AcquireOptions<O> {
  /** How to connect. Plain data: equal options to one target are one channel. */
  readonly channel?: O | undefined;
  /** How long to wait for room when every channel is in use; 0: not at all. Connecting has its own deadline. */
  readonly waitMs?: number | undefined;
  /** Whose lease it is: given back, or no longer waited for, when this ends. Without, who asks must release it. */
  readonly scope?: Scope | undefined;
  /** The same when this is aborted. */
  readonly signal?: AbortSignal | undefined;
}

const pools = new WeakMap<AnyActorRef, ChannelPool<Channel, unknown>>();

export const channelsLogic: AnyActorLogic = fromProcess<ChannelsInput<Channel, unknown>>(
  ({ input, self, scope, process }) => {
    const pool = new ChannelPool({ ...input, scope, nowMs: () => process.system.clock.now() });
    pools.set(self, pool);
    // Those who start again with one that is only replaced are missed meanwhile.
    return { terminate: () => (input.last?.() === false ? undefined : pool.shutdown()) };
  },
  // It ends in its own time: calls over its channels may come to their end first.
  { kind: 'channels', trapExit: true },
);

/** Stands for whichever pool is alive now. */
export class Channels<C extends Channel, O = unknown> {
  readonly #current: () => Process | undefined;

  constructor(current: () => Process | undefined) {
    this.#current = current;
  }

  /**
   * A lease on the channel to this target. Rejects with `invalid_argument` for a target that is none, `channel_failed` when
   * it cannot be reached, `channels_busy` when there is no room in time, and `draining` when channels are being shut.
   */
  acquire(target: string, { channel, waitMs, scope, signal }: AcquireOptions<O> = {}): Promise<Lease<C>> {
    return new Promise((resolve, reject) => {
      let withdraw: (() => void) | undefined;
      let owned: Held | undefined;
      let refused = false;
      const aborted = (): void => withdraw?.();
      const forget = (): void => {
        signal?.removeEventListener('abort', aborted);
        void owned?.release();
      };
      const asker = {
        granted: (lease: Lease<C>): void => {
          lease.onReleased = forget;
          resolve(lease);
        },
        refused: (error: GatewayError): void => {
          refused = true;
          forget();
          reject(error);
        },
      };
      if (signal?.aborted) {
        reject(new GatewayError('channel_failed', `channel to ${target}: who asked for it has ended`));
        return;
      }
      const wanted = { target, options: channel, key: keyOf(target, channel), waitMs };
      this.#ask((pool) => {
        withdraw = pool.acquire(wanted, asker);
      });
      if (!withdraw) reject(noPool());
      else if (!refused) {
        owned = scope?.acquire('lease', withdraw);
        signal?.addEventListener('abort', aborted, { once: true });
      }
    });
  }

  /**
   * Shuts the channel to this target: nobody gets it any more, its open calls have `closeMs` to end, then they are cancelled.
   * Resolves when it is gone; at once when there is none.
   */
  close(target: string, channel?: O): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#ask((pool) => pool.close(keyOf(target, channel), resolve))) resolve();
    });
  }

  /** Shuts the channel with this id, as `close` does; it is told as `channel.evicted`. False when there is none. */
  evict(id: string): boolean {
    let found = false;
    this.#ask((pool) => {
      found = pool.evict(id);
    });
    return found;
  }

  get counts(): ChannelCounts | undefined {
    return this.#pool?.counts;
  }

  views(): readonly ChannelView[] {
    return this.#pool?.views() ?? [];
  }

  /** At once, but as the pool's own work: what goes wrong is its crash, and what it starts belongs to it. */
  #ask(run: (pool: ChannelPool<C, O>) => void): boolean {
    const pool = this.#pool;
    const process = this.#current();
    if (!pool || !process) return false;
    atWork.run(process, () => process.scope.guard(() => run(pool)));
    return true;
  }

  get #pool(): ChannelPool<C, O> | undefined {
    const ref = this.#current()?.ref;
    return ref && (pools.get(ref) as unknown as ChannelPool<C, O> | undefined);
  }
}

function noPool(): GatewayError {
  return new GatewayError('draining', 'draining: the pool of channels is not running', { retryAfterMs: 500 });
}

/** The same for equal options, in whatever order they were written. Holds the options' secrets: it is never shown. */
function keyOf(target: string, options: unknown): string {
  const sorted = (_key: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : value;
  return JSON.stringify([target, options ?? {}], sorted);
}
