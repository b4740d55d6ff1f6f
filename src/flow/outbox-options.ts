/** What an outbox is told, and what it tells its owner. How it keeps to that is `outbox.ts`. */
import type { OverflowPolicy } from './overflow.js';

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

/** The part of a clock that tells the age of items. */
export interface AgeClock {
  /** Monotonic milliseconds. */
  now(): number;
}

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
  /**
   * Small items go as one write: of those that wait, as many as `bytesMax` holds. Absent: one at a time. A batch is in
   * flight as a whole; its items count as sent, or not, together.
   */
  readonly batch?: {
    readonly bytesMax: number;
    /** At least two items; otherwise as `write`. The array is the wire's to keep. */
    readonly write: (items: readonly T[], done: (error?: Error | null) => void) => void;
  };
  /** Absent: items do not age. */
  readonly age?: {
    readonly maxAgeMs: number;
    readonly clock: AgeClock;
  };
  readonly onEdge: (edge: OutboxEdge) => void;
}
