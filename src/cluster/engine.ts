/**
 * What the cluster needs of an engine, and all it needs: records that change by compare-and-swap in one total order, a watch
 * on them, messages, and a question with an answer. Every rule of the protocol lives above this port, so that the memory
 * edition, NATS and the simulator run the same code.
 *
 * Every question is answered once, by callback, never before the call has returned, and after the engine's time limit at the
 * latest. An answer may be `unknown`: what was asked may have happened, may happen later, or never. Whoever gets it reads
 * before it concludes anything. Only a closed engine answers nothing any more.
 */

/** `own`: who owns a key. `nodes`: leases, which the engine forgets after their time. `services`: who provides what. */
export type Bucket = 'own' | 'nodes' | 'services';

export const BUCKETS: readonly Bucket[] = ['own', 'nodes', 'services'];

export interface Entry {
  readonly key: string;
  /** Undefined for one that was deleted or has expired. */
  readonly value: string | undefined;
  /** Its place in the order of all writes of its bucket. */
  readonly rev: number;
}

export interface Unknown {
  readonly type: 'unknown';
  readonly why: string;
}

export type CasAnswer =
  | { readonly type: 'written'; readonly rev: number }
  /** Another revision stands there. */
  | { readonly type: 'conflict' }
  | Unknown;

export type GetAnswer = { readonly type: 'read'; readonly entry: Entry | undefined } | Unknown;

export type RequestAnswer =
  | { readonly type: 'answered'; readonly body: Uint8Array }
  /** Nobody listens there: known at once. */
  | { readonly type: 'no_responders' }
  | Unknown;

export interface EngineInfo {
  readonly type: 'info';
  /** Rises when the records begin anew: their creation in milliseconds since 1970, plus what an operator added. */
  readonly era: number;
  /** The revision of the last write to the bucket `own`. */
  readonly lastRev: number;
}

export type Undo = () => void;

export interface Engine {
  /** What it is, for people: `memory`, `nats 2.12.1`. */
  readonly label: string;
  /** A message or a question longer than this is not sent. */
  readonly messageBytesMax: number;

  /** Reads what all agree on; never an answer older than a write that was acknowledged before. */
  get(bucket: Bucket, key: string, done: (answer: GetAnswer) => void): void;

  /** Writes if the entry's revision is `rev`; 0: if there is no entry, or a deleted or expired one. */
  cas(bucket: Bucket, key: string, value: string, rev: number, done: (answer: CasAnswer) => void): void;

  /**
   * Tells the present entries first and then each change, those of one key in the order of their revisions. After a loss it
   * begins again with the present ones, so an entry may come twice. It may lag without a bound.
   */
  watch(bucket: Bucket, onEntry: (entry: Entry) => void): Undo;

  /** At most once: whoever does not listen now never hears it. */
  publish(subject: string, body: Uint8Array): void;
  /** `subject` may end in `*`, which stands for one word. */
  subscribe(subject: string, onMessage: (body: Uint8Array, subject: string) => void): Undo;
  request(subject: string, body: Uint8Array, timeoutMs: number, done: (answer: RequestAnswer) => void): void;
  /** Answers requests; `reply` at most once. */
  serve(subject: string, onRequest: (body: Uint8Array, reply: (body: Uint8Array) => void) => void): Undo;

  info(done: (answer: EngineInfo | Unknown) => void): void;
  /** Calls `fn` after each time the connection was lost and is back. */
  onReconnect(fn: () => void): Undo;

  close(): Promise<void>;
}
