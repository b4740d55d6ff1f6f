/**
 * Tells when nothing has come for a while. One timer looks at when something came last; a timer for each thing that comes
 * would cost more than the thing.
 */
import type { Process } from '../otp/process.js';
import type { Held } from '../otp/scope.js';

export interface SilenceOptions {
  readonly limitMs: number;
  /** When something came last, by the clock of the process. */
  readonly lastAtMs: () => number;
  /** Once for each silence. */
  readonly silent: () => void;
}

export class SilenceWatch {
  readonly #process: Process;
  readonly #options: SilenceOptions;
  #timer: Held;
  /** What came last before the silence that was told of. */
  #toldOfMs: number | undefined;

  /** Watches from now on, until it is stopped or the process ends. */
  constructor(process: Process, options: SilenceOptions) {
    this.#process = process;
    this.#options = options;
    this.#timer = this.#lookIn(options.limitMs);
  }

  stop(): void {
    void this.#timer.release();
  }

  #lookIn(ms: number): Held {
    return this.#process.scope.timer(ms, () => this.#look());
  }

  #look(): void {
    const { limitMs, lastAtMs, silent } = this.#options;
    const lastMs = lastAtMs();
    const leftMs = lastMs + limitMs - this.#process.system.clock.now();
    // Before it tells: who is told may stop it.
    this.#timer = this.#lookIn(leftMs > 0 ? leftMs : limitMs);
    if (leftMs > 0 || lastMs === this.#toldOfMs) return;
    this.#toldOfMs = lastMs;
    silent();
  }
}
