/**
 * A gateway that runs in circles, and so never comes to rest, is noticed by how much it does without any time passing, not by how
 * long that takes: the same on every machine.
 */
import type { VirtualClock } from '../../src/otp/clock.js';

/** Many times what a gateway of this size does at one instant. */
const TIMERS_MAX = 20_000;
const ROUNDS_MAX = 5_000;

export class Unrest {
  readonly #clock: VirtualClock;
  #atMs = -1;
  #timers = 0;

  /** Counts the timers that fire, besides what happens after each anyway. */
  constructor(clock: VirtualClock) {
    this.#clock = clock;
    const { afterTimer } = clock;
    clock.afterTimer = () => {
      this.#fired();
      afterTimer?.();
    };
  }

  /** One more look whether all is at rest, of so many. */
  round(rounds: number): void {
    if (rounds > ROUNDS_MAX) this.#fail(`${rounds} rounds of messages and promises`);
  }

  #fired(): void {
    const nowMs = this.#clock.now();
    if (nowMs !== this.#atMs) this.#timers = 0;
    this.#atMs = nowMs;
    this.#timers += 1;
    if (this.#timers > TIMERS_MAX) this.#fail(`${this.#timers} timers`);
  }

  #fail(what: string): never {
    throw new Error(`I-rest: the gateway does not come to rest: ${what} at ${this.#clock.now()} ms`);
  }
}
