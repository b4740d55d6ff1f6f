/**
 * The engine on NATS JetStream: three key-value buckets for the records, core NATS for messages and questions. Records are read
 * from the leader; a write that was not answered is `unknown`, because it may land later.
 *
 * Versions, traps and measurements that this follows: servers below 2.10.23 are refused; a bucket that exists keeps its own
 * settings silently, so they are compared after opening; clients shuffle servers unless told not to.
 */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
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
} from '../engine.js';
import { openBuckets } from './buckets.js';
import { connectNats } from './connection.js';
import { decodeKey, encodeKey } from './key-code.js';
import type { NatsOptions } from './nats-options.js';
import { loadNats, type NatsPackages } from './nats-packages.js';

export interface NatsEngineOptions extends NatsOptions {
  /** Names the connection for operators. */
  readonly node: string;
  readonly ttlMs: number;
  readonly answerMs: number;
}

/** JetStream's codes for "another revision stands there", with its number and without. */
const WRONG_LAST_SEQUENCE = new Set([10_071, 10_164]);

/** JetStream's code for a stream that is not there. */
const STREAM_NOT_FOUND = 10_059;

/** What a server takes that does not say. */
export const MESSAGE_BYTES = 1_048_576;

/** Connects and opens the buckets. @throws one clear line when that cannot be done. */
export async function openNatsEngine(options: NatsEngineOptions): Promise<Engine> {
  const packages = await loadNats();
  const connection = await connectNats(packages, options);
  try {
    const jetstream = packages.jetstream.jetstream(connection, { timeout: options.answerMs });
    const manager = await jetstream.jetstreamManager();
    const buckets = await openBuckets(packages, jetstream, manager, options, connection.info?.version ?? '');
    return new NatsEngine({ packages, connection, jetstream, manager, buckets, options });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

interface NatsEngineParts {
  readonly packages: NatsPackages;
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly buckets: Readonly<Record<Bucket, KV>>;
  readonly options: NatsEngineOptions;
}

interface Watch {
  readonly bucket: Bucket;
  readonly onEntry: (entry: Entry) => void;
  stop: () => void;
}

class NatsEngine implements Engine {
  readonly label: string;
  readonly messageBytesMax: number;
  readonly #parts: NatsEngineParts;
  readonly #watches = new Set<Watch>();
  readonly #reconnected = new Set<() => void>();
  #created = '';
  #closed = false;

  constructor(parts: NatsEngineParts) {
    this.#parts = parts;
    this.messageBytesMax = parts.connection.info?.max_payload ?? MESSAGE_BYTES;
    this.label = `nats ${parts.connection.info?.version ?? ''}`;
    void this.#followStatus();
  }

  get(bucket: Bucket, key: string, done: (answer: GetAnswer) => void): void {
    this.#answer(this.#get(bucket, key), done);
  }

  cas(bucket: Bucket, key: string, value: string, rev: number, done: (answer: CasAnswer) => void): void {
    this.#answer(this.#cas(bucket, key, value, rev), done);
  }

  watch(bucket: Bucket, onEntry: (entry: Entry) => void): Undo {
    const watch: Watch = { bucket, onEntry, stop: () => {} };
    this.#watches.add(watch);
    void this.#follow(watch);
    return () => {
      if (this.#watches.delete(watch)) watch.stop();
    };
  }

  publish(subject: string, body: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#parts.connection.publish(this.#subject(subject), body);
    } catch {
      // At most once: what cannot be sent now is not sent.
    }
  }

  subscribe(subject: string, onMessage: (body: Uint8Array, subject: string) => void): Undo {
    const stem = this.#subject('');
    const subscription = this.#parts.connection.subscribe(this.#subject(subject), {
      callback: (error, message) => {
        if (!error && !this.#closed) onMessage(message.data, message.subject.slice(stem.length));
      },
    });
    return () => this.#end(subscription);
  }

  request(subject: string, body: Uint8Array, timeoutMs: number, done: (answer: RequestAnswer) => void): void {
    const { connection, packages } = this.#parts;
    const asked = connection.request(this.#subject(subject), body, { timeout: Math.max(1, timeoutMs) }).then(
      ({ data }): RequestAnswer => ({ type: 'answered', body: data }),
      (error: unknown): RequestAnswer => {
        const { NoRespondersError, RequestError } = packages.transport;
        const nobody = error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
        return nobody ? { type: 'no_responders' } : unknown(error);
      },
    );
    this.#answer(asked, done);
  }

  serve(subject: string, onRequest: (body: Uint8Array, reply: (body: Uint8Array) => void) => void): Undo {
    const subscription = this.#parts.connection.subscribe(this.#subject(subject), {
      callback: (error, message) => {
        if (error || this.#closed) return;
        let replied = false;
        onRequest(message.data, (body) => {
          if (replied || this.#closed) return;
          replied = true;
          message.respond(body);
        });
      },
    });
    return () => this.#end(subscription);
  }

  info(done: (answer: EngineInfo | Unknown) => void): void {
    this.#answer(this.#info(), done);
  }

  onReconnect(fn: () => void): Undo {
    const entry = (): void => fn();
    this.#reconnected.add(entry);
    return () => void this.#reconnected.delete(entry);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    this.#reconnected.clear();
    await this.#parts.connection.close();
  }

  async #get(bucket: Bucket, key: string): Promise<GetAnswer> {
    try {
      const found = await this.#parts.buckets[bucket].get(encodeKey(key));
      if (found?.operation !== 'PUT') return { type: 'read', entry: undefined };
      return { type: 'read', entry: { key, value: found.string(), rev: found.revision } };
    } catch (error) {
      return unknown(error);
    }
  }

  async #cas(bucket: Bucket, key: string, value: string, rev: number): Promise<CasAnswer> {
    const answer = await this.#put(bucket, key, value, rev);
    if (rev !== 0 || answer.type !== 'conflict') return answer;
    // To create over the mark of what was forgotten, the mark's own revision has to be named.
    try {
      const standing = await this.#parts.buckets[bucket].get(encodeKey(key));
      if (standing?.operation !== 'DEL' && standing?.operation !== 'PURGE') return { type: 'conflict' };
      return await this.#put(bucket, key, value, standing.revision);
    } catch (error) {
      return unknown(error);
    }
  }

  async #put(bucket: Bucket, key: string, value: string, rev: number): Promise<CasAnswer> {
    const { jetstream, options, packages } = this.#parts;
    const subject = `$KV.${options.prefix}-${bucket}.${encodeKey(key)}`;
    try {
      const { seq } = await jetstream.publish(subject, value, {
        expect: { lastSubjectSequence: rev },
        timeout: options.answerMs,
      });
      return { type: 'written', rev: seq };
    } catch (error) {
      const refused = error instanceof packages.jetstream.JetStreamApiError && WRONG_LAST_SEQUENCE.has(error.code);
      return refused ? { type: 'conflict' } : unknown(error);
    }
  }

  async #info(): Promise<EngineInfo | Unknown> {
    const { manager, options } = this.#parts;
    try {
      const { created, state } = await manager.streams.info(`KV_${options.prefix}-own`);
      // Begun anew, as one in memory after its restart: watches of the old one tell nothing any more.
      if (this.#created !== '' && this.#created !== created) this.#watchAgain();
      this.#created = created;
      return { type: 'info', era: Math.max(1, Date.parse(created)) + options.eraBump, lastRev: state.last_seq };
    } catch (error) {
      if (this.#gone(error)) await this.#openAgain();
      return unknown(error);
    }
  }

  /** The server has lost the stream, as one in memory does when it restarts. */
  #gone(error: unknown): boolean {
    return error instanceof this.#parts.packages.jetstream.JetStreamApiError && error.code === STREAM_NOT_FOUND;
  }

  async #openAgain(): Promise<void> {
    const { packages, jetstream, manager, options, connection } = this.#parts;
    try {
      await openBuckets(packages, jetstream, manager, options, connection.info?.version ?? '');
    } catch {
      // Not yet; whoever asks next tries again.
    }
  }

  /** Follows a bucket until it is undone; a watch that breaks begins anew, with what is there. */
  async #follow(watch: Watch): Promise<void> {
    const { buckets, packages } = this.#parts;
    const alive = (): boolean => !this.#closed && this.#watches.has(watch);
    while (alive()) {
      try {
        const entries = await buckets[watch.bucket].watch({ include: packages.kv.KvWatchInclude.LastValue });
        watch.stop = () => entries.stop();
        if (!alive()) entries.stop();
        for await (const { key, operation, revision, value } of entries) {
          if (!alive()) break;
          const text = operation === 'PUT' ? new TextDecoder().decode(value) : undefined;
          watch.onEntry({ key: decodeKey(key), value: text, rev: revision });
        }
      } catch {
        // The connection is away, or the stream is; what was missed is told when it begins anew.
      }
      if (alive()) await new Promise<void>((resolve) => setTimeout(resolve, WATCH_AGAIN_MS).unref());
    }
  }

  #watchAgain(): void {
    for (const watch of this.#watches) watch.stop();
  }

  async #followStatus(): Promise<void> {
    for await (const { type } of this.#parts.connection.status()) {
      if (type === 'reconnect') for (const fn of [...this.#reconnected]) fn();
    }
  }

  #end(subscription: Subscription): void {
    if (!subscription.isClosed()) subscription.unsubscribe();
  }

  #subject(subject: string): string {
    return `${this.#parts.options.prefix}.${subject}`;
  }

  #answer<A>(asked: Promise<A>, done: (answer: A) => void): void {
    void asked.then((answer) => {
      if (!this.#closed) done(answer);
    });
  }
}

/** Before a watch that broke begins anew. */
const WATCH_AGAIN_MS = 200;

function unknown(error: unknown): Unknown {
  return { type: 'unknown', why: error instanceof Error ? error.message : String(error) };
}
