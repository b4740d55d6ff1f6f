/** Beginning and end, as the one who types the commands sees them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './configuration-file.js';
import { eventually } from './eventually.js';
import { listens, serve, sluice } from './gateway-process.js';
import { stuckViewer } from './stuck-viewer.js';

describe('sluice serve --demo', () => {
  it('prints where it is within seconds, with the real ports and a token of this run', async () => {
    const beganAt = Date.now();
    const [one, two] = await Promise.all([serve('--demo'), serve('--demo')]);
    expect(Date.now() - beganAt).toBeLessThan(10_000);
    for (const gateway of [one, two]) {
      expect(gateway.grpc).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
      expect(gateway.page).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/#token=[\w-]{24}$/);
      expect(gateway.process.stdout).toMatch(/^cameras +demo$/m);
      expect(await listens(gateway.grpc)).toBe(true);
      expect((await fetch(`${gateway.http}/readyz`)).status).toBe(200);
    }
    expect(new Set([one.grpc, one.http, one.page, two.grpc, two.http, two.page]).size).toBe(6);
    expect(await Promise.all([one.stop('SIGINT'), two.stop('SIGTERM')])).toEqual(
      Array.from({ length: 2 }, () => ({ code: 0, signal: null })),
    );
  });

  it('ends at once and with 1 on a second signal', async () => {
    const gateway = await serve('--demo');
    await stuckViewer(gateway, 'demo');
    // Both wait for it when it goes on, so that it sees the second while it still deals with the first.
    gateway.process.signal('SIGSTOP');
    gateway.process.signal('SIGINT');
    gateway.process.signal('SIGTERM');
    gateway.process.signal('SIGCONT');
    expect(await gateway.process.end()).toEqual({ code: 1, signal: null });
    expect(gateway.process.stderr).toMatch(
      /^sluice serve: SIG\w+, draining.*\nsluice serve: SIG\w+ again, ending now\n$/,
    );
    await gateway.leftNothing();
  });
});

describe('sluice watch', () => {
  it('writes as many pictures as asked for, each whole, and ends with 0', async () => {
    const gateway = await serve('--demo');
    const folder = temporaryFolder();
    const watch = sluice('watch', 'demo', '--address', gateway.grpc, '--count', '5', '--out', folder);
    expect(await watch.end()).toEqual({ code: 0, signal: null });
    expect(watch.stderr).toBe('');
    const names = readdirSync(folder);
    expect(names).toHaveLength(5);
    for (const name of names) {
      expect(name).toMatch(/^demo-\d+\.jpg$/);
      const picture = readFileSync(join(folder, name));
      expect(picture.length).toBeGreaterThan(1_000);
      expect([picture.readUInt16BE(0), picture.readUInt16BE(picture.length - 2)]).toEqual([0xffd8, 0xffd9]);
    }
    expect(new Set(names.map((name) => readFileSync(join(folder, name)).toString('base64'))).size).toBe(5);
    await gateway.hasNobody();
    await gateway.stop();
  });

  it('ends with 0 when it is interrupted', async () => {
    const gateway = await serve('--demo');
    const watch = sluice('watch', 'demo', '--address', gateway.grpc);
    await watch.printed(/demo: [1-9]\d* frames/);
    watch.signal('SIGINT');
    expect(await watch.end()).toEqual({ code: 0, signal: null });
    await gateway.hasNobody();
    await gateway.stop();
  });

  it('says in one line that there is no gateway, and ends with 1', async () => {
    const gateway = await serve('--demo');
    await gateway.stop();
    const watch = sluice('watch', 'demo', '--address', gateway.grpc);
    expect(await watch.end()).toEqual({ code: 1, signal: null });
    expect(watch.stderr).toMatch(new RegExp(`^sluice watch: ${gateway.grpc}: UNAVAILABLE[^\n]*\n$`));
  });

  it('ends with 1 when the gateway goes away', async () => {
    const gateway = await serve('--demo');
    const watch = sluice('watch', 'demo', '--address', gateway.grpc);
    await eventually('it watches', async () => (await gateway.camera('demo')).viewers === 1);
    await gateway.stop();
    expect(await watch.end()).toEqual({ code: 1, signal: null });
    expect(watch.stderr).toMatch(/^sluice watch: [^\n]*UNAVAILABLE: draining[^\n]*\n$/);
  });
});

describe('sluice --help', () => {
  it('tells of every command, and every command of itself, with 0', async () => {
    const help = sluice('--help');
    expect((await help.end()).code).toBe(0);
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+)(?= )/gm)].map((match) => match[1] as string);
    expect(commands).toEqual(expect.arrayContaining(['serve', 'watch', 'diagrams']));
    for (const command of commands.filter((name) => name !== 'help')) {
      const one = sluice(command, '--help');
      expect((await one.end()).code, command).toBe(0);
      expect(one.stdout).toMatch(new RegExp(`^Usage: sluice ${command} `));
      expect(one.stderr).toBe('');
    }
  });

  it('tells its version', async () => {
    const version = sluice('--version');
    expect((await version.end()).code).toBe(0);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
