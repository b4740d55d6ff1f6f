import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { churn, variants } from '../../bench/otp/churn.js';

const CYCLES = 10_000;
/** The noise of a heap; 117 bytes left behind by each life would be more. */
const GROWN_BYTES_MAX = 1024 * 1024;

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as typeof globalThis.gc;
});

describe(`a child that is started and ended ${CYCLES} times`, () => {
  it.each(Object.keys(variants))('leaves nothing, and the heap as it was: %s', async (variant) => {
    const { grownBytes } = await churn(variant, CYCLES);
    expect(grownBytes).toBeLessThan(GROWN_BYTES_MAX);
  });
});
