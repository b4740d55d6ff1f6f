/**
 * One producer, many consumers. Publishing is a loop over `push` and nothing else: the item is shared by reference, and what
 * a slow consumer does about it is the business of that consumer's own queue. An `Outbox` is a consumer.
 */
export interface Consumer<T> {
  /** Takes the item or drops it, at once. Never throws: the consumers behind it would go without. */
  push(item: T): unknown;
}

export class FanOut<T> {
  /** Each consumer with the round in which it joined. */
  readonly #consumers = new Map<Consumer<T>, number>();
  #round = 0;
  #publishing = false;

  get size(): number {
    return this.#consumers.size;
  }

  /** Adds a consumer; returns its undo, which may be called at any time and more than once. */
  join(consumer: Consumer<T>): () => void {
    if (!this.#consumers.has(consumer)) this.#consumers.set(consumer, this.#publishing ? this.#round : -1);
    let left = false;
    return () => {
      // A second call must not undo a later join of the same consumer.
      if (!left) this.#consumers.delete(consumer);
      left = true;
    };
  }

  /**
   * Pushes the item to everyone, in the order of joining. Who leaves meanwhile and was not yet served does not get it; who
   * joins meanwhile gets the next.
   */
  publish(item: T): void {
    this.#round += 1;
    this.#publishing = true;
    try {
      for (const [consumer, joinedIn] of this.#consumers) {
        if (joinedIn !== this.#round) consumer.push(item);
      }
    } finally {
      this.#publishing = false;
    }
  }
}
