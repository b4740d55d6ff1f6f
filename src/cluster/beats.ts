/** What a node does again and again: each on a timer of its own, all of them ended together. */
import type { Clock } from '../otp/clock.js';

export class Beats {
  readonly #clock: Clock;
  readonly #timers = new Map<string, unknown>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next time is set before `fn` is called: what it throws stops nothing. */
  every(name: string, ms: number, fn: () => void): void {
    const again = (): void => {
      this.#timers.set(name, this.#clock.setTimeout(again, ms));
      fn();
    };
    this.#timers.set(name, this.#clock.setTimeout(again, ms));
  }

  stop(): void {
    for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer);
    this.#timers.clear();
  }
}
