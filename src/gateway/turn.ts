/**
 * Whose turn it is with a source. When the supervisor of all cameras crashes, the next one starts them anew at once, while a
 * source that is slow to close is still open; the attempt of the new camera begins when every camera before it has given
 * everything back. Until then it is an attempt like any other that has not been answered: the chart's own time limit runs.
 * A monitor would not do: it tells that a camera has died, not that what it held is gone.
 */
import type { SourceAttempt } from './frame-source.js';

/** One camera's turn, behind that of the camera of this id that there was before. */
export class SourceTurn {
  /** The turns before this one are over. */
  #mine = true;
  #ended = false;
  #onMine: (() => void)[] = [];
  #onOver: (() => void)[] = [];

  constructor(before?: SourceTurn) {
    if (!before || before.over) return;
    this.#mine = false;
    before.whenOver(() => {
      this.#mine = true;
      for (const fn of this.#onMine.splice(0)) fn();
      this.#tell();
    });
  }

  get over(): boolean {
    return this.#mine && this.#ended;
  }

  whenOver(fn: () => void): void {
    this.#onOver.push(fn);
  }

  /** The camera has given everything back. */
  end(): void {
    this.#ended = true;
    this.#tell();
  }

  /** Begins an attempt as soon as it is this turn; at once where it is. */
  open(open: () => SourceAttempt): SourceAttempt {
    if (this.#mine) return open();
    let attempt: SourceAttempt | undefined;
    let wanted = true;
    const mine = new Promise<void>((resolve) => {
      this.#onMine.push(() => {
        if (wanted) attempt = open();
        resolve();
      });
    });
    return {
      close: async () => {
        wanted = false;
        await mine;
        await attempt?.close();
      },
    };
  }

  #tell(): void {
    if (this.over) for (const fn of this.#onOver.splice(0)) fn();
  }
}
