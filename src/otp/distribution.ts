/**
 * How often something was how large: a count for each upper bound, the sum, and nothing else. Adding to it is a few compares and
 * no object, so that it may stand where a histogram of a metrics library would cost more than what it measures.
 */

/** Seconds, from a tenth of a millisecond on: the steps of most actors are below the first. */
const SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

export class Distribution {
  /** Upper bounds, inclusive; what is above the last is counted as well. */
  readonly bounds: readonly number[];
  /** By bound, and one more for what is above the last. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[] = SECONDS) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    counts[at] = (counts[at] as number) + 1;
    this.sum += value;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }
}
