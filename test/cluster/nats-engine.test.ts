import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeKey, encodeKey } from '../../src/cluster/nats/key-code.js';
import { type NatsEngineOptions, openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import { versionFault } from '../../src/cluster/nats/nats-options.js';
import { LEASE_MS } from './asking.js';
import { engineContract } from './engine-contract.js';
import { freePort, NatsServer, natsMissing } from './nats-server.js';

describe('a key in NATS', () => {
  it.each(['', 'plain', 'session.user@example.com', 'ü/ß 🎥', '= * > .', 'a..b'])(
    'is written so that "%s" is read again',
    (key) => {
      expect(encodeKey(key)).toMatch(/^[A-Za-z0-9=_-]+$/);
      expect(decodeKey(encodeKey(key))).toBe(key);
    },
  );
});

describe('the version of a NATS server', () => {
  it.each(['2.10.23', '2.11.0', '2.12.1', '2.15.1', '3.0.0'])('%s is taken', (version) => {
    expect(versionFault(version)).toBeUndefined();
  });

  it.each(['2.9.10', '2.10.22', '1.4.1'])('%s is refused in a sentence', (version) => {
    expect(versionFault(version)).toBe(
      `cluster.nats: expected a NATS server of at least 2.10.23 (2.12.0 or later is recommended), got ${version}`,
    );
  });
});

const missing = natsMissing();

describe.skipIf(missing)(`a real NATS server${missing === undefined ? '' : `: ${missing}`}`, () => {
  let server: NatsServer;
  let opened = 0;

  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.remove());

  const optionsOf = (prefix: string, node = 'a'): NatsEngineOptions => ({
    servers: [server.url],
    prefix,
    replicas: 1,
    storage: 'file',
    eraBump: 0,
    node,
    ttlMs: LEASE_MS,
    answerMs: 1_500,
  });

  engineContract('nats', async () => {
    opened += 1;
    const prefix = `contract-${opened}`;
    const [a, b] = await Promise.all([openNatsEngine(optionsOf(prefix, 'a')), openNatsEngine(optionsOf(prefix, 'b'))]);
    return {
      a,
      b,
      pass: (ms) => sleep(ms).then(() => {}),
      close: async () => {
        await a.close();
        await b.close();
      },
    };
  });

  it('is refused when a bucket that exists has other settings', async () => {
    const engine = await openNatsEngine(optionsOf('settings'));
    await engine.close();
    await expect(openNatsEngine({ ...optionsOf('settings'), storage: 'memory' })).rejects.toThrow(
      'cluster.nats: the bucket "settings-own" exists with storage file, expected memory',
    );
    await expect(openNatsEngine({ ...optionsOf('settings'), ttlMs: 5_000 })).rejects.toThrow(
      'the bucket "settings-nodes" exists with a time to live of (ms) 1000, expected 5000',
    );
  });

  it('that is not there is one clear line, without its credentials', async () => {
    const port = await freePort();
    await expect(
      openNatsEngine({ ...optionsOf('nobody'), servers: [`nats://me:secret@127.0.0.1:${port}`] }),
    ).rejects.toThrow(/^cluster\.nats: cannot connect to nats:\/\/127\.0\.0\.1:\d+: (?!.*secret)/);
  });

  it('begins a new era when its memory is lost, and its watches begin anew', async () => {
    const forgetful = await NatsServer.start();
    const options = { ...optionsOf('era'), servers: [forgetful.url], storage: 'memory' as const };
    const engine = await openNatsEngine(options);
    const info = (): Promise<{ era: number; lastRev: number } | undefined> =>
      new Promise((resolve) => engine.info((answer) => resolve(answer.type === 'info' ? answer : undefined)));
    await new Promise<void>((resolve) => engine.cas('own', 'k', 'before', 0, () => resolve()));
    const seen: (string | undefined)[] = [];
    engine.watch('own', ({ value }) => seen.push(value));
    const before = await info();
    await forgetful.kill();
    await forgetful.run();
    // The buckets are gone with the server's memory; whoever asks makes them anew.
    let after = await info();
    for (let n = 0; n < 100 && (after === undefined || after.era === before?.era); n += 1) {
      await sleep(100);
      after = await info();
    }
    expect(after?.era).toBeGreaterThan(before?.era ?? 0);
    expect(after?.lastRev).toBe(0);
    await new Promise<void>((resolve) => engine.cas('own', 'k', 'after', 0, () => resolve()));
    for (let n = 0; n < 100 && seen.at(-1) !== 'after'; n += 1) await sleep(100);
    expect(seen.at(-1)).toBe('after');
    await engine.close();
    await forgetful.remove();
  });
});
