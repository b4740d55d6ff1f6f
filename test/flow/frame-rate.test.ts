import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameRate } from '../../src/flow/frame-rate.js';

/** The times, out of those of a source, at which frames are admitted. */
function admitted(rate: FrameRate, timesMs: readonly number[]): number[] {
  return timesMs.filter((timeMs) => rate.admit(timeMs));
}

const source = (fps: number, seconds: number) =>
  Array.from({ length: fps * seconds }, (_, n) => 5000 + (n * 1000) / fps);

describe('a source of 30 frames a second', () => {
  it('S1-16 is limited to one frame a second, and what is skipped is counted', () => {
    const rate = new FrameRate(1);
    const out = admitted(rate, source(30, 600));
    expect(out).toHaveLength(600);
    expect(rate.skipped).toBe(30 * 600 - 600);
    for (let second = 0; second < 600; second += 1) {
      expect((out[second] as number) - 5000 - second * 1000).toBeGreaterThanOrEqual(0);
      expect((out[second] as number) - 5000 - second * 1000).toBeLessThan(34);
    }
  });

  it.each([7, 12, 20, 25, 29])('is limited to %d without drift', (fps) => {
    expect(admitted(new FrameRate(fps), source(30, 100)).length).toBeGreaterThanOrEqual(fps * 100 - 1);
    expect(admitted(new FrameRate(fps), source(30, 100)).length).toBeLessThanOrEqual(fps * 100 + 1);
  });

  it('loses almost nothing to its own rate as a limit, however it jitters', () => {
    const jittered = source(30, 100).map((timeMs, n) => timeMs + ((n * 7919) % 21) - 10);
    expect(admitted(new FrameRate(30), jittered).length).toBeGreaterThanOrEqual(2990);
  });

  it.each([undefined, 0])('is not limited by %s', (fps) => {
    const rate = new FrameRate(fps);
    expect(admitted(rate, source(30, 10))).toHaveLength(300);
    expect(rate.skipped).toBe(0);
  });
});

describe('a source that pauses', () => {
  it('does not catch up in a burst', () => {
    const rate = new FrameRate(10);
    expect(rate.admit(0)).toBe(true);
    const after = admitted(
      rate,
      Array.from({ length: 50 }, (_, n) => 60_000 + n * 10),
    );
    expect(after.length).toBeLessThanOrEqual(6);
  });
});

describe('any source', () => {
  it('never comes out above the limit over its whole time, and never three times within an interval', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 60, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 2, maxLength: 200 }),
        (fps, gapsMs) => {
          let nowMs = 0;
          const times = gapsMs.map((gapMs) => (nowMs += gapMs));
          const rate = new FrameRate(fps);
          const out = admitted(rate, times);
          const intervalMs = 1000 / fps;
          const elapsedMs = (out.at(-1) as number) - (out[0] as number);
          expect(out.length).toBeLessThanOrEqual(elapsedMs / intervalMs + 1 + 1e-6);
          for (let n = 2; n < out.length; n += 1) {
            expect((out[n] as number) - (out[n - 2] as number)).toBeGreaterThanOrEqual(intervalMs - 1e-6);
          }
          expect(out.length + rate.skipped).toBe(times.length);
        },
      ),
    );
  });
});

describe('a rate that is none', () => {
  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('is refused: %d', (fps) => {
    expect(() => new FrameRate(fps)).toThrow(/^fps: expected a number of at least 0, got/);
  });
});
