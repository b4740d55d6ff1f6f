/**
 * Records in one total order, as an engine keeps them: compare-and-swap, leases that are forgotten after their time, and
 * listeners. It has no clock and no network: the memory edition puts it into one process, the simulator behind a bad one.
 */
import type { Bucket, CasAnswer, Entry } from './engine.js';

interface Stored {
  readonly value: string | undefined;
  readonly rev: number;
  /** Infinity where nothing is forgotten. */
  readonly untilMs: number;
}

export class RecordStore {
  /** Of this bucket entries are forgotten after `ttlMs`. */
  readonly #ttlMs: number;
  readonly #entries: Record<Bucket, Map<string, Stored>> = { own: new Map(), nodes: new Map(), services: new Map() };
  readonly #listeners = new Set<(bucket: Bucket, entry: Entry) => void>();
  readonly #lastRev: Record<Bucket, number> = { own: 0, nodes: 0, services: 0 };

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  lastRev(bucket: Bucket): number {
    return this.#lastRev[bucket];
  }

  get(bucket: Bucket, key: string): Entry | undefined {
    const stored = this.#entries[bucket].get(key);
    return stored?.value === undefined ? undefined : { key, value: stored.value, rev: stored.rev };
  }

  all(bucket: Bucket): readonly Entry[] {
    return [...this.#entries[bucket]].map(([key, { value, rev }]) => ({ key, value, rev }));
  }

  cas(bucket: Bucket, key: string, value: string, rev: number, nowMs: number): CasAnswer {
    const standing = this.#entries[bucket].get(key);
    const expected = standing?.value === undefined ? 0 : standing.rev;
    if (rev !== expected) return { type: 'conflict' };
    return { type: 'written', rev: this.#put(bucket, key, value, nowMs) };
  }

  /** Forgets the leases that are over. */
  expire(nowMs: number): void {
    for (const [key, { value, untilMs }] of this.#entries.nodes) {
      if (value !== undefined && nowMs > untilMs) this.#put('nodes', key, undefined, nowMs);
    }
  }

  /** When the next lease is over; undefined when there is none. */
  nextExpiryMs(): number | undefined {
    let nextMs: number | undefined;
    for (const { value, untilMs } of this.#entries.nodes.values()) {
      if (value !== undefined && (nextMs === undefined || untilMs < nextMs)) nextMs = untilMs;
    }
    return nextMs;
  }

  listen(listener: (bucket: Bucket, entry: Entry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #put(bucket: Bucket, key: string, value: string | undefined, nowMs: number): number {
    this.#lastRev[bucket] += 1;
    const rev = this.#lastRev[bucket];
    const untilMs = bucket === 'nodes' ? nowMs + this.#ttlMs : Number.POSITIVE_INFINITY;
    this.#entries[bucket].set(key, { value, rev, untilMs });
    for (const listener of [...this.#listeners]) listener(bucket, { key, value, rev });
    return rev;
  }
}
