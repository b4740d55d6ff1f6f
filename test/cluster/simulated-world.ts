/**
 * A world for the ownership protocol: time, a network that delays, loses and holds, an engine that can be away, nodes that
 * stop, crash and wake. The nodes are the product's own code; everything else is seeded, so that a seed is a whole history.
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
import type { Clock } from '../../src/otp/clock.js';

/** Chance that is the same each time. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** In [0, 1). */
  readonly roll = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };

  below(n: number): number {
    return Math.floor(this.roll() * n);
  }

  chance(p: number): boolean {
    return this.roll() < p;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

interface Happening {
  readonly atMs: number;
  readonly tie: number;
  fn: (() => void) | undefined;
}

/** Things that happen, in the order of their times; ties in an order of their own chance. */
export class Timeline {
  nowMs = 0;
  readonly #heap: Happening[] = [];
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  after(ms: number, fn: () => void): Happening {
    const one: Happening = { atMs: this.nowMs + Math.max(0, ms), tie: this.#dice.roll(), fn };
    const heap = this.#heap;
    let at = heap.push(one) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(one, heap[parent] as Happening)) break;
      heap[at] = heap[parent] as Happening;
      at = parent;
    }
    heap[at] = one;
    return one;
  }

  /** Runs until `endMs`; @returns how many things happened. */
  run(endMs: number): number {
    let steps = 0;
    for (let next = this.#heap[0]; next && next.atMs < endMs; next = this.#heap[0]) {
      this.#pop();
      if (!next.fn) continue;
      this.nowMs = next.atMs;
      steps += 1;
      next.fn();
    }
    return steps;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Happening, heap[child] as Happening)) child += 1;
      if (!before(heap[child] as Happening, last)) break;
      heap[at] = heap[child] as Happening;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.tie < b.tie);
}

/** Links that are cut hold what is sent over them, as TCP does, or lose it. */
export class Network {
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #healMs = new Map<string, number>();
  /** From here on nothing is slow any more. */
  readonly #calmMs: number;

  constructor(timeline: Timeline, dice: Dice, calmMs: number) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#calmMs = calmMs;
  }

  /** Nothing goes from one to the other for so long; the other direction is another link. */
  cut(from: string, to: string, ms: number): void {
    this.#healMs.set(`${from}>${to}`, this.#timeline.nowMs + ms);
  }

  send(from: string, to: string, fn: () => void): void {
    const leftMs = (this.#healMs.get(`${from}>${to}`) ?? 0) - this.#timeline.nowMs;
    const slow = this.#timeline.nowMs < this.#calmMs && this.#dice.chance(0.05);
    let delayMs = 1 + this.#dice.roll() * (slow ? 900 : 10);
    if (leftMs > 0) {
      if (this.#dice.chance(0.5)) return;
      delayMs += leftMs;
    }
    this.#timeline.after(delayMs, fn);
  }
}

/** The one engine of the world: linearizable, away at times, with a clock that drifts. */
export class SimulatedStore {
  readonly records: RecordStore;
  readonly subscriptions = new Set<{
    subject: string;
    owner: SimulatedEngine;
    onMessage: (b: Uint8Array, s: string) => void;
  }>();
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
  readonly node: string;
  readonly #store: SimulatedStore;
  readonly #answerMs: number;
  readonly #faults: EngineFaults;
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

  request(_subject: string, _body: Uint8Array, timeoutMs: number, done: (answer: RequestAnswer) => void): void {
    this.#store.timeline.after(timeoutMs, () => this.deliver(() => done({ type: 'unknown', why: 'simulated' })));
  }

  serve(): Undo {
    return () => {};
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
  }

  async close(): Promise<void> {
    this.forget();
  }

  get #away(): boolean {
    return this.#store.timeline.nowMs < this.#store.awayUntilMs;
  }

  /** A question on its way there and back; each way may be lost, and then the outcome is unknown. */
  #ask<A>(op: () => A, done: (answer: A | Unknown) => void): void {
    const { network, timeline } = this.#store;
    let answered = false;
    const answer = (value: A | Unknown): void => {
      this.deliver(() => {
        if (answered) return;
        answered = true;
        done(value);
      });
    };
    network.send(this.node, 'E', () => {
      if (this.#away) return;
      const value = op();
      network.send('E', this.node, () => answer(value));
    });
    timeline.after(this.#answerMs, () => answer({ type: 'unknown', why: 'no answer' }));
  }
}

/** A clock of a node that goes a little wrong, and whose timers reach it only while it is awake. */
export function driftingClock(timeline: Timeline, drift: number, deliver: (fn: () => void) => void): Clock {
  const START_MS = 1_000;
  return {
    now: () => START_MS + timeline.nowMs * drift,
    wallMs: () => START_MS + timeline.nowMs * drift,
    setTimeout: (fn, ms) => {
      const timer = timeline.after(ms / drift, () => {
        const { fn: set } = timer;
        if (!set) return;
        deliver(() => {
          if (!timer.fn) return;
          timer.fn = undefined;
          fn();
        });
      });
      return timer;
    },
    clearTimeout: (timer) => {
      if (timer) (timer as Happening).fn = undefined;
    },
  };
}
