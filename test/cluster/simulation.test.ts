/**
 * Ownership, monitors, calls and relay, the product's own code, on simulated time over a bad network. A seed that fails replays to the same
 * step: `CLUSTER_SEED=<n> npx vitest run test/cluster/simulation.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.js';
import { runSeed } from './run-seed.js';

const SEEDS = 2_000;
const FORGETFUL_SEEDS = 60;
const only = process.env['CLUSTER_SEED'];

describe('several nodes over a bad network', () => {
  it(`hold every invariant in ${only === undefined ? `${SEEDS} seeds` : `seed ${only}`}`, async () => {
    const failed: string[] = [];
    const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(only)];
    for (const seed of seeds) {
      const { faults } = await runSeed(seed);
      failed.push(...faults.map((fault) => `seed ${seed}, ${fault}`));
    }
    expect(failed.slice(0, 10)).toEqual([]);
  }, 600_000);

  it(`act on no engine that went back, and go on in a new era, in ${FORGETFUL_SEEDS} seeds`, async () => {
    const failed: string[] = [];
    for (let seed = 1; seed <= FORGETFUL_SEEDS; seed += 1) {
      // A token that was forgotten may be given again until it is noticed: only an operator's new era mends that.
      const { faults } = await runSeed(seed, { forgetful: true, only: /I10|in the end|I9 the record|is held by/ });
      failed.push(...faults.map((fault) => `seed ${seed}, ${fault}`));
    }
    expect(failed).toEqual([]);
  }, 600_000);

  it('go through the same history when the seed is the same', async () => {
    const first = await runSeed(7);
    expect(await runSeed(7)).toEqual(first);
    expect((await runSeed(8)).steps).not.toBe(first.steps);
  });
});

describe('the protocol without one rule', () => {
  it.each(MUTANTS)(
    'is caught within $seeds seeds: $rule',
    async ({ mutation, seeds, by }) => {
      for (let seed = 1; seed <= seeds; seed += 1) {
        const { faults } = await runSeed(seed, mutation);
        if (faults.some((fault) => by.test(fault))) return;
      }
      expect.fail(`${seeds} seeds have not noticed it`);
    },
    600_000,
  );
});
