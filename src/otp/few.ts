/**
 * A set of mostly one. Nearly every process has one monitor, and a `Set` for it costs as much memory as half of the
 * process. A few more are a list; only when they are many do they become a real set.
 */
const LISTED_MAX = 8;

export class Few<T extends object> {
  #only: T | undefined;
  #more: T[] | Set<T> | undefined;

  get size(): number {
    const more = this.#more;
    if (more) return more instanceof Set ? more.size : more.length;
    return this.#only ? 1 : 0;
  }

  has(item: T): boolean {
    const more = this.#more;
    if (more) return more instanceof Set ? more.has(item) : more.includes(item);
    return this.#only === item;
  }

  add(item: T): void {
    if (this.has(item)) return;
    const more = this.#more;
    if (more instanceof Set) more.add(item);
    else if (more && more.length === LISTED_MAX) this.#more = new Set(more).add(item);
    else if (more) more.push(item);
    else if (!this.#only) this.#only = item;
    else {
      this.#more = [this.#only, item];
      this.#only = undefined;
    }
  }

  delete(item: T): boolean {
    const more = this.#more;
    if (!this.has(item)) return false;
    if (more instanceof Set) more.delete(item);
    else if (more) more.splice(more.indexOf(item), 1);
    else this.#only = undefined;
    return true;
  }

  /** Those who are in it now, in the order in which they came; who is taken out meanwhile may still be among them. */
  members(): readonly T[] {
    if (this.#more) return [...this.#more];
    return this.#only ? [this.#only] : [];
  }
}
