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
  #sinceMs: number | undefined;
  #watching = false;

  constructor(options: SendWatchOptions) {
    this.#options = options;
  }

  /** A write begins. @returns what has to be called when it is over, instead of `done`. */
  begin(done: Done): Done {
    this.#sinceMs = this.#options.owner().clock.now();
    this.#watch();
    return (error) => {
      this.#sinceMs = undefined;
      done(error);
    };
  }

  #watch(): void {
    if (this.#watching || this.#sinceMs === undefined) return;
    const { timeoutMs, owner, onStuck } = this.#options;
    const { scope, clock } = owner();
    this.#watching = true;
    scope.timer(this.#sinceMs + timeoutMs - clock.now(), () => {
      this.#watching = false;
      if (this.#sinceMs === undefined) return;
      if (clock.now() - this.#sinceMs < timeoutMs) this.#watch();
      else onStuck();
    });
  }
}
