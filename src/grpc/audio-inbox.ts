/** What was heard and is not yet read, for `for await`. Bounded: who reads too slowly loses the oldest, and they are counted. */

export class AudioInbox<T> implements AsyncIterator<T, undefined> {
  readonly #max: number;
  readonly #onReturn: () => void;
  readonly #waiting: T[] = [];
  #missed = 0;
  #over: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;

  /** @param onReturn the reader has left the loop. */
  constructor(max: number, onReturn: () => void) {
    this.#max = max;
    this.#onReturn = onReturn;
  }

  get missed(): number {
    return this.#missed;
  }

  push(item: T): void {
    if (this.#over) return;
    this.#waiting.push(item);
    if (this.#waiting.length > this.#max) {
      this.#waiting.shift();
      this.#missed += 1;
    }
    this.#wake?.();
  }

  /** No more comes. What waits may still be read; then the loop ends, or throws the error. */
  end(error?: Error): void {
    this.#over ??= { error };
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const item = this.#waiting.shift();
      if (item !== undefined) return { done: false, value: item };
      if (this.#over?.error) throw this.#over.error;
      if (this.#over) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    this.#waiting.length = 0;
    this.#onReturn();
    return { done: true, value: undefined };
  }
}
