/**
 * What this node knows of who owns what: a mirror of the records, fed by the watch and by every read. It may lag behind the
 * engine and never goes back: of one key, an older revision changes nothing.
 */
import type { Entry } from './engine.js';
import { type OwnRecord, readOwnRecord } from './record.js';

export interface Known {
  readonly record: OwnRecord;
  readonly rev: number;
}

export class Directory {
  readonly #known = new Map<string, Known>();
  /** The keys of each incarnation, `node/inc`. */
  readonly #byIncarnation = new Map<string, Set<string>>();
  /** Ordinals outlive the records in which they stood. */
  readonly #onChange: (key: string, now: Known, before: Known | undefined) => void;
  #highestRev = 0;

  constructor(onChange: (key: string, now: Known, before: Known | undefined) => void) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#known.size;
  }

  /** The highest revision seen of any key. */
  get highestRev(): number {
    return this.#highestRev;
  }

  of(key: string): Known | undefined {
    return this.#known.get(key);
  }

  keysOf(node: string, inc: number): readonly string[] {
    return [...(this.#byIncarnation.get(`${node}/${inc}`) ?? [])];
  }

  countOf(node: string, inc: number): number {
    return this.#byIncarnation.get(`${node}/${inc}`)?.size ?? 0;
  }

  /** The incarnations that own something. */
  *incarnations(): Generator<{ readonly node: string; readonly inc: number }> {
    for (const name of this.#byIncarnation.keys()) {
      const at = name.lastIndexOf('/');
      yield { node: name.slice(0, at), inc: Number(name.slice(at + 1)) };
    }
  }

  /** Takes in what was read, watched or written. */
  see({ key, value, rev }: Entry): Known {
    const before = this.#known.get(key);
    this.#highestRev = Math.max(this.#highestRev, rev);
    if (before && before.rev >= rev) return before;
    const record = readOwnRecord(value);
    // A record that was deleted by other hands forgets its ordinal; we do not.
    const ord = Math.max(record.ord, before?.record.ord ?? 0);
    const now = { record: record.ord === ord ? record : { ...record, ord }, rev };
    this.#known.set(key, now);
    if (before) this.#unindex(key, before.record);
    if (record.node !== '') this.#index(key, record);
    this.#onChange(key, now, before);
    return now;
  }

  /** A new era: revisions begin again. */
  clear(): void {
    this.#known.clear();
    this.#byIncarnation.clear();
    this.#highestRev = 0;
  }

  #index(key: string, { node, inc }: OwnRecord): void {
    const name = `${node}/${inc}`;
    const keys = this.#byIncarnation.get(name) ?? new Set();
    this.#byIncarnation.set(name, keys.add(key));
  }

  #unindex(key: string, { node, inc }: OwnRecord): void {
    const name = `${node}/${inc}`;
    const keys = this.#byIncarnation.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#byIncarnation.delete(name);
  }
}
