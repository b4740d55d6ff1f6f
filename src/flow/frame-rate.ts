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
    // The next is due on the schedule, however late this one came, so that lateness does not add up. After a pause the
    // schedule begins anew: nothing is caught up in a burst. A pause is two intervals; a source whose own rate is the
    // limit is late by one and its jitter whenever it was early before.
    const onScheduleMs = this.#dueMs + this.#intervalMs;
    const paused = nowMs >= onScheduleMs + this.#intervalMs;
    this.#dueMs = paused ? nowMs + this.#intervalMs : Math.max(onScheduleMs, nowMs);
    return true;
  }
}
