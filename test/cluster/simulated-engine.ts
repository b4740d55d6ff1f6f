/**
 * The engine of the simulated world: linearizable, away at times, with a clock of its own, at the other end of a bad network.
 * The nodes are the product's own code and see it through the same port as any other engine.
 */
import type {
  Bucket,
  CasAnswer,
  Engine,
  EngineInfo,
  Entry,
  GetAnswer,
  RequestAnswer,
  Undo,
  Unknown,
} from '../../src/cluster/engine.js';
import { matches } from '../../src/cluster/memory-engine.js';
import { RecordStore } from '../../src/cluster/record-store.js';
import type { Dice, Network, Timeline } from './simulated-world.js';

type Handler = (body: Uint8Array, reply: (body: Uint8Array) => void) => void;

/** The one engine of the world: linearizable, away at times, with a clock that drifts. */
export class SimulatedStore {
  readonly records: RecordStore;
  readonly subscriptions = new Set<{
    subject: string;
    owner: SimulatedEngine;
    onMessage: (b: Uint8Array, s: string) => void;
  }>();
  readonly handlers = new Map<string, { owner: SimulatedEngine; onRequest: Handler }>();
  readonly watchers = new Set<{ bucket: Bucket; owner: SimulatedEngine; onEntry: (entry: Entry) => void }>();
  readonly timeline: Timeline;
  readonly network: Network;
  readonly drift: number;
  era = 1;
  awayUntilMs = 0;
  /** Whose watches stand still, until when. */
  readonly #lagUntilMs = new Map<string, number>();

  constructor(timeline: Timeline, network: Network, dice: Dice, ttlMs: number) {
    this.timeline = timeline;
    this.network = network;
    this.drift = 1 + (dice.roll() - 0.5) * 0.02;
    this.records = new RecordStore(ttlMs);
    this.records.listen((bucket, entry) => {
      for (const watcher of this.watchers) if (watcher.bucket === bucket) this.#tell(watcher, entry);
    });
    const expire = (): void => {
      this.records.expire(this.nowMs());
      timeline.after(50, expire);
    };
    timeline.after(0, expire);
  }

  nowMs(): number {
    return this.timeline.nowMs * this.drift;
  }

  /** The watches of a node tell nothing for so long, and then begin anew. */
  lag(node: string, ms: number): void {
    this.#lagUntilMs.set(node, this.timeline.nowMs + ms);
    this.timeline.after(ms, () => {
      for (const watcher of this.watchers) {
        if (watcher.owner.node !== node) continue;
        for (const entry of this.records.all(watcher.bucket)) this.#tell(watcher, entry);
      }
    });
  }

  #tell(watcher: { owner: SimulatedEngine; onEntry: (entry: Entry) => void }, entry: Entry): void {
    const { owner } = watcher;
    if (this.timeline.nowMs < (this.#lagUntilMs.get(owner.node) ?? 0)) return;
    this.network.send('E', owner.node, () => owner.deliver(() => watcher.onEntry(entry)));
  }

  watch(watcher: { bucket: Bucket; owner: SimulatedEngine; onEntry: (entry: Entry) => void }): void {
    this.watchers.add(watcher);
    for (const entry of this.records.all(watcher.bucket)) this.#tell(watcher, entry);
  }
}

export interface EngineFaults {
  /** Writes without looking at what stands there. */
  readonly blindCas?: Bucket;
}

/** What one node sees of the engine. */
export class SimulatedEngine implements Engine {
  readonly label = 'simulated';
  readonly messageBytesMax = Number.MAX_SAFE_INTEGER;
  readonly node: string;
  readonly #store: SimulatedStore;
  readonly #answerMs: number;
  readonly #faults: EngineFaults;
  #closed = false;
  /** Hands something to the node when it is awake; never, once it has crashed. */
  readonly deliver: (fn: () => void) => void;

  constructor(
    node: string,
    store: SimulatedStore,
    deliver: (fn: () => void) => void,
    answerMs: number,
    faults: EngineFaults,
  ) {
    this.node = node;
    this.#store = store;
    this.deliver = deliver;
    this.#answerMs = answerMs;
    this.#faults = faults;
  }

  get(bucket: Bucket, key: string, done: (answer: GetAnswer) => void): void {
    this.#ask(() => ({ type: 'read' as const, entry: this.#store.records.get(bucket, key) }), done);
  }

  cas(bucket: Bucket, key: string, value: string, rev: number, done: (answer: CasAnswer) => void): void {
    const { records } = this.#store;
    this.#ask<CasAnswer>(() => {
      const standing = this.#faults.blindCas === bucket ? (records.get(bucket, key)?.rev ?? 0) : rev;
      return records.cas(bucket, key, value, standing, this.#store.nowMs());
    }, done);
  }

  watch(bucket: Bucket, onEntry: (entry: Entry) => void): Undo {
    const watcher = { bucket, owner: this, onEntry };
    this.#store.watch(watcher);
    return () => void this.#store.watchers.delete(watcher);
  }

  publish(subject: string, body: Uint8Array): void {
    const { network, subscriptions } = this.#store;
    network.send(this.node, 'E', () => {
      if (this.#away) return;
      for (const { subject: pattern, owner, onMessage } of subscriptions) {
        if (!matches(pattern, subject)) continue;
        network.send('E', owner.node, () => owner.deliver(() => onMessage(body, subject)));
      }
    });
  }

  subscribe(subject: string, onMessage: (body: Uint8Array, subject: string) => void): Undo {
    const subscription = { subject, owner: this as SimulatedEngine, onMessage };
    this.#store.subscriptions.add(subscription);
    return () => void this.#store.subscriptions.delete(subscription);
  }

  request(subject: string, body: Uint8Array, timeoutMs: number, done: (answer: RequestAnswer) => void): void {
    const { network, timeline, handlers } = this.#store;
    const answer = this.#once(done);
    network.send(this.node, 'E', () => {
      if (this.#away) return;
      const handler = handlers.get(subject);
      if (!handler) {
        network.send('E', this.node, () => answer({ type: 'no_responders' }));
        return;
      }
      const { owner, onRequest } = handler;
      let replied = false;
      const reply = (bytes: Uint8Array): void => {
        if (replied) return;
        replied = true;
        network.send(owner.node, 'E', () => {
          network.send('E', this.node, () => answer({ type: 'answered', body: bytes }));
        });
      };
      network.send('E', owner.node, () => owner.deliver(() => onRequest(body, reply)));
    });
    timeline.after(timeoutMs, () => answer({ type: 'unknown', why: 'no answer' }));
  }

  serve(subject: string, onRequest: Handler): Undo {
    const handler = { owner: this as SimulatedEngine, onRequest };
    this.#store.handlers.set(subject, handler);
    return () => {
      if (this.#store.handlers.get(subject) === handler) this.#store.handlers.delete(subject);
    };
  }

  info(done: (answer: EngineInfo | Unknown) => void): void {
    this.#ask(
      () => ({ type: 'info' as const, era: this.#store.era, lastRev: this.#store.records.lastRev('own') }),
      done,
    );
  }

  onReconnect(): Undo {
    return () => {};
  }

  /** The process is gone: nothing reaches it any more. */
  forget(): void {
    for (const watcher of this.#store.watchers) if (watcher.owner === this) this.#store.watchers.delete(watcher);
    for (const one of this.#store.subscriptions) if (one.owner === this) this.#store.subscriptions.delete(one);
    for (const [subject, one] of this.#store.handlers) if (one.owner === this) this.#store.handlers.delete(subject);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.forget();
  }

  get #away(): boolean {
    return this.#store.timeline.nowMs < this.#store.awayUntilMs;
  }

  /** A question on its way there and back; each way may be lost, and then the outcome is unknown. */
  #ask<A>(op: () => A, done: (answer: A | Unknown) => void): void {
    const { network, timeline } = this.#store;
    const answer = this.#once(done);
    network.send(this.node, 'E', () => {
      if (this.#away) return;
      const value = op();
      network.send('E', this.node, () => answer(value));
    });
    timeline.after(this.#answerMs, () => answer({ type: 'unknown', why: 'no answer' }));
  }

  /** The first answer, and no other. */
  #once<A>(done: (answer: A) => void): (answer: A) => void {
    let answered = false;
    return (value) => {
      this.deliver(() => {
        if (answered || this.#closed) return;
        answered = true;
        done(value);
      });
    };
  }
}
