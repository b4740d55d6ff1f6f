/**
 * The gateway under a crowd, seed after seed. `SEED=123` runs that seed alone and prints its log; `SEEDS=5000` runs as many.
 */
import { describe, expect, it } from 'vitest';
import { report, runSeed } from './run-seed.js';

const only = process.env['SEED'];
const SEEDS = Number(process.env['SEEDS'] ?? 300);

describe('the gateway under a seeded crowd', () => {
  it.runIf(only === undefined)(
    `keeps its invariants after every step of ${SEEDS} seeds`,
    async () => {
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const run = await runSeed(seed);
        if (run.faults.length > 0) expect.fail(report(run));
      }
    },
    SEEDS * 1_000,
  );

  it.runIf(only !== undefined)(`keeps its invariants after every step of seed ${only}`, async () => {
    const run = await runSeed(Number(only));
    process.stdout.write(`${report(run, run.trace.length)}\n`);
    expect(run.faults).toEqual([]);
  });
});

describe('a seed', () => {
  it('gives the same trace each time', async () => {
    const seed = Number(only ?? 1);
    const [first, second] = [await runSeed(seed), await runSeed(seed)];
    expect(second.trace).toEqual(first.trace);
    expect(first.trace.length).toBeGreaterThan(100);
  });
});
