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

/** Within so many seeds each mutant is caught. */
const SEEDS = 100;
/** A mutant that runs in circles is noticed by that. */
const PATIENCE_MS = 60_000;

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

/** What the run of these seeds says; empty when it finds nothing. */
async function faultsOf(folder: string): Promise<string> {
  const args = [join(folder, 'test/simulation/main.js'), '--seeds', String(SEEDS), '--stop'];
  try {
    await run(process.execPath, args, { timeout: PATIENCE_MS, env: { ...process.env, NODE_ENV: 'production' } });
    return '';
  } catch (error) {
    const { stdout = '', stderr = '', killed } = error as { stdout?: string; stderr?: string; killed?: boolean };
    // A change that is no program any more would prove nothing.
    if (/SyntaxError|ReferenceError/.test(stderr + stdout)) throw error;
    return killed ? 'it does not come to an end' : stdout || stderr;
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
    `passes the ${SEEDS} seeds`,
    async () => {
      expect(await faultsOf(join(home, 'gateway'))).toBe('');
    },
    2 * PATIENCE_MS,
  );
});

describe('a gateway without one rule', () => {
  it.each(mutants.map((mutant, index) => ({ ...mutant, index })))(
    `is caught within ${SEEDS} seeds: $rule`,
    async (mutant) => {
      expect(await faultsOf(patched(mutant, mutant.index))).toMatch(/^seed \d+, step|does not come to an end/);
    },
    2 * PATIENCE_MS,
  );
});
