/** The cloud side's client against a gateway that goes away, comes back, refuses and is silent. Real sockets, short times. */
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VirtualClock } from '../../src/otp/clock.js';
import { eventually } from '../e2e/eventually.js';
import { again, clientOf, flows, listen, QUICK } from './audio-clients.js';
import { RawAudio, recordingBridge } from './raw-audio.js';
import { runGateway } from './running-gateway.js';

describe('users of an audio bridge client', () => {
  it('hear each other, over one connection', async () => {
    const { gateway, address } = await runGateway({ cameras: [] });
    const { client, events } = clientOf(address);
    const [ann, bob] = [client.join({ userId: 'ann', room: 'hall' }), client.join({ userId: 'bob', room: 'hall' })];
    await Promise.all([ann.ready(), bob.ready()]);
    const heard = listen(bob);
    await flows(ann, heard);
    expect(heard[0]).toMatchObject({ userId: 'ann', trackId: 0 });
    expect(heard[0]?.pcm).toHaveLength(640);
    expect(gateway.rooms.views()).toMatchObject([{ participants: 2 }]);
    expect(ann.participantId).toBe(gateway.rooms.status('ann').joined?.participantId);
    expect(events).toContain('ann uplink.live 1');
  });

  it('S2-10 S2-27 say every 5 s that they are here: an empty chunk with name, 16 kHz, 1 channel, the time, only while connected', async () => {
    const bridge = await recordingBridge();
    const clock = new VirtualClock();
    const { client } = clientOf(bridge.address, { clock, uplink: {} });
    const ann = await client.join({ userId: 'ann', room: 'hall' }).ready();
    await eventually('the first chunk', () => bridge.chunks.length === 1);
    clock.advance(4_999);
    await sleep(50);
    expect(bridge.chunks).toHaveLength(1);
    clock.advance(1);
    await eventually('a beat', () => bridge.chunks.length === 2);
    const beat = { userId: 'ann', sampleRate: 16_000, channels: 1, pcm: Buffer.alloc(0), trackId: 0 };
    expect(bridge.chunks).toEqual([
      { ...beat, timestampMs: 0 },
      { ...beat, timestampMs: 5_000 },
    ]);
    bridge.breakStream();
    await eventually('it has noticed', () => ann.figures.state === 'pausing');
    clock.advance(100);
    const left = ann.leave();
    await left;
    clock.advance(60_000);
    expect(clock.pending, 'timers').toBe(0);
    expect(bridge.chunks).toHaveLength(2);
  });

  it('leave with a reason, and nothing is left of them at either side', async () => {
    const { gateway, address } = await runGateway({ cameras: [] });
    const { client } = clientOf(address);
    const ann = await client.join({ userId: 'ann', room: 'hall' }).ready();
    const reading = (async () => {
      for await (const _ of ann) expect.unreachable('nobody speaks');
    })();
    await ann.leave('going home');
    await Promise.all([reading, ann.ended]);
    expect(gateway.rooms.status('ann')).toMatchObject({ joined: undefined, lastDisconnect: { reason: 'going home' } });
    expect(ann.say(Buffer.alloc(640))).toBe(false);
    expect(gateway.resources()).toMatchObject({ rooms: 0, streams: 0 });
  });

  it('D-10 leave when the reader breaks out of the loop, and when the signal is aborted', async () => {
    const { gateway, address } = await runGateway({ cameras: [] });
    const { client } = clientOf(address);
    const leave = new AbortController();
    const ann = await client.join({ userId: 'ann', room: 'hall' }).ready();
    const bob = await client.join({ userId: 'bob', room: 'hall' }, { signal: leave.signal }).ready();
    const speaking = setInterval(() => bob.say(Buffer.alloc(640)), 5);
    for await (const chunk of ann) {
      expect(chunk.userId).toBe('bob');
      break;
    }
    await ann.ended;
    clearInterval(speaking);
    leave.abort();
    await bob.ended;
    await eventually('nobody is there', () => gateway.rooms.users === 0);
  });

  it('leave at once when their signal was aborted before', async () => {
    const { address } = await runGateway({ cameras: [] });
    const { client } = clientOf(address);
    const ann = client.join({ userId: 'ann', room: 'hall' }, { signal: AbortSignal.abort() });
    await ann.ended;
    await expect(ann.ready()).rejects.toThrow('has ended');
  });

  it('that are refused for good are told so, and do not try again', async () => {
    const { address } = await runGateway({ cameras: [] });
    const { client, events } = clientOf(address);
    const nobody = client.join({ userId: '', room: 'hall' });
    await expect(nobody.ready()).rejects.toThrow('refused: JoinRoom: invalid_argument: user_id');
    await expect(nobody[Symbol.asyncIterator]().next()).rejects.toThrow('refused');
    expect(events.filter((line) => line.includes('connecting'))).toHaveLength(1);
  });

  it('S2-30 that join elsewhere are not fought for: who was replaced is told, and stays away', async () => {
    const { gateway, address } = await runGateway({ cameras: [] });
    const { client } = clientOf(address);
    const first = await client.join({ userId: 'ann', room: 'hall' }).ready();
    const second = await client.join({ userId: 'ann', room: 'hall' }).ready();
    await first.ended;
    await sleep(200);
    expect(second.available).toBe(true);
    expect(second.figures.reconnects).toBe(0);
    expect(gateway.rooms.views()).toMatchObject([{ participants: 1 }]);
  });
});

describe('a client whose gateway goes away', () => {
  it('S2-12 S2-16 S2-25 goes on without it, says so, and is back with a fresh session when it is', async () => {
    const { gateway, address } = await runGateway({ cameras: [] });
    const { client, events } = clientOf(address);
    const [ann, bob] = [client.join({ userId: 'ann', room: 'hall' }), client.join({ userId: 'bob', room: 'hall' })];
    await Promise.all([ann.ready(), bob.ready()]);
    const heard = listen(bob);
    await flows(ann, heard);
    const before = ann.participantId;

    await gateway.stop({ deadlineMs: 0 });
    await eventually('both have been told', () => !ann.available && !bob.available);
    expect(ann.say(Buffer.alloc(640))).toBe(false);
    expect(ann.figures.queued).toBe(0);

    const after = await again(address);
    await flows(ann, heard);
    expect(ann.participantId).not.toBe(before);
    expect(after.rooms.views()).toMatchObject([{ participants: 2 }]);
    expect(ann.figures.reconnects).toBeGreaterThan(0);
    // What is said may be heard a moment before the first word of the gateway has come back.
    await eventually('both have been told', () => ann.available && bob.available);
    const told = events.filter((line) => /^ann uplink\.(?:lost|degraded|available)/.test(line));
    const since = told.slice(told.indexOf('ann uplink.available'));
    expect(since).toContain('ann uplink.degraded');
    expect(since.at(-1)).toBe('ann uplink.available');
  });

  it('S2-13 that is left while it waits does not come back', async () => {
    const { gateway, address } = await runGateway({ cameras: [] });
    const { client, events } = clientOf(address, {
      uplink: { ...QUICK, retry: { initialMs: 500, maxMs: 500, jitter: 0 } },
    });
    const ann = await client.join({ userId: 'ann', room: 'hall' }).ready();
    await gateway.stop({ deadlineMs: 0 });
    await eventually('it waits', () => ann.figures.state === 'pausing');
    await ann.leave();
    const after = await again(address);
    await sleep(700);
    expect(after.rooms.users).toBe(0);
    expect(events.filter((line) => line.includes('connecting'))).toHaveLength(1);
  });

  it('S2-15 tells when it has to connect too often', async () => {
    const lines: string[] = [];
    const line = (level: string) => (fields: object, message: string) =>
      lines.push(`${level} ${message} ${(fields as { userId: string }).userId}`);
    const { client, events } = clientOf('127.0.0.1:1', {
      logger: { info: line('info'), warn: line('warn') },
      uplink: { ...QUICK, retry: { initialMs: 1, maxMs: 2, jitter: 0 }, alert: { reconnects: 5, perMs: 60_000 } },
    });
    client.join({ userId: 'ann', room: 'hall' });
    await eventually('an alert', () => events.includes('ann uplink.alert'));
    await eventually('more attempts', () => events.filter((event) => event.includes('connecting')).length > 10);
    expect(events.filter((event) => event === 'ann uplink.alert')).toHaveLength(1);
    expect(lines).toEqual(
      expect.arrayContaining(['info uplink.connecting ann', 'warn uplink.lost ann', 'warn uplink.alert ann']),
    );
  });
});

describe('a client whose peer takes TCP and is mute', () => {
  it('is not connected, and tries again over another connection', async () => {
    const sockets = new Set<Socket>();
    const mute: Server = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    const { port } = mute.address() as { port: number };
    const { client, events } = clientOf(`127.0.0.1:${port}`, { uplink: { ...QUICK, connectMs: 100 } });
    client.join({ userId: 'ann', room: 'hall' });
    await eventually('three connections', () => sockets.size >= 3);
    expect(events).not.toContain('ann uplink.live 1');
    expect(events.find((line) => line.includes('lost'))).toBeDefined();
  });
});

describe('a stranger beside the client', () => {
  it('hears what it says as PCM16 mono 16 kHz with a timestamp', async () => {
    const { address } = await runGateway({ cameras: [] });
    const raw = new RawAudio(address);
    await raw.join({ userId: 'raw', roomName: 'hall' });
    const stream = raw.stream();
    stream.say({ userId: 'raw' });
    await stream.opened;
    const { client } = clientOf(address);
    const ann = await client.join({ userId: 'ann', room: 'hall' }).ready();
    ann.say(Buffer.from([1, 2]), { trackId: 2, timestampMs: 5 });
    expect(await stream.hears(1)).toMatchObject([
      { userId: 'ann', trackId: 2, timestampMs: 5n, sampleRate: 16_000, channels: 1, pcmData: Buffer.from([1, 2]) },
    ]);
  });
});
