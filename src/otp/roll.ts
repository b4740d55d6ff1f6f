/**
 * Members in the order in which they came. To join and to leave costs the same however many there are, and leaves nothing
 * behind: each member knows its neighbours. A `Set` makes itself a new table all the time when many come and go, and its
 * old tables, while the garbage collector has not been everywhere, keep the dead that were in them.
 */

/** What a member keeps for the one roll that it may be in. */
export interface Enrolled<T> {
  earlier: T | undefined;
  later: T | undefined;
}

export class Roll<T extends Enrolled<T>> implements Iterable<T> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(member: T): boolean {
    return member.earlier !== undefined || this.#first === member;
  }

  add(member: T): void {
    if (this.has(member)) return;
    member.earlier = this.#last;
    if (this.#last) this.#last.later = member;
    else this.#first = member;
    this.#last = member;
    this.#size += 1;
  }

  delete(member: T): void {
    if (!this.has(member)) return;
    const { earlier, later } = member;
    if (earlier) earlier.later = later;
    else this.#first = later;
    if (later) later.earlier = earlier;
    else this.#last = earlier;
    // One that has left and still named its neighbours would keep them from being collected.
    member.earlier = undefined;
    member.later = undefined;
    this.#size -= 1;
  }

  /** Those who are in it now. */
  members(): T[] {
    const all: T[] = [];
    for (let member = this.#first; member; member = member.later) all.push(member);
    return all;
  }

  find(wanted: (member: T) => boolean): T | undefined {
    for (let member = this.#first; member; member = member.later) if (wanted(member)) return member;
    return undefined;
  }

  /** Over those who are in it now: who comes or goes meanwhile changes nothing. */
  [Symbol.iterator](): Iterator<T> {
    return this.members()[Symbol.iterator]();
  }
}
