/** Time for nodes over the engine in memory, which passes when a test says so. */
import type { VirtualClock } from '../../src/otp/clock.js';

/** Messages and answers of the engine in memory are a few microtasks away. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 50; n += 1) await Promise.resolve();
}

/** So much time goes by, and whatever is due has been answered after each step. */
export async function pass(clock: VirtualClock, ms: number, stepMs = 100): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    clock.advance(Math.min(stepMs, left));
    await settle();
  }
}
