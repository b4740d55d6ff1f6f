/** What is held right now, by kind and by owner: the proof that nothing was left behind. */

export interface CensusCount {
  readonly kind: string;
  readonly owner: string;
  readonly count: number;
}

export class Census {
  readonly #byKind = new Map<string, number>();
  readonly #byOwner = new Map<string, Map<string, number>>();

  add(kind: string, owner: string): void {
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
    let kinds = this.#byOwner.get(owner);
    if (!kinds) {
      kinds = new Map();
      this.#byOwner.set(owner, kinds);
    }
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }

  remove(kind: string, owner: string): void {
    decrement(this.#byKind, kind);
    const kinds = this.#byOwner.get(owner);
    if (!kinds) return;
    decrement(kinds, kind);
    if (kinds.size === 0) this.#byOwner.delete(owner);
  }

  count(kind: string): number {
    return this.#byKind.get(kind) ?? 0;
  }

  /** What one owner holds, by kind. */
  ownedBy(owner: string): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#byOwner.get(owner) ?? []);
  }

  /** Counts by kind; only what is not zero. */
  totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#byKind);
  }

  /** Every holding, for a message that names who left what behind. */
  holdings(): readonly CensusCount[] {
    return [...this.#byOwner].flatMap(([owner, kinds]) => [...kinds].map(([kind, count]) => ({ kind, owner, count })));
  }
}

function decrement(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
