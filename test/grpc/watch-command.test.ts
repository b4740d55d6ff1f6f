import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runWatch, type WatchCommand } from '../../src/cli/watch.js';
import { runGateway } from './running-gateway.js';

class Screen {
  text = '';
  readonly isTTY: boolean;
  onWrite: () => void = () => {};

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
    this.onWrite();
  }
}

function command(address: string, overrides: Partial<WatchCommand> = {}) {
  const stdout = new Screen();
  const stderr = new Screen();
  const { signal } = new AbortController();
  const run = () => runWatch({ camera: 'demo', address, signal, stdout, stderr, ...overrides });
  return { run, stdout, stderr };
}

describe('sluice watch', () => {
  it('ends after --count frames, and with --out leaves each as a whole file', async () => {
    const { address } = await runGateway();
    const out = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
    onTestFinished(() => rmSync(out, { recursive: true }));
    const { run, stdout, stderr } = command(address, { out, count: 5 });
    expect(await run()).toBe(0);
    expect(stderr.text).toBe('');
    expect(stdout.text).toMatch(/^demo: 5 frames, \d+\.\d fps, \d+\.\d MiB, \d+ missed\n$/);
    const files = readdirSync(out);
    expect(files).toHaveLength(5);
    for (const file of files) {
      expect(file).toMatch(/^demo-\d+\.jpg$/);
      const bytes = readFileSync(join(out, file));
      expect([bytes.subarray(0, 2), bytes.subarray(-2)]).toEqual([
        Buffer.from([0xff, 0xd8]),
        Buffer.from([0xff, 0xd9]),
      ]);
    }
  });

  it('keeps one line up to date on a terminal', async () => {
    const { address } = await runGateway();
    const stdout = new Screen(true);
    const { run } = command(address, { count: 2, stdout });
    expect(await run()).toBe(0);
    const lines = stdout.text.split('\r\u001b[K');
    expect(lines.shift()).toBe('');
    expect(lines.at(-1)).toMatch(/^demo: 2 frames.* missed\n$/);
    expect(lines.slice(0, -1).join('')).not.toContain('\n');
  });

  it('ends with 0 when it is interrupted', async () => {
    const { address } = await runGateway();
    const interrupt = new AbortController();
    const stdout = new Screen();
    stdout.onWrite = () => interrupt.abort();
    const { run, stderr } = command(address, { signal: interrupt.signal, stdout });
    expect(await run()).toBe(0);
    expect(stderr.text).toBe('');
  });

  it('of a camera that does not exist is one clear line and 1', async () => {
    const { address } = await runGateway();
    const { run, stderr } = command(address, { camera: 'back' });
    expect(await run()).toBe(1);
    expect(stderr.text).toBe(`sluice watch: ${address}: NOT_FOUND: camera_not_found: there is no camera "back"\n`);
  });

  it('without a gateway is one clear line and 1', async () => {
    const { gateway, address } = await runGateway();
    await gateway.stop();
    const { run, stderr } = command(address);
    expect(await run()).toBe(1);
    expect(stderr.text).toMatch(/^sluice watch: 127\.0\.0\.1:\d+: UNAVAILABLE: .*ECONNREFUSED.*\n$/);
  });

  it('that cannot write its files is one clear line and 1', async () => {
    const { address } = await runGateway();
    const { run, stderr } = command(address, { out: '/dev/null/frames' });
    expect(await run()).toBe(1);
    expect(stderr.text).toMatch(/^sluice watch: .*ENOTDIR.*\n$/);
  });
});
