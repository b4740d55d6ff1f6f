/** The overflow policies: what a bounded queue does when a consumer is slower than its producer. */

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
 * Items lost, by the reason. The slow side is the consumer in both cases: what a producer skips, or is refused, the producer
 * counts.
 */
export interface Drops {
  /** There was no room. */
  readonly full: number;
  /** It waited for longer than `maxAgeMs`. */
  readonly aged: number;
}
