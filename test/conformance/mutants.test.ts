/** The golden scenarios can fail: each rule taken away from the kernel's text is noticed by them. */
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CompiledKernel, compileKernel } from '../otp/compiled-kernel.js';
import { type Mutant, mutants } from './mutants.js';

const golden = (name: string): string => fileURLToPath(new URL(`golden/${name}.jsonl`, import.meta.url));
const run = promisify(execFile);

/** A mutant that runs in circles is noticed by that. */
const PATIENCE_MS = 20_000;

let compiled: CompiledKernel;
let home: string;

beforeAll(async () => {
  compiled = await compileKernel();
  home = compiled.home;
});

afterAll(() => compiled.remove());

function patched({ file, text, becomes }: Mutant, index: number): string {
  const folder = join(home, `mutant-${index}`);
  cpSync(join(home, 'kernel'), folder, { recursive: true });
  const path = join(folder, 'src/otp', `${file}.js`);
  const parts = readFileSync(path, 'utf8').split(text);
  expect(parts, `${file}: the text to change is there exactly once`).toHaveLength(2);
  writeFileSync(path, parts.join(becomes));
  return folder;
}

/** True when the kernel in this folder leaves Erlang's trace of every scenario. */
async function agrees(folder: string, set: string): Promise<boolean> {
  const out = join(folder, `${set}.jsonl`);
  const main = join(folder, 'test/conformance/main.js');
  const args = [main, '--in', golden(set), '--out', out, ...(set === 'signals' ? ['--signals'] : [])];
  try {
    await run(process.execPath, args, { timeout: PATIENCE_MS, env: { ...process.env, NODE_ENV: 'production' } });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    // A change that is no program any more would prove nothing.
    if (/SyntaxError|ReferenceError/.test(stderr)) throw error;
    return false;
  }
  return readFileSync(out, 'utf8') === readFileSync(golden(set), 'utf8');
}

describe('the kernel as it is', () => {
  it.each(['curated', 'public', 'signals'])('agrees with %s.jsonl', async (set) => {
    expect(await agrees(join(home, 'kernel'), set)).toBe(true);
  });
});

describe('a kernel without one rule', () => {
  it.each(mutants.map((mutant, index) => ({ ...mutant, index })))(
    'is caught: $rule',
    async (mutant) => {
      const folder = patched(mutant, mutant.index);
      const sets = mutant.signals ? ['signals'] : ['curated', 'public'];
      const verdicts = await Promise.all(sets.map((set) => agrees(folder, set)));
      expect(verdicts).toContain(false);
    },
    60_000,
  );
});
