/**
 * What one node sees of the engine of the simulated world, at the other end of a bad network.
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
import type { SimulatedStore } from './simulated-store.js';

type Handler = (body: Uint8Array, reply: (body: Uint8Array) => void) => void;

export interface EngineFaults {
  /** Writes without looking at what stands there. */
  readonly blindCas?: Bucket;
  /** Writes of owners go over what was written since, after a second try: its content was not looked at. */
  readonly unseen?: boolean;
  /** Two of five answers about owners are lost. */
  readonly deaf?: boolean;
}

/** What a record is taken for whose content nobody looked at. */
const UNSEEN = '{"node":"","inc":0,"claim":"","ord":0}';

/** What one node sees of the engine. */
export class SimulatedEngine implements Engine {
  readonly label = 'simulated';
  readonly messageBytesMax = Number.MAX_SAFE_INTEGER;
  readonly node: string;
  readonly #store: SimulatedStore;
  readonly #answerMs: number;
  readonly #faults: EngineFaults;
  #closed = false;
  #asked = 0;
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
    this.#ask(
      () => {
        const entry = this.#store.records.get(bucket, key);
        const unseen = this.#faults.unseen && bucket === 'own' && entry;
        return { type: 'read' as const, entry: unseen ? { ...entry, value: UNSEEN } : entry };
      },
      this.#hearing(bucket, done),
    );
  }

  cas(bucket: Bucket, key: string, value: string, rev: number, done: (answer: CasAnswer) => void): void {
    const { records } = this.#store;
    this.#ask<CasAnswer>(
      () => {
        const standing = this.#faults.blindCas === bucket ? (records.get(bucket, key)?.rev ?? 0) : rev;
        return records.cas(bucket, key, value, standing, this.#store.nowMs());
      },
      this.#hearing(bucket, done),
    );
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

  #hearing<A>(bucket: Bucket, done: (answer: A | Unknown) => void): (answer: A | Unknown) => void {
    this.#asked += 1;
    if (!this.#faults.deaf || bucket !== 'own' || this.#asked % 5 > 1) return done;
    return () => done({ type: 'unknown', why: 'its answer was lost' });
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
