/**
 * What is held right now, by kind and by owner: the proof that nothing was left behind. To take something and to give it
 * back costs a counter and two neighbours; who holds what is put together when somebody asks, which is seldom.
 */
import { type Enrolled, Roll } from './roll.js';

/** One thing that somebody holds. */
export interface Holding extends Enrolled<Holding> {
  readonly kind: string;
  /** An actor's path. */
  readonly owner: string;
}

export interface CensusCount {
  readonly kind: string;
  readonly owner: string;
  readonly count: number;
}

export class Census {
  readonly #byKind = new Map<string, number>();
  readonly #all = new Roll<Holding>();

  add(holding: Holding): void {
    this.#all.add(holding);
    this.#byKind.set(holding.kind, (this.#byKind.get(holding.kind) ?? 0) + 1);
  }

  remove(holding: Holding): void {
    if (!this.#all.has(holding)) return;
    this.#all.delete(holding);
    const left = (this.#byKind.get(holding.kind) ?? 0) - 1;
    if (left > 0) this.#byKind.set(holding.kind, left);
    else this.#byKind.delete(holding.kind);
  }

  count(kind: string): number {
    return this.#byKind.get(kind) ?? 0;
  }

  /** Counts by kind; only what is not zero. */
  totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#byKind);
  }

  /** Every holding, for a message that names who left what behind. O(all that is held). */
  holdings(): readonly CensusCount[] {
    const byOwner = new Map<string, Map<string, number>>();
    for (const { kind, owner } of this.#all.members()) {
      const kinds = byOwner.get(owner) ?? new Map<string, number>();
      byOwner.set(owner, kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
    }
    return [...byOwner].flatMap(([owner, kinds]) => [...kinds].map(([kind, count]) => ({ kind, owner, count })));
  }
}
