/**
 * Where something is to be found by its name: which nodes provide a procedure, which has a camera. A mirror of the offers
 * that the nodes have written, one record each, fed by the watch and by every read. It may lag behind the engine and never
 * goes back: of one node, an older revision changes nothing.
 *
 * An offer counts while the incarnation that made it is heard. What the dead have left is nobody's, and is pruned.
 *
 * Pure: "now" comes from outside, and how the engine is asked is not here.
 */
import { type Offer, readOffer } from './offer.js';

/** What is found by name: each kind is a table of its own. */
export type OfferedKind = 'procedures' | 'cameras';

/** The record of a node, as it was last seen. */
export interface Standing {
  /** Undefined for what is no offer, and for one that was taken back. */
  readonly offer: Offer | undefined;
  readonly value: string | undefined;
  readonly rev: number;
  readonly seenMs: number;
}

export interface WhereaboutsOptions {
  /** How long the record of an incarnation that is not there is left to stand. */
  readonly keepMs: number;
}

export class Whereabouts {
  readonly #options: WhereaboutsOptions;
  readonly #standing = new Map<string, Standing>();
  /** The nodes that are heard, with their incarnation. */
  readonly #heard = new Map<string, number>();

  constructor(options: WhereaboutsOptions) {
    this.#options = options;
  }

  get counts(): { readonly records: number; readonly heard: number } {
    return { records: this.#standing.size, heard: this.#heard.size };
  }

  // What was read

  /** Takes in a record, or that it is empty. False when as new a one was known. */
  see(node: string, value: string | undefined, rev: number, nowMs: number): boolean {
    const before = this.#standing.get(node);
    if (before && before.rev >= rev) return false;
    this.#standing.set(node, { offer: readOffer(value), value, rev, seenMs: nowMs });
    return true;
  }

  /** The engine was asked and has no record of that node. */
  missing(node: string): void {
    this.#standing.delete(node);
  }

  standing(node: string): Standing | undefined {
    return this.#standing.get(node);
  }

  /** What was read is of an engine that has begun anew, where revisions begin again. Who is heard stands. */
  clear(): void {
    this.#standing.clear();
  }

  /**
   * Takes away what incarnations that are not among `members` have left and nobody has renewed for `keepMs`.
   * @returns these records, to be taken from the engine too.
   */
  prune(
    members: ReadonlyMap<string, number>,
    nowMs: number,
  ): readonly { readonly node: string; readonly rev: number }[] {
    const over: { node: string; rev: number }[] = [];
    for (const [node, { offer, rev, seenMs }] of this.#standing) {
      if (!offer || members.get(node) === offer.inc || nowMs - seenMs <= this.#options.keepMs) continue;
      this.#standing.delete(node);
      over.push({ node, rev });
    }
    return over;
  }

  // Who is heard

  present(node: string, inc: number): void {
    this.#heard.set(node, inc);
  }

  /** False when it was not heard before either. */
  gone(node: string): boolean {
    return this.#heard.delete(node);
  }

  // What is found

  /** What a node offers now; nothing while it is not heard, or has not offered anything in this incarnation. */
  offeredBy(node: string): Offer | undefined {
    const offer = this.#standing.get(node)?.offer;
    return offer && this.#heard.get(node) === offer.inc ? offer : undefined;
  }

  /** The nodes that offer it, the one heard for the longest time first. O(nodes). */
  find(kind: OfferedKind, name: string): readonly string[] {
    return [...this.#heard.keys()].filter((node) => this.offeredBy(node)?.[kind].has(name) === true);
  }
}
