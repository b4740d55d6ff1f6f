/** What is kept of recordings: exactly as much as the limits allow, the youngest. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expired, type Recording } from '../../src/gateway/recording.js';

const HOUR_MS = 3_600_000;

/** A segment each quarter of an hour, of these sizes. */
function segments(sizes: readonly number[]): readonly Recording[] {
  return sizes.map((bytes, index) => ({
    id: String(index).padStart(4, '0'),
    fromMs: (index * HOUR_MS) / 4,
    toMs: ((index + 1) * HOUR_MS) / 4,
    frames: 1,
    bytes,
    session: '0000',
  }));
}

describe('the limits of what is kept', () => {
  it('take the oldest, until what is left is within all of them, and not one more', () => {
    const limits = fc.record(
      {
        maxAgeHours: fc.integer({ min: 1, max: 12 }),
        maxBytes: fc.integer({ min: 1, max: 2_000 }),
        maxSegments: fc.integer({ min: 1, max: 40 }),
      },
      { requiredKeys: [] },
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 50 });
    fc.assert(
      fc.property(sizes, limits, fc.integer({ min: 0, max: 20 * HOUR_MS }), (bytes, given, nowMs) => {
        const all = segments(bytes);
        const within = (some: readonly Recording[]): boolean =>
          some.length <= (given.maxSegments ?? some.length) &&
          some.reduce((sum, one) => sum + one.bytes, 0) <= (given.maxBytes ?? Number.POSITIVE_INFINITY) &&
          some.every(({ toMs }) => nowMs - toMs <= (given.maxAgeHours ?? Number.POSITIVE_INFINITY) * HOUR_MS);
        const gone = expired(all, given, nowMs);
        expect(gone).toEqual(all.slice(0, gone.length));
        expect(within(all.slice(gone.length))).toBe(true);
        if (gone.length > 0) expect(within(all.slice(gone.length - 1))).toBe(false);
      }),
    );
  });

  it('take nothing where there are none', () => {
    expect(expired(segments([1, 2, 3]), {}, 1e15)).toEqual([]);
  });
});
