/**
 * Notices a write that hangs. One timer runs while anything is being written, and not one for each write: at fifty writes a
 * second and consumer, timers would cost more than the writes.
 */
import type { Clock } from '../otp/clock.js';
import type { Scope } from '../otp/scope.js';

export type Done = (error?: Error | null) => void;

export interface SendWatchOptions {
  readonly timeoutMs: number;
  /** Whose timer it is, and by which clock; asked at the first write. */
  readonly owner: () => { readonly scope: Scope; readonly clock: Clock };
  /** The write in hand has taken longer than it may. */
  readonly onStuck: () => void;
}

export class SendWatch {
  readonly #options: SendWatchOptions;
  #owner: ReturnType<SendWatchOptions['owner']> | undefined;
  #done: Done | undefined;
  #sinceMs = 0;
  #watching = false;

  constructor(options: SendWatchOptions) {
    this.#options = options;
  }

  /**
   * A write begins; the one before is over. @returns what has to be called when it is over, instead of `done`.
   * @param nowMs by the owner's clock, for whoever has looked at it already.
   */
  begin(done: Done, nowMs?: number): Done {
    this.#owner ??= this.#options.owner();
    this.#done = done;
    this.#sinceMs = nowMs ?? this.#owner.clock.now();
    if (!this.#watching) this.#watch(this.#owner, this.#options.timeoutMs);
    return this.#over;
  }

  readonly #over: Done = (error) => {
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  };

  #watch(owner: ReturnType<SendWatchOptions['owner']>, inMs: number): void {
    this.#watching = true;
    owner.scope.timer(inMs, () => {
      this.#watching = false;
      if (!this.#done) return;
      const leftMs = this.#sinceMs + this.#options.timeoutMs - owner.clock.now();
      if (leftMs > 0) this.#watch(owner, leftMs);
      else this.#options.onStuck();
    });
  }
}
