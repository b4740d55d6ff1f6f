/**
 * A set of mostly one. Nearly every process has one monitor, and a `Set` for it costs as much memory as half of the
 * process; a second member makes it a real set.
 */
export class Few<T extends object> {
  #only: T | undefined;
  #more: Set<T> | undefined;

  get size(): number {
    return this.#more?.size ?? (this.#only ? 1 : 0);
  }

  add(item: T): void {
    if (this.#more) this.#more.add(item);
    else if (!this.#only || this.#only === item) this.#only = item;
    else {
      this.#more = new Set([this.#only, item]);
      this.#only = undefined;
    }
  }

  delete(item: T): void {
    if (this.#more) this.#more.delete(item);
    else if (this.#only === item) this.#only = undefined;
  }

  /** Those who are in it now, in the order in which they came; who is taken out meanwhile may still be among them. */
  members(): readonly T[] {
    if (this.#more) return [...this.#more];
    return this.#only ? [this.#only] : [];
  }
}
