/**
 * A limit on frames per second that keeps a schedule. Measuring from the last admitted frame instead would add the wait
 * for the next source frame to each interval: 25 of 30 would come out as 15.
 */
export class FrameRate {
  readonly #intervalMs: number;
  #dueMs = Number.NEGATIVE_INFINITY;
  #skipped = 0;

  /** `fps` 0 or absent admits every frame. */
  constructor(fps?: number) {
    if (fps !== undefined && !(fps >= 0 && fps < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`fps: expected a number of at least 0, got ${fps}`);
    }
    this.#intervalMs = fps ? 1000 / fps : 0;
  }

  /** Frames that were not admitted. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Whether a frame that comes at `nowMs` is within the rate. Times are monotonic milliseconds. */
  admit(nowMs: number): boolean {
    if (nowMs < this.#dueMs) {
      this.#skipped += 1;
      return false;
    }
    // A frame that comes late is forgiven up to half an interval, so that the next is still due on the schedule. After
    // a longer pause the schedule begins anew: nothing is caught up in a burst.
    const onSchedule = this.#dueMs + this.#intervalMs;
    const first = this.#dueMs === Number.NEGATIVE_INFINITY;
    this.#dueMs = first ? nowMs + this.#intervalMs : Math.max(onSchedule, nowMs + this.#intervalMs / 2);
    return true;
  }
}
