/**
 * The right to make calls over a channel that others use too. A lease knows its own calls: giving it back cancels them and
 * nobody else's. That has to be done here, because closing a gRPC client leaves the calls that it made running.
 */
import { GatewayError } from './gateway-error.js';

/** A call as its lease sees it. */
export interface Cancellable {
  cancel(): void;
}

/** What the pool hears of a lease. */
export interface LeaseListener {
  callStarted(): void;
  /** So many of its calls are over. */
  callsEnded(count: number): void;
  released(): void;
}

export class Lease<C = unknown> implements Disposable {
  readonly target: string;
  /** For whoever keeps account of it: it was given back. */
  onReleased: (() => void) | undefined;
  readonly #channel: C;
  readonly #listener: LeaseListener;
  readonly #calls = new Set<Cancellable>();
  readonly #abort = new AbortController();
  #released = false;

  constructor(target: string, channel: C, listener: LeaseListener) {
    this.target = target;
    this.#channel = channel;
    this.#listener = listener;
  }

  /** Calls may be made. False once it was released or the channel was lost; a lease never opens again. */
  get open(): boolean {
    return !this.#released && !this.#abort.signal.aborted;
  }

  /** Aborted, with the reason, when the channel is lost or being shut: what runs may end by itself, nothing new begins. */
  get lost(): AbortSignal {
    return this.#abort.signal;
  }

  /** Calls that are not over. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Throws `channel_failed` when the lease is no longer open. */
  get channel(): C {
    if (this.open) return this.#channel;
    const why = this.#released ? 'the lease was given back' : String(this.#abort.signal.reason);
    throw new GatewayError('channel_failed', `channel to ${this.target}: expected an open lease, but ${why}`);
  }

  /**
   * Says that a call was made over the channel. Who comes too late has the call cancelled at once.
   * @returns what to call when it is over; once counts.
   */
  track(call: Cancellable): () => void {
    if (!this.open) {
      call.cancel();
      return () => {};
    }
    this.#calls.add(call);
    this.#listener.callStarted();
    return () => {
      if (this.#calls.delete(call)) this.#listener.callsEnded(1);
    };
  }

  /** Cancels what it has open and gives the channel back. Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.cancelCalls();
    this.#listener.released();
    this.onReleased?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** For the pool: the channel is no longer to be used, and why. */
  lose(reason: GatewayError): void {
    this.#abort.abort(reason);
  }

  /** For the pool: ends what is still open. */
  cancelCalls(): void {
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const call of calls) call.cancel();
    // Last: who shuts the channel when its calls are over must find them cancelled.
    if (calls.length > 0) this.#listener.callsEnded(calls.length);
  }
}
