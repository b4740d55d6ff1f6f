/** Several gateways on a real NATS server, each a process of its own, and what happens when plugs are pulled. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { compareTokens } from '../../src/cluster/token.js';
import { NatsServer, natsMissing } from '../cluster/nats-server.js';
import { Talker } from '../cluster/talker.js';
import { Visit } from '../cluster/two-gateways.js';
import { ClusterGateway, configurationOf, Records, TTL_MS } from './cluster-gateways.js';
import { configurationFile } from './configuration-file.js';
import { eventually } from './eventually.js';
import { sluice } from './gateway-process.js';

const missing = natsMissing();
const SWITCHES = 20;

describe.skipIf(missing)(`gateways on NATS${missing === undefined ? '' : `: ${missing}`}`, () => {
  let server: NatsServer;
  let prefixes = 0;

  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.remove());

  const two = async (more = ''): Promise<{ north: ClusterGateway; south: ClusterGateway; prefix: string }> => {
    prefixes += 1;
    const prefix = `e2e-${prefixes}`;
    const [north, south] = await Promise.all([
      ClusterGateway.start('north', server, prefix, more),
      ClusterGateway.start('south', server, prefix, more),
    ]);
    await Promise.all([north.sees(2), south.sees(2)]);
    return { north, south, prefix };
  };
  const visit = (...args: ConstructorParameters<typeof Visit>): Visit => {
    const one = new Visit(...args);
    onTestFinished(() => one.close());
    return one;
  };
  const talker = (...args: ConstructorParameters<typeof Talker>): Talker => {
    const one = new Talker(...args);
    onTestFinished(() => one.close());
    return one;
  };

  it('S4-11 S4-22 D-18 a user who switches between them is at one of them, and the other has forgotten it at once', async () => {
    const { north, south, prefix } = await two();
    const records = await Records.open(server, prefix);
    let before: Visit | undefined;
    let token = { era: 0, rev: 0 };
    const noticeMs: number[] = [];
    for (let n = 1; n <= SWITCHES; n += 1) {
      const here = n % 2 === 1 ? north : south;
      const now = visit(here, 'ada', n);
      await now.welcomed;
      const beganMs = performance.now();
      expect(compareTokens(now.token as typeof token, token)).toBeGreaterThan(0);
      token = now.token as typeof token;
      if (before) {
        await before.ended;
        noticeMs.push(performance.now() - beganMs);
        expect(before.bye).toEqual({ reason: 'superseded', reconnect: false });
        before.close();
      }
      before = now;
    }
    console.log(`notice to the old owner's client, ms: ${noticeMs.map((ms) => ms.toFixed(1)).join(' ')}`);
    await north.hasSession('ada', undefined);
    await south.hasSession('ada', 'connected');
    await eventually('the record names south', () => records.of('ada')?.node === 'south');
    expect(await visit(north, 'ada', 3).ended).toMatchObject({ details: expect.stringMatching(/^stale_connect/) });
    before?.leave();
    await south.hasSession('ada', undefined);
    await eventually('the key is given back', () => records.of('ada')?.end === 'released');
    await north.process.hasNobody();
    await south.process.hasNobody();
  });

  it('when one is killed its users are taken at once by the other, and what nobody takes is buried with its lease', async () => {
    const { north, south, prefix } = await two();
    const records = await Records.open(server, prefix);
    for (const user of ['ada', 'bob']) await visit(north, user).welcomed;
    await eventually('north owns both', () => records.ownedBy('north').length === 2);
    north.process.process.signal('SIGKILL');
    await north.process.process.end();
    const beganMs = performance.now();
    await visit(south, 'ada').welcomed;
    const tookMs = performance.now() - beganMs;
    console.log(`taken over from a dead gateway in ${tookMs.toFixed(1)} ms`);
    expect(tookMs, 'nobody waits for a lease').toBeLessThan(TTL_MS);
    expect(records.of('bob')?.node).toBe('north');
    await eventually('the dead one is buried', () => records.of('bob')?.end === 'reaped');
    await eventually(
      'it is no member any more',
      () => south.view(),
      ({ members }) => members.length === 1,
    );
    expect(await south.eventTypes()).toEqual(expect.arrayContaining(['cluster.nodeSilent', 'cluster.nodeGone']));
    expect((await south.view()).keys).toBe(1);
  });

  it('a pause of a second takes nothing from anybody, one beyond the lease takes everything, and it comes back as somebody new', async () => {
    const { north, south } = await two();
    const ada = visit(north, 'ada');
    await ada.welcomed;
    const { inc } = await north.view().then(({ members }) => members.find(({ id }) => id === 'north') ?? { inc: 0 });
    north.process.process.signal('SIGSTOP');
    await sleep(1_000);
    north.process.process.signal('SIGCONT');
    await north.hasSession('ada', 'connected');
    expect(await north.eventTypes()).not.toContain('cluster.fenced');

    north.process.process.signal('SIGSTOP');
    await sleep(5_000);
    const moved = visit(south, 'ada');
    await moved.welcomed;
    north.process.process.signal('SIGCONT');
    await ada.ended;
    expect(ada.bye).toMatchObject({ reason: expect.stringMatching(/^(superseded|fenced)$/) });
    await north.is('up');
    expect(await north.eventTypes()).toContain('cluster.fenced');
    await eventually(
      'a new incarnation',
      () => north.view(),
      ({ members }) => members.some((one) => one.id === 'north' && one.inc > inc),
    );
    await north.hasSession('ada', undefined);
    await south.hasSession('ada', 'connected');
    expect(moved.bye).toBeUndefined();
  });

  it('a provider at the other one is called, and provider_down at once when that process is killed', async () => {
    const { north, south } = await two();
    const ann = talker(south.process.grpc, 'ann');
    await ann.provide('echo', (text) => `south says ${text}`);
    await ann.provide('hang', () => undefined);
    const bob = talker(north.process.grpc, 'bob');
    await bob.inEffect();
    await eventually(
      'it is found',
      () => bob.call('echo', 'hello').catch(() => ''),
      (text) => text === 'south says hello',
    );
    const refusal = bob.refusal('hang', 30_000);
    await eventually('it is asked', () => ann.asked >= 2);
    south.process.process.signal('SIGKILL');
    expect(await refusal).toMatch(/^provider_down/);
    expect(await bob.refusal('echo', 30_000)).toMatch(/^(provider_down|not_found)/);
  });

  it('D-15 drained, it gives back what it owns before it ends; its clients are told to reconnect and are served elsewhere', async () => {
    const { north, south, prefix } = await two();
    const records = await Records.open(server, prefix);
    const users = ['ada', 'bob', 'cyd'];
    const visits = users.map((user) => visit(north, user));
    await Promise.all(visits.map(({ welcomed }) => welcomed));
    await eventually('north owns them', () => records.ownedBy('north').length === users.length);
    north.process.process.signal('SIGTERM');
    await Promise.all(visits.map(({ ended }) => ended));
    for (const { bye } of visits) expect(bye).toEqual({ reason: 'drain', reconnect: true });
    for (const user of users) await visit(south, user).welcomed;
    expect(await north.process.process.end()).toEqual({ code: 0, signal: null });
    expect(records.ownedBy('north')).toEqual([]);
    expect(records.ownedBy('south')).toHaveLength(users.length);
    // Its lease was given up: nobody waits for its end.
    await eventually(
      'it is no member',
      () => south.view(),
      ({ members }) => members.length === 1,
      TTL_MS,
    );
    expect((await south.view()).keys).toBe(users.length);
  });

  it('keys of a drained gateway whom nobody takes are free, not waiting for its lease', async () => {
    const { north, prefix } = await two();
    const records = await Records.open(server, prefix);
    await visit(north, 'ada').welcomed;
    await eventually('north owns it', () => records.ownedBy('north').length === 1);
    north.process.process.signal('SIGTERM');
    await north.process.process.end();
    await eventually('released', () => records.of('ada')?.end === 'released', Boolean, 500);
  });

  it('tells how it stands: sluice cluster status', async () => {
    const { north, south } = await two();
    await visit(north, 'ada').welcomed;
    const status = sluice('cluster', 'status', south.process.http);
    expect(await status.end()).toEqual({ code: 0, signal: null });
    expect(status.stdout).toMatch(/^node {4}south\nstate {3}up, may act for \d\.\d s .*\nengine {2}nats \d/);
    expect(status.stdout).toMatch(/^north +up +1 +0 +0 +\d+$/m);
    const resources = await south.process.resources();
    expect(resources.cluster).toEqual({ members: 2, suspects: 0, keys: 0 });
    const alone = sluice('cluster', 'status', 'http://127.0.0.1:1');
    expect(await alone.end()).toEqual({ code: 2, signal: null });
    expect(alone.stderr).toMatch(/^sluice cluster status: 127\.0\.0\.1:1: .+\n$/);
  });

  it('does not start, and says why in one line, without a server and with buckets of other settings; no secret is shown', async () => {
    const nobody = sluice('serve', '--config', configurationOf('north', 'nats://me:secret@127.0.0.1:1', 'x'));
    expect(await nobody.end()).toEqual({ code: 2, signal: null });
    expect(nobody.stderr).toMatch(/^sluice serve: cluster\.nats: cannot connect to nats:\/\/127\.0\.0\.1:1: .+\n$/);
    expect(nobody.stderr + nobody.stdout).not.toContain('secret');
    const { prefix } = await two();
    const text = readFileSync(configurationOf('west', server.url, prefix), 'utf8').replace(
      'ttlMs: 3000',
      'ttlMs: 4000',
    );
    const wrong = sluice('serve', '--config', configurationFile(text));
    expect(await wrong.end()).toEqual({ code: 2, signal: null });
    expect(wrong.stderr).toMatch(
      /^sluice serve: cluster\.nats: the bucket "e2e-\d+-nodes" exists with a time to live of \(ms\) 3000, expected 4000; .+\n$/,
    );
    const old = await oldServer();
    const refused = sluice('serve', '--config', configurationOf('west', old, prefix));
    expect(await refused.end()).toEqual({ code: 2, signal: null });
    expect(refused.stderr).toBe(
      'sluice serve: cluster.nats: expected a NATS server of at least 2.10.23 (2.12.0 or later is recommended), got 2.9.10\n',
    );
  });

  it('without its engine goes on with whom it has for a lease, refuses newcomers clearly, and goes on when it is back', async () => {
    const frail = await NatsServer.start();
    onTestFinished(() => frail.remove());
    const north = await ClusterGateway.start('north', frail, 'frail');
    const ada = visit(north, 'ada');
    await ada.welcomed;
    await frail.kill();
    await sleep(500);
    await frail.run();
    await north.is('up');
    await visit(north, 'bob').welcomed;
    expect(ada.bye).toBeUndefined();
    expect(await north.eventTypes()).not.toContain('cluster.fenced');

    await frail.kill();
    await ada.ended;
    expect(ada.bye).toMatchObject({ reason: 'fenced' });
    await expect(visit(north, 'cyd').welcomed).rejects.toThrow(/^(fenced|engine_unavailable)/);
    await frail.run();
    await north.is('up');
    await visit(north, 'cyd').welcomed;
  });
});

/** A server that says that it is of a version which may lose a whole stream. @returns its URL. */
async function oldServer(): Promise<string> {
  const greeting = { server_id: 'old', version: '2.9.10', proto: 1, max_payload: 1_048_576, headers: true };
  const listener = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(`INFO ${JSON.stringify(greeting)}\r\n`);
    socket.on('data', (data) => {
      if (data.includes('PING')) socket.write('PONG\r\n');
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void listener.close());
  return `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}
