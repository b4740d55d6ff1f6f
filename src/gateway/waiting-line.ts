/**
 * A bounded line of those who wait for room. Whoever wants the same thing stands together, and the group whose first member
 * came first is served first. Each waits as long as it said; then it is told so and is gone.
 */
import type { Held, Scope } from '../otp/scope.js';

export interface Waiter {
  /** Those with the same key are served together. */
  readonly key: string;
  /** It has waited in vain for so long; 0 when the line was too long to stand in. */
  late(waitedMs: number): void;
}

export class WaitingLine<W extends Waiter> {
  readonly #waitersMax: number;
  readonly #scope: Scope;
  readonly #groups = new Map<string, Map<W, Held>>();
  #size = 0;

  constructor(waitersMax: number, scope: Scope) {
    this.#waitersMax = waitersMax;
    this.#scope = scope;
  }

  get size(): number {
    return this.#size;
  }

  /** Nobody waits for nothing, and nobody stands in a line that is full: both are late at once. */
  add(waiter: W, waitMs: number): void {
    if (waitMs <= 0 || this.#size >= this.#waitersMax) {
      waiter.late(0);
      return;
    }
    const timer = this.#scope.timer(waitMs, () => {
      if (this.delete(waiter)) waiter.late(waitMs);
    });
    const group = this.#groups.get(waiter.key) ?? new Map<W, Held>();
    this.#groups.set(waiter.key, group.set(waiter, timer));
    this.#size += 1;
  }

  /** Takes one out of the line. False when it does not stand there. */
  delete(waiter: W): boolean {
    const group = this.#groups.get(waiter.key);
    const timer = group?.get(waiter);
    if (!group || !timer) return false;
    group.delete(waiter);
    if (group.size === 0) this.#groups.delete(waiter.key);
    this.#size -= 1;
    void timer.release();
    return true;
  }

  /** Takes out whose turn it is and everybody who wants the same. */
  takeFirst(): readonly [W, ...W[]] | undefined {
    for (const group of this.#groups.values()) {
      const together = [...group.keys()];
      for (const waiter of together) this.delete(waiter);
      return together as [W, ...W[]];
    }
    return undefined;
  }
}
