import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configure } from '../../src/configuration.js';
import { createGateway } from '../../src/create-gateway.js';
import { LogFile } from '../../src/ops/log-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const ports = { grpc: { port: 0 }, http: { port: 0 } };
const lines = (name: string) =>
  readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { readonly msg: string });

/** Lets the file finish what it does between two lines. */
const aTurn = () => new Promise((resolve) => setTimeout(resolve, 2));

describe('a log in a file', () => {
  it('has every line when the gateway has stopped, in a folder that was missing', async () => {
    const gateway = createGateway({ ...ports, log: { level: 'debug', file: join(folder, 'a/b/sluice.log') } });
    await gateway.start();
    await gateway.stop();
    const messages = lines('a/b/sluice.log').map(({ msg }) => msg);
    expect(messages).toContain('process.started');
    expect(messages).toContain('process.down');
    expect(gateway.census()).toEqual({});
  });

  it('is refused in one line before anything is opened where it cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    const file = join(folder, 'file/sluice.log');
    const gateway = createGateway({ ...ports, log: { file } });
    await expect(gateway.start()).rejects.toThrow(/^log\.file: expected a file that can be written, got .* \(E\w+\)$/);
    expect(gateway.addresses).toMatchObject({ grpc: undefined, http: undefined });
    await gateway.stop();
    expect(gateway.census()).toEqual({});
  });

  it('S1-20 begins anew by size, keeps so many old ones, and loses no line that is kept', async () => {
    const log = new LogFile({ file: join(folder, 'sluice.log'), rotate: { bytes: 2_000, keep: 3 } });
    log.write('{"n":0}\n');
    await log.open();
    for (let n = 1; n < 400; n += 1) {
      log.write(`${JSON.stringify({ n, filler: 'x'.repeat(40) })}\n`);
      await aTurn();
    }
    await expect.poll(() => readdirSync(folder).length).toBe(4);
    await log.close();
    const files = readdirSync(folder).sort((a, b) => Number(a.split('.')[1]) - Number(b.split('.')[1]));
    const kept = files.flatMap((name) => lines(name) as unknown as readonly { readonly n: number }[]);
    const numbers = kept.map(({ n }) => n);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => 400 - numbers.length + at));
    expect(Math.max(...files.map((name) => readFileSync(join(folder, name)).length))).toBeLessThan(2_100);
  });

  it('S1-20 begins anew with the hour, and takes up the file of this hour after a restart', async () => {
    const options = { file: join(folder, 'sluice.log'), rotate: { every: 'hour', keep: 2 } } as const;
    for (const run of ['first', 'second']) {
      const log = new LogFile(options);
      await log.open();
      log.write(`{"msg":"${run}"}\n`);
      await log.close();
    }
    expect(readdirSync(folder)).toEqual(['sluice.1.log']);
    expect(lines('sluice.1.log').map(({ msg }) => msg)).toEqual(['first', 'second']);
  });

  it('is asked for as a whole: when it begins anew, and where it is', () => {
    const rotate = { bytes: 4_096 };
    expect(() => configure({ log: { rotate } })).toThrow('log.rotate: expected log.file beside it');
    expect(() => configure({ log: { file: 'x', rotate: { keep: 1 } } })).toThrow('log.rotate: expected bytes or every');
    expect(configure({ log: { file: 'x', rotate } }).log.rotate).toEqual({ bytes: 4_096, keep: 7 });
  });
});
