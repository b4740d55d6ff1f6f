/**
 * What nobody uses at the moment, the least recently used first. A set keeps the order in which it was filled, so that
 * adding, removing and finding the oldest cost the same for ten as for ten thousand, and nothing ties: no clock is read to
 * tell who came first.
 */
import type { Held, Scope } from '../otp/scope.js';

export interface IdleListOptions<T> {
  readonly scope: Scope;
  readonly nowMs: () => number;
  readonly idleMs: number;
  /** It has been idle for `idleMs`. It is off the list already. */
  readonly over: (item: T) => void;
}

export class IdleList<T> {
  readonly #options: IdleListOptions<T>;
  readonly #sinceMs = new Map<T, number>();
  #timer: Held | undefined;

  constructor(options: IdleListOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#sinceMs.size;
  }

  /** From now on it is idle; what was idle before becomes the youngest. */
  add(item: T): void {
    this.#sinceMs.delete(item);
    this.#sinceMs.set(item, this.#options.nowMs());
    this.#arm();
  }

  delete(item: T): void {
    this.#sinceMs.delete(item);
  }

  /** Takes the least recently used one off the list. */
  takeOldest(): T | undefined {
    for (const [item] of this.#sinceMs) {
      this.#sinceMs.delete(item);
      return item;
    }
    return undefined;
  }

  /** One timer for all of them: who became idle first is over first. */
  #arm(): void {
    if (this.#timer) return;
    const { scope, nowMs, idleMs } = this.#options;
    for (const [, sinceMs] of this.#sinceMs) {
      this.#timer = scope.timer(Math.max(0, Math.ceil(sinceMs + idleMs - nowMs())), () => this.#expire());
      return;
    }
  }

  #expire(): void {
    this.#timer = undefined;
    const { nowMs, idleMs, over } = this.#options;
    const overMs = nowMs() - idleMs;
    for (const [item, sinceMs] of this.#sinceMs) {
      if (sinceMs > overMs) break;
      this.#sinceMs.delete(item);
      over(item);
    }
    this.#arm();
  }
}
