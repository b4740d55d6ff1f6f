/**
 * A world that goes wrong: chance, time, a network that delays, loses and holds, and clocks that drift. Everything is seeded,
 * so that a seed is a whole history.
 */
import type { Clock } from '../../src/otp/clock.js';

/** Chance that is the same each time. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** In [0, 1). */
  readonly roll = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };

  below(n: number): number {
    return Math.floor(this.roll() * n);
  }

  chance(p: number): boolean {
    return this.roll() < p;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

export interface Happening {
  readonly atMs: number;
  readonly tie: number;
  fn: (() => void) | undefined;
}

/** A promise that hangs on others is kept after so many turns at the latest. */
const TURNS = 12;

/** Things that happen, in the order of their times; ties in an order of their own chance. */
export class Timeline {
  nowMs = 0;
  /** Something that happened left a promise behind: what hangs on it comes before the next. */
  promised = false;
  readonly #heap: Happening[] = [];
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  after(ms: number, fn: () => void): Happening {
    const one: Happening = { atMs: this.nowMs + Math.max(0, ms), tie: this.#dice.roll(), fn };
    const heap = this.#heap;
    let at = heap.push(one) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(one, heap[parent] as Happening)) break;
      heap[at] = heap[parent] as Happening;
      at = parent;
    }
    heap[at] = one;
    return one;
  }

  /** Runs until `endMs`, or until something was promised; @returns how many things happened. */
  run(endMs: number): number {
    let steps = 0;
    for (let next = this.#heap[0]; next && next.atMs < endMs; next = this.#heap[0]) {
      this.#pop();
      if (!next.fn) continue;
      this.nowMs = next.atMs;
      steps += 1;
      next.fn();
      if (this.promised) return steps;
    }
    this.nowMs = endMs;
    return steps;
  }

  /** The same, and what was promised is kept before the next thing happens. */
  async runKeeping(endMs: number): Promise<number> {
    let steps = 0;
    for (;;) {
      steps += this.run(endMs);
      if (!this.promised) return steps;
      for (let n = 0; n < TURNS; n += 1) await Promise.resolve();
      this.promised = false;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Happening, heap[child] as Happening)) child += 1;
      if (!before(heap[child] as Happening, last)) break;
      heap[at] = heap[child] as Happening;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.tie < b.tie);
}

/** Links that are cut hold what is sent over them, as TCP does, or lose it. */
export class Network {
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #healMs = new Map<string, number>();
  /** Links whose cut loses everything. */
  readonly #lossy = new Set<string>();
  /** From here on nothing is slow any more. */
  readonly #calmMs: number;

  constructor(timeline: Timeline, dice: Dice, calmMs: number) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#calmMs = calmMs;
  }

  /** Nothing goes from one to the other for so long; the other direction is another link. */
  cut(from: string, to: string, ms: number, lossy = false): void {
    const link = `${from}>${to}`;
    this.#healMs.set(link, this.#timeline.nowMs + ms);
    if (lossy) this.#lossy.add(link);
    else this.#lossy.delete(link);
  }

  /** How long nothing goes this way yet. */
  cutForMs(from: string, to: string): number {
    return Math.max(0, (this.#healMs.get(`${from}>${to}`) ?? 0) - this.#timeline.nowMs);
  }

  /** @returns whether it is on its way, and not lost. */
  send(from: string, to: string, fn: () => void): boolean {
    const leftMs = this.cutForMs(from, to);
    const slow = this.#timeline.nowMs < this.#calmMs && this.#dice.chance(0.05);
    let delayMs = 1 + this.#dice.roll() * (slow ? 900 : 10);
    if (leftMs > 0) {
      if (this.#dice.chance(0.5) || this.#lossy.has(`${from}>${to}`)) return false;
      delayMs += leftMs;
    }
    this.#timeline.after(delayMs, fn);
    return true;
  }
}

/** A clock of a node that goes a little wrong, and whose timers reach it only while it is awake. */
export function driftingClock(timeline: Timeline, drift: number, deliver: (fn: () => void) => void): Clock {
  const START_MS = 1_000;
  return {
    now: () => START_MS + timeline.nowMs * drift,
    wallMs: () => START_MS + timeline.nowMs * drift,
    setTimeout: (fn, ms) => {
      const timer = timeline.after(ms / drift, () => {
        const { fn: set } = timer;
        if (!set) return;
        deliver(() => {
          if (!timer.fn) return;
          timer.fn = undefined;
          fn();
        });
      });
      return timer;
    },
    clearTimeout: (timer) => {
      if (timer) (timer as Happening).fn = undefined;
    },
  };
}
