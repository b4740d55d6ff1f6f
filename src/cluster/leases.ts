/**
 * The leases of the others: who is alive by the engine's word, and the burial of what the dead owned. An engine may tell the
 * end of a lease, or not (NATS before 2.11 does not), so each lease that is not renewed for its time is asked for.
 *
 * A record is buried by compare-and-swap on its own revision and only for an incarnation whose lease is known to have ended.
 * All survivors do it; the first one wins and the others change nothing.
 */
import type { Clock } from '../otp/clock.js';
import type { Claims } from './claims.js';
import type { Directory } from './directory.js';
import type { Engine, Entry } from './engine.js';
import type { Member } from './node-parts.js';
import type { ClusterOptions } from './options.js';
import { type LeaseRecord, readLease } from './record.js';
import type { Rules } from './rules.js';

export interface LeasesParts {
  readonly self: string;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly options: ClusterOptions;
  readonly rules: Rules;
  readonly directory: Directory;
  readonly claims: Claims;
  readonly onUp: (node: string, lease: LeaseRecord) => void;
  /** The engine has ended the lease of this incarnation: it acts for nobody any more. */
  readonly onEnded: (node: string, inc: number) => void;
}

interface Standing extends LeaseRecord {
  readonly rev: number;
  readonly heardMs: number;
}

export class Leases {
  readonly #parts: LeasesParts;
  readonly #standing = new Map<string, Standing>();
  /** Since when an incarnation owns something without having a lease that is known. */
  readonly #unknownSinceMs = new Map<string, number>();
  readonly #asked = new Set<string>();

  constructor(parts: LeasesParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#standing.size;
  }

  members(silent: (node: string) => boolean): readonly Member[] {
    return [...this.#standing].map(([node, { inc, addr }]) => {
      const keys = this.#parts.directory.countOf(node, inc);
      return { node, inc, addr, state: silent(node) ? 'suspect' : 'up', keys };
    });
  }

  /** The watch, or a read. */
  see({ key: node, value, rev }: Entry): void {
    const before = this.#standing.get(node);
    if (before && before.rev >= rev) return;
    const lease = readLease(value);
    if (lease) {
      this.#standing.set(node, { ...lease, rev, heardMs: this.#parts.clock.now() });
      if (before?.inc !== lease.inc) this.#parts.onUp(node, lease);
    } else this.#standing.delete(node);
    if (before && this.#parts.rules.dead(before.inc, lease?.inc)) this.#ended(node, before.inc);
  }

  clear(): void {
    this.#standing.clear();
    this.#unknownSinceMs.clear();
  }

  /** Called with each resync: leases that should have been renewed, and records of incarnations without one. */
  sweep(): void {
    const { clock, options, directory, self } = this.#parts;
    const nowMs = clock.now();
    for (const [node, { heardMs }] of this.#standing) {
      if (node !== self && nowMs - heardMs > options.ttlMs) this.#ask(node);
    }
    const present = new Set<string>();
    for (const { node, inc } of directory.incarnations()) {
      if (this.#standing.get(node)?.inc === inc) continue;
      const name = `${node}/${inc}`;
      present.add(name);
      const sinceMs = this.#unknownSinceMs.get(name);
      if (sinceMs === undefined) this.#unknownSinceMs.set(name, nowMs);
      // A record can be seen before the lease of its writer is; after a whole lease's time it is not that.
      else if (nowMs - sinceMs > options.ttlMs) this.#askFor(node, inc);
    }
    for (const name of this.#unknownSinceMs.keys()) if (!present.has(name)) this.#unknownSinceMs.delete(name);
  }

  #ask(node: string): void {
    if (this.#asked.has(node)) return;
    this.#asked.add(node);
    const before = this.#standing.get(node);
    this.#parts.engine.get('nodes', node, (answer) => {
      this.#asked.delete(node);
      if (answer.type === 'unknown') return;
      if (answer.entry) this.see(answer.entry);
      // Forgotten without a word: the standing one is over unless it was renewed meanwhile.
      else if (before && this.#standing.get(node) === before) {
        this.#standing.delete(node);
        if (this.#parts.rules.dead(before.inc, undefined)) this.#ended(node, before.inc);
      }
    });
  }

  /** Whether this incarnation, which owns something, has a lease at all. */
  #askFor(node: string, inc: number): void {
    this.#parts.engine.get('nodes', node, (answer) => {
      if (answer.type === 'unknown') return;
      if (answer.entry) this.see(answer.entry);
      if (this.#parts.rules.dead(inc, readLease(answer.entry?.value)?.inc)) this.#bury(node, inc);
    });
  }

  #ended(node: string, inc: number): void {
    this.#parts.onEnded(node, inc);
    this.#bury(node, inc);
  }

  #bury(node: string, inc: number): void {
    const { directory, claims } = this.#parts;
    for (const key of directory.keysOf(node, inc)) {
      const known = directory.of(key);
      if (known) claims.bury(key, known.record, known.rev, 'reaped');
    }
  }
}
