/**
 * The audio bridge and its cloud as real processes: either is killed and comes back, and the network between them is gone for
 * five seconds. Nobody lends a hand.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RoomView } from '../../src/gateway/views.js';
import { CloudProcess } from './cloud-process.js';
import { configurationFile } from './configuration-file.js';
import { eventually } from './eventually.js';
import { GatewayProcess, serve, sluice } from './gateway-process.js';
import { FarNetwork, noNamespaces } from './partition.js';

const SETTINGS = {
  session: { heartbeatMs: 500, inactivityMs: 3_000 },
  grpc: { keepalive: { timeMs: 1_000, timeoutMs: 1_000 } },
  log: { level: 'debug' },
};

interface LogLine {
  readonly msg: string;
  readonly userId?: string;
  readonly reason?: string;
}

/** What the gateway has logged about audio, in its order. */
function logOf({ process }: GatewayProcess): readonly LogLine[] {
  return process.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine)
    .filter(({ msg }) => /^(?:audio|room)\./.test(msg));
}

async function roomsOf(gateway: GatewayProcess): Promise<readonly RoomView[]> {
  return (await gateway.json<{ rooms: RoomView[] }>('/api/rooms')).rooms;
}

const counts = async (gateway: GatewayProcess) => {
  const { rooms, streams, orphans, monitors, actors } = await gateway.resources();
  return { rooms, streams, orphans, monitors, actors: actors.total };
};

/** Every session has a live stream, and nothing waits for anybody. */
async function isSound(gateway: GatewayProcess): Promise<void> {
  const users = (await roomsOf(gateway)).flatMap((room) => room.users);
  expect(users.map(({ userId, state }) => `${userId} ${state}`).sort()).toEqual(['ann attached', 'bob attached']);
  expect(Math.max(...users.map(({ queued }) => queued))).toBeLessThan(10);
  expect((await gateway.resources()).orphans).toBe(0);
}

describe('the audio bridge in three stories', () => {
  it('S2-21 S2-22 S2-28 the cloud is killed and comes back: cleaned up at once, and audio flows again', async () => {
    const gateway = await serve('--config', configurationFile(JSON.stringify(SETTINGS)));
    const before = await counts(gateway);
    const cloud = new CloudProcess(gateway.grpc);
    await cloud.hears();
    await isSound(gateway);

    cloud.process.signal('SIGKILL');
    await cloud.process.ended;
    await eventually(
      'nothing is left of it',
      () => counts(gateway),
      (now) => JSON.stringify(now) === JSON.stringify(before),
      2_000,
    );
    const broken = logOf(gateway);
    for (const userId of ['ann', 'bob']) {
      const told = broken.filter((line) => line.userId === userId).map(({ msg }) => msg);
      expect(told).toEqual(expect.arrayContaining(['room.joined', 'audio.started', 'room.left']));
      expect(
        told.some((msg) => msg === 'audio.failed' || msg === 'audio.sendFailed'),
        told.join(),
      ).toBe(true);
      expect(told).toContain('room.cleanup');
    }
    expect(broken.map(({ msg }) => msg)).not.toContain('audio.dropped');

    await sleep(2_000);
    const again = new CloudProcess(gateway.grpc);
    const { drops } = await again.hears();
    await isSound(gateway);
    const later = await again.hears(100);
    expect(later.drops).toBe(drops);
    expect(logOf(gateway).map(({ msg }) => msg)).not.toContain('audio.dropped');
    again.process.signal('SIGTERM');
    await again.process.printed(/"closed","left":\{\}/);
    expect((await again.process.end()).code).toBe(0);
    expect(await counts(gateway)).toEqual(before);
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });

  it('S2-23 S2-11 S2-25 the bridge is killed and comes back: the cloud goes on without it, and audio flows again', async () => {
    const file = configurationFile(JSON.stringify(SETTINGS));
    const gateway = await serve('--config', file);
    const cloud = new CloudProcess(gateway.grpc);
    await cloud.hears();
    // A slow machine may have been without audio for long before it had any.
    const begun = cloud.events.length;
    gateway.process.signal('SIGKILL');
    await gateway.process.ended;
    await eventually(
      'the cloud has noticed',
      () => cloud.events.slice(begun),
      (events) => events.includes('ann uplink.degraded'),
    );
    expect(cloud.events.slice(begun)).toEqual(expect.arrayContaining(['ann uplink.lost', 'bob uplink.lost']));
    await eventually('nothing is queued for the dead', () => cloud.figures?.queued === 0);

    const after = new GatewayProcess(
      sluice('serve', '--config', file, '--grpc', gateway.grpc, '--http', '127.0.0.1:0'),
    );
    await after.started();
    await cloud.hears();
    await isSound(after);
    const { drops } = cloud.figures ?? { drops: 0 };
    expect((await cloud.hears(100)).drops).toBe(drops);
    const told = cloud.events.filter((event) => event.startsWith('ann '));
    expect(told.filter((event) => event === 'ann uplink.live')).toHaveLength(2);
    expect(told.filter((event) => event === 'ann uplink.connecting').length).toBeGreaterThan(1);
    expect(told.at(-1)).toBe('ann uplink.available');
    cloud.process.signal('SIGTERM');
    expect((await cloud.process.end()).code).toBe(0);
    expect(await after.stop()).toEqual({ code: 0, signal: null });
  });

  const lacking = noNamespaces();
  it.skipIf(lacking !== '')(
    `S2-24 S2-11 S2-4 the network between them is gone for 5 s: both notice, and audio flows again${lacking && ` (${lacking})`}`,
    async () => {
      const network = new FarNetwork();
      const token = 'token-of-this-test';
      const settings = { ...SETTINGS, grpc: { ...SETTINGS.grpc, auth: { tokens: [{ token, may: ['*'] }] } } };
      const file = configurationFile(JSON.stringify(settings));
      const gateway = new GatewayProcess(
        sluice('serve', '--config', file, '--grpc', `${network.here}:0`, '--http', '127.0.0.1:0'),
      );
      await gateway.started();
      const before = await counts(gateway);
      const cloud = new CloudProcess(gateway.grpc, { token, within: network.name });
      await cloud.hears();

      network.cut();
      const [gone] = await Promise.all([
        eventually(
          'the bridge has noticed',
          () => counts(gateway),
          ({ rooms, streams }) => rooms + streams === 0,
          4_900,
        ),
        eventually(
          'the cloud has noticed',
          () => cloud.events,
          (events) => events.includes('ann uplink.lost'),
          4_900,
        ),
        sleep(5_000),
      ]);
      expect(gone).toEqual(before);
      expect(cloud.figures).toMatchObject({ queued: 0 });
      network.mend();
      await cloud.hears();
      await isSound(gateway);
      const { drops } = cloud.figures ?? { drops: 0 };
      expect((await cloud.hears(100)).drops).toBe(drops);
      const told = logOf(gateway).map(({ msg, userId }) => `${msg} ${userId}`);
      expect(told.filter((line) => line === 'room.left ann')).toHaveLength(1);
      expect(told.filter((line) => line === 'audio.started ann')).toHaveLength(2);
      cloud.process.signal('SIGTERM');
      expect((await cloud.process.end()).code).toBe(0);
      expect(await counts(gateway)).toEqual(before);
      expect((await gateway.stop()).code).toBe(0);
    },
  );
});
