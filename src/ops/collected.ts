/**
 * Actors that have ended and are still in memory. After an end nothing may hold on to an actor; what is not collected a
 * minute later, and after a garbage collection, is held by somebody. It costs an entry per ended actor until it is
 * collected, so it is watched only where that is asked for.
 */
import type { Process } from '../otp/process.js';

const AGE_MS = 60_000;
/** Ended actors that are watched at a time; later ones are not. */
const WATCHED_MAX = 100_000;

export class Collected {
  readonly #nowMs: () => number;
  /** When each ended, the oldest first. */
  readonly #ended = new Map<number, number>();
  readonly #registry = new FinalizationRegistry<number>((id) => this.#ended.delete(id));
  #lastId = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  ended(process: Process): void {
    if (this.#ended.size >= WATCHED_MAX) return;
    this.#lastId += 1;
    this.#ended.set(this.#lastId, this.#nowMs());
    this.#registry.register(process, this.#lastId);
  }

  /** Those that ended more than a minute ago and are still there. */
  get undisposed(): number {
    const before = this.#nowMs() - AGE_MS;
    let count = 0;
    for (const endedMs of this.#ended.values()) {
      if (endedMs > before) break;
      count += 1;
    }
    return count;
  }
}
