/**
 * How long a child that failed waits before it is started again: longer after each failure in a row, never longer than
 * the most, and from the beginning once it has lived for a while. Not in OTP, where a restart is at once or never.
 */

export interface Backoff {
  /** The wait after the first failure. */
  readonly initialMs: number;
  /** What each further failure multiplies it by. Default 2. */
  readonly factor?: number;
  /** The longest wait. */
  readonly maxMs: number;
  /** The share of each wait that chance may take off, from 0 to 1, so that those who failed together do not return together. Default 0. */
  readonly jitter?: number;
  /** A child that has lived this long starts from `initialMs` again. Default: `maxMs`. */
  readonly resetAfterMs?: number;
}

/** What a supervisor remembers of one child's waiting. */
export class RestartBackoff {
  readonly #backoff: Required<Backoff>;
  readonly #random: () => number;
  #failures = 0;

  /** @param random in [0, 1). */
  constructor(backoff: Backoff, random: () => number) {
    const { initialMs, factor = 2, maxMs, jitter = 0, resetAfterMs = maxMs } = backoff;
    this.#backoff = { initialMs, factor, maxMs, jitter, resetAfterMs };
    this.#random = random;
  }

  /** The wait after one more failure. @param livedMs how long the child had run; 0 where it did not even start. */
  nextMs(livedMs: number): number {
    const { initialMs, factor, maxMs, jitter, resetAfterMs } = this.#backoff;
    if (livedMs >= resetAfterMs) this.reset();
    const wholeMs = Math.min(maxMs, initialMs * factor ** this.#failures);
    this.#failures += 1;
    return Math.round(wholeMs * (1 - jitter * this.#random()));
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** The first field that is wrong, what was expected and what came; `undefined` when all are good. */
export function backoffFault(backoff: Backoff): string | undefined {
  const { initialMs, factor = 2, maxMs, jitter = 0, resetAfterMs = maxMs } = backoff;
  if (!(Number.isFinite(initialMs) && initialMs > 0)) return `initialMs must be more than 0, not ${initialMs}`;
  if (!(Number.isFinite(factor) && factor >= 1)) return `factor must be 1 or more, not ${factor}`;
  if (!(Number.isFinite(maxMs) && maxMs >= initialMs)) return `maxMs must be ${initialMs} or more, not ${maxMs}`;
  if (!(jitter >= 0 && jitter <= 1)) return `jitter must be from 0 to 1, not ${jitter}`;
  if (!(resetAfterMs > 0)) return `resetAfterMs must be more than 0, not ${resetAfterMs}`;
  return undefined;
}
