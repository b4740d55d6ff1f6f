/** Rules of the cluster taken away in the text of the product, one at a time: the simulation notices each within so many seeds. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../house/source-files.js';
import { MUTANTS, TEXT_MUTANTS, type TextMutant } from './mutants.js';

const run = promisify(execFile);
/** A mutant that runs in circles is noticed by that. */
const PATIENCE_MS = 120_000;

let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'sluice-cluster-simulation-'));
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  await run(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    ...['-p', join(root, 'test/cluster/tsconfig.json')],
    ...['--outDir', join(home, 'cluster'), '--incremental', 'false'],
  ]);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** What its first seed that fails says. */
async function faultsOf(folder: string, { seeds, by, flags = [] }: TextMutant): Promise<string> {
  const args = [join(folder, 'test/cluster/main.js'), '--seeds', String(seeds), '--until', by.source, ...flags];
  try {
    await run(process.execPath, args, { timeout: PATIENCE_MS, env: { ...process.env, NODE_ENV: 'production' } });
    return '';
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    // A change that is no program any more would prove nothing.
    if (stderr !== '') throw error;
    return stdout;
  }
}

function patched({ file, text, becomes }: TextMutant, index: number): string {
  const folder = join(home, `mutant-${index}`);
  cpSync(join(home, 'cluster'), folder, { recursive: true });
  const path = join(folder, `${file}.js`);
  const parts = readFileSync(path, 'utf8').split(text);
  expect(parts, `${file}: the text to change is there exactly once`).toHaveLength(2);
  writeFileSync(path, parts.join(becomes));
  return folder;
}

describe('the protocol without one rule, in the text of the product', () => {
  it.each(TEXT_MUTANTS.map((mutant, index) => ({ ...mutant, index })))(
    'is caught within $seeds seeds: $rule',
    async (mutant) => {
      expect(await faultsOf(patched(mutant, mutant.index), mutant)).toMatch(mutant.by);
    },
    2 * PATIENCE_MS,
  );
});

describe('the list of mutants', () => {
  const all = [...MUTANTS, ...TEXT_MUTANTS];

  it.each(['R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7', 'R8', 'R9', 'R10', 'RX', 'RF'])('has one for %s', (rule) => {
    expect(all.some((mutant) => mutant.rule.startsWith(`${rule} `))).toBe(true);
  });

  it.each(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10', 'F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7'])(
    'has one that %s notices',
    (invariant) => {
      expect(all.some(({ by }) => by.test(`${invariant} `) || by.test(`${invariant} a claim`))).toBe(true);
    },
  );
});
