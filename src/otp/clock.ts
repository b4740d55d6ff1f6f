/**
 * Where time comes from. Everything in Sluice asks a clock, so that the whole of it runs on virtual time in tests and
 * nothing is ever waited for. The real clock is monotonic: a restart window must not move when somebody sets the watch.
 */

/** XState's clock and a reading of it. Times are milliseconds. */
export interface Clock {
  /** Monotonic; its zero means nothing. */
  now(): number;
  /** Wall-clock time for stamps that people and other machines read. Milliseconds since 1970. */
  wallMs(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

export const realClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

interface VirtualTimer {
  readonly atMs: number;
  readonly order: number;
  fn: (() => void) | undefined;
}

/**
 * A clock that stands still until it is told to advance. Timers fire each at its own time, in the order (due, set),
 * timers set by timers included. Setting and firing are O(log n); a cleared timer stays in the heap until its time.
 */
export class VirtualClock implements Clock {
  /** Called after each timer, before the next: a system drains its messages here, so that causes precede effects. */
  afterTimer: (() => void) | undefined;

  #nowMs = 0;
  #order = 0;
  #live = 0;
  readonly #heap: VirtualTimer[] = [];

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  /** Timers that are set and not yet fired or cleared. */
  get pending(): number {
    return this.#live;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    const timer = { atMs: this.#nowMs + Math.max(0, ms || 0), order: this.#order++, fn };
    this.#live += 1;
    this.#push(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    const known = timer as VirtualTimer | undefined;
    if (!known?.fn) return;
    known.fn = undefined;
    this.#live -= 1;
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    this.afterTimer?.();
    for (let next = this.#heap[0]; next && next.atMs <= endMs; next = this.#heap[0]) {
      this.#pop();
      const { fn } = next;
      if (!fn) continue;
      next.fn = undefined;
      this.#live -= 1;
      this.#nowMs = next.atMs;
      fn();
      this.afterTimer?.();
    }
    this.#nowMs = endMs;
  }

  /** Advances to the next timer and fires it. False when there is none. */
  advanceToNext(): boolean {
    for (let next = this.#heap[0]; next; next = this.#heap[0]) {
      if (next.fn) {
        this.advance(next.atMs - this.#nowMs);
        return true;
      }
      this.#pop();
    }
    return false;
  }

  #before(a: VirtualTimer, b: VirtualTimer): boolean {
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  }

  #push(timer: VirtualTimer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(timer, heap[parent] as VirtualTimer)) break;
      heap[at] = heap[parent] as VirtualTimer;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && this.#before(heap[right] as VirtualTimer, heap[child] as VirtualTimer)) child = right;
      if (!this.#before(heap[child] as VirtualTimer, last)) break;
      heap[at] = heap[child] as VirtualTimer;
      at = child;
    }
    heap[at] = last;
  }
}
