/**
 * The ownership protocol, the product's own code, on simulated time over a bad network. A seed that fails replays to the same
 * step: `CLUSTER_SEED=<n> npx vitest run test/cluster/simulation.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.js';
import { runSeed } from './run-seed.js';

const SEEDS = 2_000;
const only = process.env['CLUSTER_SEED'];

describe('several nodes over a bad network', () => {
  it(`hold every invariant in ${only === undefined ? `${SEEDS} seeds` : `seed ${only}`}`, () => {
    const failed: string[] = [];
    const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(only)];
    for (const seed of seeds) for (const fault of runSeed(seed).faults) failed.push(`seed ${seed}, ${fault}`);
    expect(failed.slice(0, 10)).toEqual([]);
  }, 600_000);

  it('go through the same history when the seed is the same', () => {
    expect(runSeed(7)).toEqual(runSeed(7));
    expect(runSeed(7).steps).not.toBe(runSeed(8).steps);
  });
});

describe('the protocol without one rule', () => {
  it.each(MUTANTS)(
    'is caught within $seeds seeds: $rule',
    ({ mutation, seeds, by }) => {
      for (let seed = 1; seed <= seeds; seed += 1) {
        const { faults } = runSeed(seed, mutation);
        if (faults.some((fault) => by.test(fault))) return;
      }
      expect.fail(`${seeds} seeds have not noticed it`);
    },
    600_000,
  );
});
