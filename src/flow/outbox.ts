/**
 * The bounded queue of one consumer. A producer goes at its own pace and a consumer reads at its own; this decides what
 * becomes of the difference. One item is in flight, in the hands of the wire; everything else waits here, where it is
 * counted, and where an overflow policy says what is lost when it grows too long. The wire's own buffer is never relied
 * on: it has a limit in messages or none at all, and a wire that is given all at once grows without a bound.
 *
 * Where what is late is worth nothing (sound), items have an age besides: what has waited longer than `maxAgeMs` is never
 * written. There is no timer; age is looked at when something is pushed or a write completes.
 *
 * Whoever owns an outbox hears of edges only: it filled, it drained, it failed. How long a full queue is borne is its
 * owner's business. Nothing here knows frames or gRPC.
 */

import { Line } from './line.js';
import type { OutboxEdge, OutboxOptions } from './outbox-options.js';
import type { Drops, OverflowPolicy } from './overflow.js';

export type { AgeClock, OutboxEdge, OutboxOptions } from './outbox-options.js';
export { type Drops, isOverflowPolicy, OVERFLOW_POLICIES, type OverflowPolicy } from './overflow.js';

const FILLED: OutboxEdge = { type: 'filled' };
const COMPLETED: OutboxEdge = { type: 'completed' };
const DRAINED: OutboxEdge = { type: 'drained' };
const OVERFLOWED: OutboxEdge = { type: 'overflowed' };

export class Outbox<T> {
  readonly #options: OutboxOptions<T>;
  readonly #sizeOf: OutboxOptions<T>['sizeOf'];
  readonly #write: OutboxOptions<T>['write'];
  readonly #framesMax: number;
  readonly #waiting: Line<T>;
  /** How many items are in the hands of the wire. */
  #inFlight = 0;
  #inFlightBytes = 0;
  #writing = false;
  #full = false;
  #closed = false;
  #sent = 0;
  #sentBytes = 0;
  #droppedFull = 0;
  #droppedAged = 0;
  #onIdle: (() => void)[] = [];

  constructor(options: OutboxOptions<T>) {
    requirePositive('framesMax', options.framesMax);
    requirePositive('bytesMax', options.bytesMax);
    if (options.batch) requirePositive('batch.bytesMax', options.batch.bytesMax);
    if (options.age) requirePositive('age.maxAgeMs', options.age.maxAgeMs);
    this.#options = options;
    this.#sizeOf = options.sizeOf;
    this.#write = options.write;
    this.#waiting = new Line(options.sizeOf);
    this.#framesMax = options.policy === 'latest' ? 1 : options.framesMax;
  }

  /** Items whose write completed. */
  get sent(): number {
    return this.#sent;
  }

  /** Bytes of items whose write completed. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get policy(): OverflowPolicy {
    return this.#options.policy;
  }

  /** Items lost. What a `close` throws away is not among them. */
  get drops(): number {
    return this.#droppedFull + this.#droppedAged;
  }

  get dropsByReason(): Drops {
    return { full: this.#droppedFull, aged: this.#droppedAged };
  }

  /** Items that wait, without those in flight. */
  get queued(): number {
    return this.#waiting.length;
  }

  get queuedBytes(): number {
    return this.#waiting.bytes;
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
    return this.#inFlight === 0 && this.#waiting.length === 0;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes an item, or does with it what the policy says. False when this very item was not taken. */
  push(item: T): boolean {
    if (this.#closed) return false;
    if (this.#inFlight === 0 && !this.#writing && this.#waiting.length === 0) return this.#writeAtOnce(item);
    const nowMs = this.#options.age?.clock.now() ?? 0;
    this.#dropAged(nowMs);
    if (!this.#fits(item) && !this.#makeRoom()) return false;
    while (!this.#fits(item)) {
      this.#waiting.shift();
      this.#droppedFull += 1;
    }
    // An edge may have closed the outbox on the way here.
    if (this.#closed) return false;
    this.#waiting.push(item, nowMs);
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
    this.#waiting.clear();
    this.#onIdle = [];
  }

  /** Nothing is before it: it goes to the wire without having waited. This is the way of nearly every item. */
  #writeAtOnce(item: T): true {
    this.#writing = true;
    this.#inFlight = 1;
    this.#inFlightBytes = this.#sizeOf(item);
    this.#write(item, this.#written);
    this.#writing = false;
    // Taken at once, it may have set off that another was pushed.
    if (this.#inFlight === 0) this.#writeNext();
    return true;
  }

  #fits(item: T): boolean {
    const { length } = this.#waiting;
    if (length === 0) return true;
    return length < this.#framesMax && this.#waiting.bytes + this.#sizeOf(item) <= this.#options.bytesMax;
  }

  #atLimit(): boolean {
    return this.#waiting.length >= this.#framesMax || this.#waiting.bytes >= this.#options.bytesMax;
  }

  /** What the policy does about an item that does not fit. True when older items shall go instead of it. */
  #makeRoom(): boolean {
    const { policy, onEdge } = this.#options;
    if (policy === 'disconnect') {
      this.#droppedFull += 1;
      this.close();
      onEdge(OVERFLOWED);
      return false;
    }
    if (policy === 'drop_newest') this.#droppedFull += 1;
    // An item can be too large for the bytes that are left before the queue is at its limit. That fills it too: a
    // producer that was refused must hear of the room that comes.
    this.#fill();
    return !this.#closed && (policy === 'drop_oldest' || policy === 'latest');
  }

  /** The longest waiting is at the front, so that those too old are. */
  #dropAged(nowMs: number): void {
    const { age } = this.#options;
    if (!age) return;
    const before = this.#droppedAged;
    while (this.#waiting.ageMs(nowMs) > age.maxAgeMs) {
      this.#waiting.shift();
      this.#droppedAged += 1;
    }
    // A queue whose items grow too old is as full as it can get, however few they are.
    if (this.#droppedAged > before) this.#fill();
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
    while (this.#inFlight === 0 && this.#waiting.length > 0) this.#writeOne();
    this.#writing = false;
  }

  #writeOne(): void {
    const { batch } = this.#options;
    const first = this.#waiting.shift();
    this.#inFlight = 1;
    this.#inFlightBytes = this.#sizeOf(first);
    if (!batch || this.#waiting.length === 0) {
      this.#write(first, this.#written);
      return;
    }
    const items = [first];
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      const bytes = this.#inFlightBytes + this.#sizeOf(next);
      if (bytes > batch.bytesMax) break;
      this.#inFlightBytes = bytes;
      items.push(this.#waiting.shift());
    }
    this.#inFlight = items.length;
    if (items.length > 1) batch.write(items, this.#written);
    else this.#write(first, this.#written);
  }

  readonly #written = (error?: Error | null): void => {
    if (this.#closed) return;
    const written = this.#inFlight;
    this.#inFlight = 0;
    if (error) {
      this.close();
      this.#options.onEdge({ type: 'failed', error });
      return;
    }
    this.#sent += written;
    this.#sentBytes += this.#inFlightBytes;
    if (this.#waiting.length > 0) {
      this.#dropAged(this.#options.age?.clock.now() ?? 0);
      this.#writeNext();
    }
    if (this.#full || this.#onIdle.length > 0) this.#reportProgress();
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
   * What is unwritten, what is in flight included, is half of the limit or less. With the limit itself as the mark, a
   * consumer that is a little too slow would fill and drain with every frame.
   */
  #halfWritten(): boolean {
    const { bytesMax, age } = this.#options;
    if (age && this.#waiting.ageMs(age.clock.now()) > age.maxAgeMs / 2) return false;
    const unwritten = this.#waiting.length + this.#inFlight;
    return unwritten <= this.#framesMax / 2 && this.#waiting.bytes <= bytesMax / 2;
  }
}

function requirePositive(name: string, value: number): void {
  if (value >= 1) return;
  throw new RangeError(`${name}: expected a number of at least 1, got ${value}`);
}
