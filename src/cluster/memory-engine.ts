/**
 * The engine of one process: the default of a gateway that is alone, and of several in one process, as in tests. It never
 * loses anything and never answers late; what it shares with the others is the order of answers: never within the call.
 */
import type { Clock } from '../otp/clock.js';
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
} from './engine.js';
import { RecordStore } from './record-store.js';

type Handler = (body: Uint8Array, reply: (body: Uint8Array) => void) => void;

/** What the engines of one process share. */
export class MemoryHub {
  readonly era: number;
  readonly clock: Clock;
  readonly records: RecordStore;
  readonly subscriptions = new Set<{
    readonly subject: string;
    readonly onMessage: (body: Uint8Array, subject: string) => void;
  }>();
  readonly handlers = new Map<string, Handler>();
  #expiry: unknown;

  constructor({ clock, ttlMs, era }: { readonly clock: Clock; readonly ttlMs: number; readonly era?: number }) {
    this.clock = clock;
    this.era = era ?? Math.max(1, Math.floor(clock.wallMs()));
    this.records = new RecordStore(ttlMs);
  }

  connect(): Engine {
    return new MemoryEngine(this);
  }

  /** Sets the timer that forgets the next lease. */
  watchExpiry(): void {
    this.clock.clearTimeout(this.#expiry);
    this.#expiry = undefined;
    const nextMs = this.records.nextExpiryMs();
    if (nextMs === undefined) return;
    this.#expiry = this.clock.setTimeout(
      () => {
        this.records.expire(this.clock.now());
        this.watchExpiry();
      },
      Math.max(0, nextMs - this.clock.now()) + 1,
    );
  }

  /** Sets no timer any more. */
  close(): void {
    this.clock.clearTimeout(this.#expiry);
    this.#expiry = undefined;
  }
}

class MemoryEngine implements Engine {
  readonly label = 'memory';
  readonly messageBytesMax = Number.MAX_SAFE_INTEGER;
  readonly #hub: MemoryHub;
  readonly #undos = new Set<Undo>();
  #closed = false;

  constructor(hub: MemoryHub) {
    this.#hub = hub;
  }

  get(bucket: Bucket, key: string, done: (answer: GetAnswer) => void): void {
    this.#later(() => done({ type: 'read', entry: this.#hub.records.get(bucket, key) }));
  }

  cas(bucket: Bucket, key: string, value: string, rev: number, done: (answer: CasAnswer) => void): void {
    const { records, clock } = this.#hub;
    const answer = records.cas(bucket, key, value, rev, clock.now());
    if (bucket === 'nodes') this.#hub.watchExpiry();
    this.#later(() => done(answer));
  }

  watch(bucket: Bucket, onEntry: (entry: Entry) => void): Undo {
    const tell = (entry: Entry): void => this.#later(() => this.#undos.has(undo) && onEntry(entry));
    const stop = this.#hub.records.listen((changed, entry) => changed === bucket && tell(entry));
    const undo = this.#undoable(stop);
    for (const entry of this.#hub.records.all(bucket)) tell(entry);
    return undo;
  }

  publish(subject: string, body: Uint8Array): void {
    for (const subscription of this.#hub.subscriptions) {
      if (!matches(subscription.subject, subject)) continue;
      this.#later(() => this.#hub.subscriptions.has(subscription) && subscription.onMessage(body, subject));
    }
  }

  subscribe(subject: string, onMessage: (body: Uint8Array, subject: string) => void): Undo {
    const subscription = { subject, onMessage };
    this.#hub.subscriptions.add(subscription);
    return this.#undoable(() => this.#hub.subscriptions.delete(subscription));
  }

  request(subject: string, body: Uint8Array, timeoutMs: number, done: (answer: RequestAnswer) => void): void {
    const handler = this.#hub.handlers.get(subject);
    if (!handler) {
      this.#later(() => done({ type: 'no_responders' }));
      return;
    }
    let over = false;
    const end = (answer: RequestAnswer): void => {
      if (over) return;
      over = true;
      this.#hub.clock.clearTimeout(timer);
      this.#undos.delete(undo);
      done(answer);
    };
    const timer = this.#hub.clock.setTimeout(
      () => end({ type: 'unknown', why: `no answer for ${timeoutMs} ms` }),
      timeoutMs,
    );
    const undo: Undo = () => end({ type: 'unknown', why: 'the engine was closed' });
    this.#undos.add(undo);
    this.#later(() => handler(body, (reply) => this.#later(() => end({ type: 'answered', body: reply }))));
  }

  serve(subject: string, onRequest: Handler): Undo {
    this.#hub.handlers.set(subject, onRequest);
    return this.#undoable(() => {
      if (this.#hub.handlers.get(subject) === onRequest) this.#hub.handlers.delete(subject);
    });
  }

  info(done: (answer: EngineInfo | Unknown) => void): void {
    this.#later(() => done({ type: 'info', era: this.#hub.era, lastRev: this.#hub.records.lastRev('own') }));
  }

  onReconnect(): Undo {
    return () => {};
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const undo of [...this.#undos]) undo();
    this.#undos.clear();
  }

  #undoable(stop: () => void): Undo {
    const undo = (): void => {
      if (this.#undos.delete(undo)) stop();
    };
    this.#undos.add(undo);
    return undo;
  }

  #later(fn: () => void): void {
    queueMicrotask(() => {
      if (!this.#closed) fn();
    });
  }
}

/** `*` at the end of a subscription's subject stands for one word. */
export function matches(pattern: string, subject: string): boolean {
  if (!pattern.endsWith('.*')) return pattern === subject;
  const stem = pattern.slice(0, -1);
  return subject.startsWith(stem) && !subject.slice(stem.length).includes('.');
}
