/**
 * Exclusive claims, the product's own code, on simulated time over a bad network. A seed that fails replays:
 * `EXCLUSIVE_SEED=<n> npx vitest run test/cluster/exclusive-simulation.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import type { Rules } from '../../src/cluster/rules.js';
import { runExclusiveSeed } from './run-exclusive-seed.js';

const SEEDS = 100;
const only = process.env['EXCLUSIVE_SEED'];

describe('several nodes that want the same cameras, over a bad network', () => {
  it(`read each by one at a time, and in the end by one, in ${only === undefined ? `${SEEDS} seeds` : `seed ${only}`}`, () => {
    const failed: string[] = [];
    let grants = 0;
    const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(only)];
    for (const seed of seeds) {
      const outcome = runExclusiveSeed(seed);
      grants += outcome.grants;
      for (const fault of outcome.faults) failed.push(`seed ${seed}, ${fault}`);
    }
    expect(failed.slice(0, 10)).toEqual([]);
    expect(grants / seeds.length, 'they do change hands').toBeGreaterThan(8);
  }, 120_000);

  it.each<{ rule: string; rules: Partial<Rules>; by: RegExp }>([
    { rule: 'what is held is left to its holder', rules: { exclusivePauseMs: () => 0 }, by: /X1/ },
    {
      rule: 'a lease ends for its holder before it ends for the others',
      rules: { deadlineMs: (_sent, answered, { ttlMs, marginMs }) => answered + ttlMs + 4 * marginMs },
      by: /X1|X2/,
    },
    { rule: 'a lease that has ended is an end', rules: { mayAct: () => true }, by: /X1|X2/ },
  ])(
    'are caught within 200 seeds without this: $rule',
    ({ rules, by }) => {
      for (let seed = 1; seed <= 200; seed += 1) {
        if (runExclusiveSeed(seed, rules).faults.some((fault) => by.test(fault))) return;
      }
      expect.fail('200 seeds have not noticed it');
    },
    120_000,
  );
});
