/** Items in a row, with their bytes and the age of the first. What is too much of it, an outbox decides. */
export class Line<T> {
  readonly #sizeOf: (item: T) => number;
  readonly #items: T[] = [];
  readonly #sinceMs: number[] = [];
  #bytes = 0;

  constructor(sizeOf: (item: T) => number) {
    this.#sizeOf = sizeOf;
  }

  get length(): number {
    return this.#items.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The one that has waited longest. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** How long the first has waited; 0 where nobody waits. */
  ageMs(nowMs: number): number {
    return nowMs - (this.#sinceMs[0] ?? nowMs);
  }

  push(item: T, nowMs: number): void {
    this.#items.push(item);
    this.#sinceMs.push(nowMs);
    this.#bytes += this.#sizeOf(item);
  }

  /** Takes the first, which must be there. */
  shift(): T {
    const item = this.#items.shift() as T;
    this.#sinceMs.shift();
    this.#bytes -= this.#sizeOf(item);
    return item;
  }

  clear(): void {
    this.#items.length = 0;
    this.#sinceMs.length = 0;
    this.#bytes = 0;
  }
}
