/**
 * Runs seeds from the command line: `--seeds 1000`, `--from 1`. Prints how far it is, the report of each seed that fails, and a
 * closing line; ends with 1 when one failed, and at the first one with `--stop`.
 */
import { parseArgs } from 'node:util';
import { report, runSeed } from './run-seed.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    stop: { type: 'boolean', default: false },
  },
});
const seeds = wholeNumber('seeds', values.seeds);
const from = wholeNumber('from', values.from);

const beganMs = performance.now();
let run = 0;
let failed = 0;
for (let seed = from; seed < from + seeds; seed += 1) {
  const result = await runSeed(seed);
  run += 1;
  if (result.faults.length > 0) {
    failed += 1;
    console.log(report(result));
    if (values.stop) break;
  }
  if (run % 1_000 === 0) console.log(`${run} of ${seeds} seeds, ${failed} failed`);
}
const seconds = (performance.now() - beganMs) / 1_000;
console.log(`${run} seeds from ${from}, ${failed} failed, ${(run / seconds).toFixed(0)} per second`);
process.exitCode = failed > 0 ? 1 : 0;

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new RangeError(`--${option}: expected a whole number, got "${text}"`);
}
