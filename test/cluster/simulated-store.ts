/** The one engine of the simulated world: linearizable, away at times, with a clock of its own, and sometimes forgetful. */
import type { Bucket, Entry } from '../../src/cluster/engine.js';
import { readLease } from '../../src/cluster/record.js';
import { RecordStore } from '../../src/cluster/record-store.js';
import type { SimulatedEngine } from './simulated-engine.js';
import type { Dice, Network, Timeline } from './simulated-world.js';

type Handler = (body: Uint8Array, reply: (body: Uint8Array) => void) => void;

interface Watcher {
  readonly bucket: Bucket;
  readonly owner: SimulatedEngine;
  readonly onEntry: (entry: Entry) => void;
}

export class SimulatedStore {
  records: RecordStore;
  readonly subscriptions = new Set<{
    subject: string;
    owner: SimulatedEngine;
    onMessage: (b: Uint8Array, s: string) => void;
  }>();
  readonly handlers = new Map<string, { owner: SimulatedEngine; onRequest: Handler }>();
  readonly watchers = new Set<Watcher>();
  readonly timeline: Timeline;
  readonly network: Network;
  readonly drift: number;
  era = 1;
  awayUntilMs = 0;
  /** How long after a loss a watch begins anew: some versions of NATS were seen to take more than ten seconds. */
  watchAgainMs = 300;
  readonly #beginAgain = new Set<Watcher>();
  readonly #ttlMs: number;
  readonly #listeners: ((bucket: Bucket, entry: Entry) => void)[] = [];
  readonly #written: { readonly bucket: Bucket; readonly entry: Entry; readonly atMs: number }[] = [];
  /** The incarnation whose lease stands, of each node. */
  readonly #incs = new Map<string, number | undefined>();
  /** Whose watches stand still, until when. */
  readonly #lagUntilMs = new Map<string, number>();

  constructor(timeline: Timeline, network: Network, dice: Dice, ttlMs: number) {
    this.timeline = timeline;
    this.network = network;
    this.drift = 1 + (dice.roll() - 0.5) * 0.02;
    this.records = new RecordStore(ttlMs);
    this.#ttlMs = ttlMs;
    this.listen((bucket, entry) => {
      this.#written.push({ bucket, entry, atMs: this.nowMs() });
      if (bucket === 'nodes') this.#incs.set(entry.key, readLease(entry.value)?.inc);
      for (const watcher of this.watchers) if (watcher.bucket === bucket) this.#tell(watcher, entry);
    });
    const expire = (): void => {
      this.records.expire(this.nowMs());
      timeline.after(50, expire);
    };
    timeline.after(0, expire);
  }

  /** Told of each write, also after the records were put back. */
  listen(listener: (bucket: Bucket, entry: Entry) => void): void {
    this.#listeners.push(listener);
    this.records.listen(listener);
  }

  /** The last writes of owners never were: as of an engine that is put back to a backup, or lost what its disk had not. */
  forget(ownWrites: number): void {
    this.records = new RecordStore(this.#ttlMs);
    const own = this.#written.filter(({ bucket }) => bucket === 'own').slice(-ownWrites);
    const kept = this.#written.filter((one) => !own.includes(one));
    this.#written.length = 0;
    for (const { bucket, entry, atMs } of kept) {
      this.#written.push({ bucket, entry, atMs });
      const { key, value } = entry;
      if (value !== undefined) this.records.cas(bucket, key, value, this.records.get(bucket, key)?.rev ?? 0, atMs);
    }
    for (const listener of this.#listeners) this.records.listen(listener);
  }

  /** Who of this node has a lease now, by the engine's own word. */
  leaseOf(node: string): number | undefined {
    return this.#incs.get(node);
  }

  nowMs(): number {
    return this.timeline.nowMs * this.drift;
  }

  /** The watches of a node tell nothing for so long, and then begin anew. */
  lag(node: string, ms: number): void {
    this.#lagUntilMs.set(node, this.timeline.nowMs + ms);
    this.timeline.after(ms, () => {
      for (const watcher of this.watchers) {
        if (watcher.owner.node === node) this.#tellAll(watcher);
      }
    });
  }

  /** Until when the watches of a node stand still. */
  lagUntilMs(node: string): number {
    return this.#lagUntilMs.get(node) ?? 0;
  }

  #tell(watcher: Watcher, entry: Entry): void {
    const { owner } = watcher;
    if (this.timeline.nowMs < this.lagUntilMs(owner.node)) return;
    if (this.network.send('E', owner.node, () => owner.deliver(() => watcher.onEntry(entry)))) return;
    if (this.#beginAgain.has(watcher)) return;
    this.#beginAgain.add(watcher);
    this.timeline.after(this.network.cutForMs('E', owner.node) + this.watchAgainMs, () => {
      this.#beginAgain.delete(watcher);
      if (this.watchers.has(watcher)) this.#tellAll(watcher);
    });
  }

  #tellAll(watcher: Watcher): void {
    for (const entry of this.records.all(watcher.bucket)) this.#tell(watcher, entry);
  }

  watch(watcher: Watcher): void {
    this.watchers.add(watcher);
    this.#tellAll(watcher);
  }
}
