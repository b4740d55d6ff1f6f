/**
 * The log of what is refused. Refusals come from strangers, and as many as they like: the first one is told at once, and then
 * at most one line per window, with how many there were since. There is no timer; what is left is told with the next refusal,
 * or by `flush` at the end.
 */
import type { GrpcLog } from './served-call.js';

const WINDOW_MS = 10_000;

export class RefusalLog {
  /** Refusals so far. */
  total = 0;
  readonly #log: GrpcLog;
  readonly #message: string;
  readonly #nowMs: () => number;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #untold = 0;
  #last: object = {};

  /** @param message the same in each line; what differs is in the fields */
  constructor(log: GrpcLog, message: string, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#message = message;
    this.#nowMs = nowMs;
  }

  /** @param fields of the latest refusal; never anything that a stranger could have put a secret into */
  note(fields: object): void {
    this.total += 1;
    this.#untold += 1;
    this.#last = fields;
    if (this.#nowMs() - this.#toldAtMs >= WINDOW_MS) this.flush();
  }

  /** Tells what was not told yet. */
  flush(): void {
    if (this.#untold === 0) return;
    this.#log.warn({ ...this.#last, refused: this.#untold }, this.#message);
    this.#untold = 0;
    this.#toldAtMs = this.#nowMs();
  }
}
