/** The simulation can fail: each rule taken away from the gateway's text is noticed within so many seeds. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Mutant, mutants } from './mutants.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** Within so many seeds each mutant is caught: those that every run of the tests goes through. */
const SEEDS = 300;
/** The gateway as it is has passed all of them in `simulation.test.ts`; here it is enough that what was compiled runs. */
const SEEDS_SOUND = 10;
/** Whoever meets this limit is not caught. It is for a machine with much else to do. */
const PATIENCE_MS = 400_000;

let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'sluice-simulation-'));
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  await run(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    ...['-p', join(root, 'test/simulation/tsconfig.json')],
    ...['--outDir', join(home, 'gateway'), '--incremental', 'false'],
  ]);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

/**
 * The first fault that these seeds find, as in `seed 3, step 7: I-own: …`; empty when they find none. Only a broken invariant and an
 * error that the gateway met are faults. A time limit is none, for a slow machine meets it as well; nor is a change after
 * which there is no program any more.
 */
async function faultOf(folder: string, seeds: number): Promise<string> {
  const args = [join(folder, 'test/simulation/main.js'), '--seeds', String(seeds), '--stop'];
  try {
    await run(process.execPath, args, { timeout: PATIENCE_MS, env: { ...process.env, NODE_ENV: 'production' } });
    return '';
  } catch (error) {
    const { stdout = '', killed } = error as { stdout?: string; killed?: boolean };
    const [, seed, fault] = /^(seed \d+, step \d+):\n {2}(.*)$/m.exec(stdout) ?? [];
    if (seed !== undefined) return `${seed}: ${fault}`;
    if (killed) throw new Error(`expected a fault within ${seeds} seeds, but ${PATIENCE_MS} ms went by without one`);
    throw error;
  }
}

function patched({ file, text, becomes }: Mutant, index: number): string {
  const folder = join(home, `mutant-${index}`);
  cpSync(join(home, 'gateway'), folder, { recursive: true });
  const path = join(folder, `${file}.js`);
  const parts = readFileSync(path, 'utf8').split(text);
  expect(parts, `${file}: the text to change is there exactly once`).toHaveLength(2);
  writeFileSync(path, parts.join(becomes));
  return folder;
}

describe('the gateway as it is', () => {
  it(
    `passes ${SEEDS_SOUND} seeds`,
    async () => {
      expect(await faultOf(join(home, 'gateway'), SEEDS_SOUND)).toBe('');
    },
    2 * PATIENCE_MS,
  );
});

describe('a gateway without one rule', () => {
  it.each(mutants.map((mutant, index) => ({ ...mutant, index })))(
    `is caught within ${SEEDS} seeds: $rule`,
    async (mutant) => {
      const fault = await faultOf(patched(mutant, mutant.index), SEEDS);
      if (mutant.runsInCircles) expect(fault).toContain(': I-rest: ');
      else {
        expect(fault).toMatch(/^seed \d+, step \d+: /);
        expect(fault).not.toContain('I-rest: ');
      }
    },
    2 * PATIENCE_MS,
  );
});
