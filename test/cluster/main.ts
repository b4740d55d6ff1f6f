/**
 * Runs seeds of the cluster's simulation from the command line: `--seeds 1000`, `--from 1`. Prints each fault with its seed and a closing
 * line; ends with 1 when a seed failed. `--until PATTERN`: ends with the first fault that matches. `--forgetful`: with an engine that forgets what it
 * had acknowledged; `--no-resync`: with nodes that never read again what they own.
 */
import { parseArgs } from 'node:util';
import { runSeed } from './run-seed.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    until: { type: 'string', default: '' },
    forgetful: { type: 'boolean', default: false },
    'no-resync': { type: 'boolean', default: false },
  },
});
const seeds = wholeNumber('seeds', values.seeds);
const from = wholeNumber('from', values.from);

const mutation = {
  ...(values.forgetful ? { forgetful: true, only: /I10|in the end|I9 the record|is held by/ } : {}),
  ...(values['no-resync'] ? { options: { resyncMs: 1e9 } } : {}),
};

const beganMs = performance.now();
let run = 0;
let steps = 0;
let failed = 0;
for (let seed = from; seed < from + seeds; seed += 1) {
  const outcome = await runSeed(seed, mutation);
  run += 1;
  steps += outcome.steps;
  for (const fault of outcome.faults) console.log(`seed ${seed}, ${fault}`);
  if (outcome.faults.length > 0) failed += 1;
  if (values.until !== '' && outcome.faults.some((fault) => new RegExp(values.until).test(fault))) break;
  if (run % 10_000 === 0) console.log(`${run} of ${seeds} seeds, ${failed} failed`);
}
const seconds = (performance.now() - beganMs) / 1_000;
console.log(
  `cluster: ${run} seeds from ${from}, ${steps} steps, ${failed} failed, ${(run / seconds).toFixed(0)} per second`,
);
process.exitCode = failed > 0 ? 1 : 0;

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new RangeError(`--${option}: expected a whole number, got "${text}"`);
}
