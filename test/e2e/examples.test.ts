/** The examples that pages of the documentation lean on, as somebody would run them. */
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { root } from '../house/source-files.js';
import { TestProcess } from './processes.js';

async function run(example: string, ...options: readonly string[]): Promise<TestProcess> {
  const fault = inject('buildFault');
  if (fault) throw new Error(fault);
  const program = new TestProcess(process.execPath, [...options, join(root, 'examples', example)], { cwd: root });
  expect(await program.end(), program.stdout + program.stderr).toEqual({ code: 0, signal: null });
  expect(program.stdout).toMatch(/left behind: \{\}\n$/);
  return program;
}

describe('an example', () => {
  it('of a driver of a host is a camera like any other', async () => {
    const { stdout } = await run('own-driver.mjs');
    expect(stdout).toContain('the same: true');
    expect(stdout).toMatch(/nowhere: status 503, failed: folder:…\/nowhere: ENOENT/);
  });

  it('S1-10 S1-26 of a detector takes 200 MB once each time, and gives them back', async () => {
    const { stdout } = await run('detector.mjs', '--expose-gc');
    const runs = [...stdout.matchAll(/run \d: 1 model, (\d+) MB more/g)].map(([, megabytes]) => Number(megabytes));
    expect(runs).toHaveLength(3);
    for (const megabytes of runs) expect(Math.abs(megabytes - 200)).toBeLessThan(60);
    expect(Number(/afterwards: (-?\d+) MB/.exec(stdout)?.[1])).toBeLessThan(50);
  });
});
