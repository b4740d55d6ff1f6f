/**
 * Looks every few seconds at how much room a disk has, and says when that has become better or worse; the limits are those
 * of `diskLevel` in `machines/recorder.ts`. One look at a time: on a disk that hangs the next would hang too.
 */
import { type DiskLevel, diskLevel } from '../../machines/recorder.js';
import type { Process } from '../otp/process.js';

export interface DiskGuardParts {
  /** Room in bytes; rejects where the disk fails. */
  readonly free: () => Promise<number>;
  readonly minFreeBytes: number;
  readonly changed: (level: DiskLevel) => void;
  /** After each look that succeeded. */
  readonly looked: () => void;
  readonly failed: (error: unknown) => void;
}

const LOOK_MS = 5_000;

export class DiskGuard {
  readonly #parts: DiskGuardParts;
  #level: DiskLevel = 'ample';
  #freeBytes: number | undefined;
  #looking = false;

  /** Looks from now on, until the process ends. */
  constructor(process: Process, parts: DiskGuardParts) {
    this.#parts = parts;
    process.scope.interval(LOOK_MS, () => this.#lookAgain());
  }

  /** How much room there was the last time. */
  get freeBytes(): number | undefined {
    return this.#freeBytes;
  }

  /** Looks now. Rejects where the disk fails. */
  async look(): Promise<void> {
    const { free, minFreeBytes, changed } = this.#parts;
    this.#freeBytes = await free();
    const level = diskLevel(this.#freeBytes, minFreeBytes, this.#level);
    if (level === this.#level) return;
    this.#level = level;
    changed(level);
  }

  #lookAgain(): void {
    if (this.#looking) return;
    this.#looking = true;
    const { looked, failed } = this.#parts;
    void this.look()
      .then(looked, failed)
      .finally(() => {
        this.#looking = false;
      });
  }
}
