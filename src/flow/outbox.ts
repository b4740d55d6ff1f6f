/**
 * The bounded queue of one consumer. A producer goes at its own pace and a consumer reads at its own; this decides what
 * becomes of the difference. One item is in flight, in the hands of the wire; everything else waits here, where it is
 * counted, and where an overflow policy says what is lost when it grows too long. The wire's own buffer is never relied
 * on: it has a limit in messages or none at all, and a wire that is given all at once grows without a bound.
 *
 * Whoever owns an outbox hears of edges only: it filled, it drained, it failed. There are no clocks here; how long a full
 * queue is borne is its owner's business. Nothing here knows frames or gRPC.
 */

/**
 * What becomes of an item for which there is no room.
 *
 * - `drop_oldest`: the longest waiting make room for it.
 * - `drop_newest`: it is dropped itself.
 * - `latest`: at most one item waits, and a newer one takes its place.
 * - `block`: it is refused and stays the producer's, who waits until there is room.
 * - `disconnect`: it is dropped, and the consumer is given up.
 */
export type OverflowPolicy = 'drop_oldest' | 'drop_newest' | 'latest' | 'block' | 'disconnect';

export const OVERFLOW_POLICIES: readonly OverflowPolicy[] = [
  'drop_oldest',
  'drop_newest',
  'latest',
  'block',
  'disconnect',
];

export function isOverflowPolicy(value: unknown): value is OverflowPolicy {
  return OVERFLOW_POLICIES.includes(value as OverflowPolicy);
}

/**
 * What the owner hears. `filled` and `drained` alternate, beginning with `filled`; `completed` is a write that completed
 * between the two. `failed` and `overflowed` come at most once, and nothing comes after them: the outbox is closed.
 */
export type OutboxEdge =
  | { readonly type: 'filled' }
  | { readonly type: 'completed' }
  | { readonly type: 'drained' }
  | { readonly type: 'failed'; readonly error: Error }
  | { readonly type: 'overflowed' };

export interface OutboxOptions<T> {
  readonly policy: OverflowPolicy;
  /** How many items may wait, besides the one in flight. `latest` keeps one whatever this says. */
  readonly framesMax: number;
  /** How many bytes may wait. One item larger than this is taken when nothing else waits. */
  readonly bytesMax: number;
  /** Bytes of an item; the same each time it is asked. */
  readonly sizeOf: (item: T) => number;
  /** Hands one item to the wire, which calls `done` once; the next item follows only then. Never throws. */
  readonly write: (item: T, done: (error?: Error | null) => void) => void;
  readonly onEdge: (edge: OutboxEdge) => void;
}

const FILLED: OutboxEdge = { type: 'filled' };
const COMPLETED: OutboxEdge = { type: 'completed' };
const DRAINED: OutboxEdge = { type: 'drained' };
const OVERFLOWED: OutboxEdge = { type: 'overflowed' };

export class Outbox<T> {
  readonly #options: OutboxOptions<T>;
  readonly #framesMax: number;
  readonly #waiting: T[] = [];
  #waitingBytes = 0;
  #inFlight = false;
  #writing = false;
  #full = false;
  #closed = false;
  #sent = 0;
  #drops = 0;
  #onIdle: (() => void)[] = [];

  constructor(options: OutboxOptions<T>) {
    requirePositive('framesMax', options.framesMax);
    requirePositive('bytesMax', options.bytesMax);
    this.#options = options;
    this.#framesMax = options.policy === 'latest' ? 1 : options.framesMax;
  }

  /** Items whose write completed. */
  get sent(): number {
    return this.#sent;
  }

  /** Items lost because the consumer was too slow. What a `close` throws away is not among them. */
  get drops(): number {
    return this.#drops;
  }

  /** Items that wait, without the one in flight. */
  get queued(): number {
    return this.#waiting.length;
  }

  get queuedBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * False from `filled` to `drained`. A producer that can wait (policy `block`) begins again when it turns true, which is
   * when half of the queue is free: a producer woken for each free place would go to sleep again at once.
   */
  get hasRoom(): boolean {
    return !this.#full && !this.#closed;
  }

  /** Nothing waits and nothing is in flight. */
  get idle(): boolean {
    return !this.#inFlight && this.#waiting.length === 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes an item, or does with it what the policy says. False when this very item was not taken. */
  push(item: T): boolean {
    if (this.#closed) return false;
    if (!this.#fits(item) && !this.#makeRoom()) return false;
    while (!this.#fits(item)) this.#dropOldest();
    this.#waiting.push(item);
    this.#waitingBytes += this.#options.sizeOf(item);
    this.#writeNext();
    if (this.#atLimit()) this.#fill();
    return true;
  }

  /**
   * Calls `fn` once, when everything taken so far and since has been written: at once where nothing waits. Never, if
   * the outbox is closed first.
   */
  whenIdle(fn: () => void): void {
    if (this.#closed) return;
    if (this.idle) fn();
    else this.#onIdle.push(fn);
  }

  /** Forgets what waits and reports nothing any more; what is in flight ends unheard. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#onIdle = [];
  }

  #fits(item: T): boolean {
    const { length } = this.#waiting;
    if (length === 0) return true;
    return length < this.#framesMax && this.#waitingBytes + this.#options.sizeOf(item) <= this.#options.bytesMax;
  }

  #atLimit(): boolean {
    return this.#waiting.length >= this.#framesMax || this.#waitingBytes >= this.#options.bytesMax;
  }

  /** What the policy does about an item that does not fit. True when older items shall go instead of it. */
  #makeRoom(): boolean {
    const { policy, onEdge } = this.#options;
    if (policy === 'disconnect') {
      this.#drops += 1;
      this.close();
      onEdge(OVERFLOWED);
      return false;
    }
    if (policy === 'drop_newest') this.#drops += 1;
    // An item can be too large for the bytes that are left before the queue is at its limit. That fills it too: a
    // producer that was refused must hear of the room that comes.
    this.#fill();
    return !this.#closed && (policy === 'drop_oldest' || policy === 'latest');
  }

  #dropOldest(): void {
    this.#waitingBytes -= this.#options.sizeOf(this.#waiting.shift() as T);
    this.#drops += 1;
  }

  #fill(): void {
    if (this.#full) return;
    this.#full = true;
    this.#options.onEdge(FILLED);
  }

  // A wire may complete a write before `write` has returned. The loop takes the next item then; recursion would be as
  // deep as the queue is long.
  #writeNext(): void {
    if (this.#writing) return;
    this.#writing = true;
    while (!this.#inFlight && this.#waiting.length > 0) {
      const item = this.#waiting.shift() as T;
      this.#waitingBytes -= this.#options.sizeOf(item);
      this.#inFlight = true;
      this.#options.write(item, this.#written);
    }
    this.#writing = false;
  }

  readonly #written = (error?: Error | null): void => {
    if (this.#closed) return;
    this.#inFlight = false;
    if (error) {
      this.close();
      this.#options.onEdge({ type: 'failed', error });
      return;
    }
    this.#sent += 1;
    this.#writeNext();
    this.#reportProgress();
  };

  #reportProgress(): void {
    if (this.#full && !this.#closed) {
      this.#full = !this.#halfWritten();
      this.#options.onEdge(this.#full ? COMPLETED : DRAINED);
    }
    if (!this.idle || this.#closed) return;
    const waiters = this.#onIdle;
    this.#onIdle = [];
    for (const fn of waiters) fn();
  }

  /**
   * What is unwritten, the item in flight included, is half of the limit or less. With the limit itself as the mark, a
   * consumer that is a little too slow would fill and drain with every frame.
   */
  #halfWritten(): boolean {
    const unwritten = this.#waiting.length + (this.#inFlight ? 1 : 0);
    return unwritten <= this.#framesMax / 2 && this.#waitingBytes <= this.#options.bytesMax / 2;
  }
}

function requirePositive(name: string, value: number): void {
  if (value >= 1) return;
  throw new RangeError(`${name}: expected a number of at least 1, got ${value}`);
}
