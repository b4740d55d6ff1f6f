/**
 * A queue whose both ends are cheap, also when it is long. It has no limit of its own: what goes in is the kernel's. It is
 * kept in blocks: one that has been emptied is used again, so that a queue that is short most of the time makes nothing new.
 */

const BLOCK_SIZE = 1_024;

interface Block<T> {
  readonly items: (T | undefined)[];
  next: Block<T> | undefined;
}

export class Fifo<T> {
  #first: Block<T> = { items: [], next: undefined };
  #last = this.#first;
  /** Where the next is taken from the first block, and put into the last. */
  #head = 0;
  #tail = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#tail === BLOCK_SIZE) {
      const block = { items: [], next: undefined };
      this.#last.next = block;
      this.#last = block;
      this.#tail = 0;
    }
    this.#last.items[this.#tail] = item;
    this.#tail += 1;
    this.#size += 1;
  }

  take(): T | undefined {
    if (this.#size === 0) return undefined;
    if (this.#head === BLOCK_SIZE) this.#dropFirst();
    const { items } = this.#first;
    const item = items[this.#head];
    items[this.#head] = undefined;
    this.#head += 1;
    this.#size -= 1;
    if (this.#size === 0) {
      this.#head = 0;
      this.#tail = 0;
    }
    return item;
  }

  #dropFirst(): void {
    const emptied = this.#first;
    this.#first = emptied.next as Block<T>;
    // A dead block that still named a younger one would keep it from being collected early, and so on for ever.
    emptied.next = undefined;
    this.#head = 0;
  }
}
