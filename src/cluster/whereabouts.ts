/**
 * Where something is to be found by its name: which nodes provide a procedure, or have subscribers of a topic. A table has
 * two sides: what this node offers and tells the others of, and what it has heard of theirs. One table is for one kind of
 * thing; services and subscribers have one each.
 *
 * What was heard is believed for a while only, and may be wrong within it: whoever acts on it and finds nobody there asks anew,
 * with `refresh`. That nobody has it is believed as long as that somebody has.
 *
 * Pure: "now" comes from outside, and how one asks the others is not here.
 */

export interface WhereaboutsOptions {
  /** How long what was heard is believed. */
  readonly cacheMs: number;
  /** Names remembered of what was heard; the one heard of longest ago makes room. */
  readonly namesMax: number;
}

/** What is known of a name: where it is, nowhere included, or that the others have to be asked. */
export type Found = { readonly type: 'hit'; readonly nodes: readonly string[] } | { readonly type: 'miss' };

export interface Offer {
  readonly name: string;
  /** How long it stands without being offered again. */
  readonly ttlMs: number;
  readonly offeredAtMs: number;
}

interface Heard {
  readonly nodes: readonly string[];
  readonly atMs: number;
}

const MISS: Found = { type: 'miss' };

export class Whereabouts {
  readonly #options: WhereaboutsOptions;
  readonly #offers = new Map<string, Offer>();
  /** The one heard of longest ago stands first. */
  readonly #heard = new Map<string, Heard>();

  constructor(options: WhereaboutsOptions) {
    this.#options = options;
  }

  get counts(): { readonly offers: number; readonly cached: number } {
    return { offers: this.#offers.size, cached: this.#heard.size };
  }

  // What this node offers

  /** Offers it, or offers it anew. */
  offer(name: string, ttlMs: number, nowMs: number): void {
    this.#offers.set(name, { name, ttlMs, offeredAtMs: nowMs });
  }

  /** Idempotent. */
  withdraw(name: string): void {
    this.#offers.delete(name);
  }

  /** What this node offers under the name, unless its time is over. */
  offered(name: string, nowMs: number): Offer | undefined {
    const offer = this.#offers.get(name);
    return offer && !isOver(offer, nowMs) ? offer : undefined;
  }

  offers(nowMs: number): readonly Offer[] {
    return [...this.#offers.values()].filter((offer) => !isOver(offer, nowMs));
  }

  // What was heard of the others

  /** The others were asked, or have told: this is where it is now. No node: nobody has it. */
  heard(name: string, nodes: readonly string[], nowMs: number): void {
    // Put in anew, so that it stands behind those that were heard of earlier.
    this.#heard.delete(name);
    const [oldest] = this.#heard.keys();
    if (oldest !== undefined && this.#heard.size >= this.#options.namesMax) this.#heard.delete(oldest);
    this.#heard.set(name, { nodes: [...nodes], atMs: nowMs });
  }

  /** @param refresh what is remembered was wrong, or must not be relied on: ask the others. */
  find(name: string, nowMs: number, { refresh = false } = {}): Found {
    const known = this.#heard.get(name);
    if (!known || refresh || this.#isStale(known, nowMs)) return MISS;
    return { type: 'hit', nodes: known.nodes };
  }

  /** That node has gone: nothing is there any more. What else has the name stays known. */
  nodeGone(node: string): void {
    for (const [name, { nodes, atMs }] of this.#heard)
      if (nodes.includes(node)) this.#heard.set(name, { nodes: nodes.filter((one) => one !== node), atMs });
  }

  /** Forgets what was heard; what this node offers stands. */
  clear(): void {
    this.#heard.clear();
  }

  /** Takes away what is over on both sides. @returns how many names that were. O(names). */
  prune(nowMs: number): { readonly offers: number; readonly cached: number } {
    const before = this.counts;
    for (const offer of this.#offers.values()) if (isOver(offer, nowMs)) this.#offers.delete(offer.name);
    for (const [name, known] of this.#heard) if (this.#isStale(known, nowMs)) this.#heard.delete(name);
    return { offers: before.offers - this.#offers.size, cached: before.cached - this.#heard.size };
  }

  #isStale({ atMs }: Heard, nowMs: number): boolean {
    return nowMs - atMs >= this.#options.cacheMs;
  }
}

function isOver({ offeredAtMs, ttlMs }: Offer, nowMs: number): boolean {
  return nowMs - offeredAtMs >= ttlMs;
}
