/** The profiler runs that `docs/profiling.md` describes, as they stand there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../house/source-files.js';
import { temporaryFolder } from './configuration-file.js';
import { eventually } from './eventually.js';
import { ANY_PORT, COMMAND, GatewayProcess, sluice } from './gateway-process.js';
import { TestProcess } from './processes.js';

const page = readFileSync(join(root, 'docs/profiling.md'), 'utf8');

async function profiled(cwd: string, ...flags: readonly string[]): Promise<GatewayProcess> {
  for (const flag of flags.filter((one) => one.startsWith('--'))) expect(page).toContain(flag);
  const gateway = new GatewayProcess(
    new TestProcess(process.execPath, [...flags, COMMAND, 'serve', ...ANY_PORT, '--camera', 'front=clip:'], { cwd }),
  );
  await gateway.started();
  return gateway;
}

async function heap(...args: readonly string[]): Promise<TestProcess> {
  const command = sluice('heap', ...args);
  await command.end();
  return command;
}

describe('a profiler run', () => {
  it('S1-23 writes where the time went and who allocated, and the ten sites are listed', async () => {
    const folder = temporaryFolder();
    const gateway = await profiled(
      folder,
      '--cpu-prof',
      '--cpu-prof-dir',
      folder,
      '--heap-prof',
      '--heap-prof-dir',
      folder,
    );
    expect((await fetch(`${gateway.http}/cameras/front/snapshot.jpg`)).status).toBe(200);
    expect(await gateway.stop('SIGINT')).toEqual({ code: 0, signal: null });
    const files = readdirSync(folder);
    expect(files.some((file) => file.endsWith('.cpuprofile'))).toBe(true);
    const { stdout } = await heap(join(folder, files.find((file) => file.endsWith('.heapprofile')) as string));
    expect(stdout.trim().split('\n')).toHaveLength(11);
    expect(stdout).toMatch(/^ +KiB +count {2}allocated at\n/);
  });

  it('S1-22 shows the ten kinds of objects that have grown most between two snapshots', async () => {
    const folder = temporaryFolder();
    const snapshots = () => readdirSync(folder).filter((file) => file.endsWith('.heapsnapshot'));
    const leak = `const { writeHeapSnapshot } = require('node:v8');
      class Forgotten { constructor(n) { this.n = n; this.more = [n, n]; } }
      writeHeapSnapshot('1.heapsnapshot');
      globalThis.kept = Array.from({ length: 20000 }, (_, n) => new Forgotten(n));
      writeHeapSnapshot('2.heapsnapshot');`;
    await new TestProcess(process.execPath, ['-e', leak], { cwd: folder }).end();
    const { stdout } = await heap(
      ...snapshots()
        .sort()
        .map((file) => join(folder, file)),
    );
    const rows = stdout.trim().split('\n').slice(1);
    expect(rows.length).toBeLessThanOrEqual(10);
    expect(rows.slice(0, 3).find((row) => / Forgotten$/.test(row))).toMatch(/ 20000 {2}Forgotten$/);
  });

  it('S1-22 takes its snapshots from a gateway that runs on', async () => {
    const folder = temporaryFolder();
    const gateway = await profiled(folder, '--heapsnapshot-signal=SIGUSR2');
    const snapshots = () => readdirSync(folder).filter((file) => file.endsWith('.heapsnapshot'));
    gateway.process.signal('SIGUSR2');
    await eventually('a snapshot', () => snapshots().length === 1);
    expect((await fetch(`${gateway.http}/livez`)).status).toBe(200);
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });

  it('is refused in one line where the files are not what was expected', async () => {
    expect((await heap('/nonexistent.heapprofile')).stderr).toBe(
      'sluice heap: /nonexistent.heapprofile: cannot be read (ENOENT)\n',
    );
    expect((await heap('one.heapsnapshot')).stderr).toMatch(/^sluice heap: expected two \.heapsnapshot files/);
  });
});
