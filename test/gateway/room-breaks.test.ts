/** How an audio session ends: every way, what it takes along in the same step, and what is told of it. On virtual time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AudioTown, BEAT, EarWire, type Speaker, sound } from './audio-town.js';

let town: AudioTown;

beforeEach(async () => {
  town = await AudioTown.start();
});
afterEach(() => town.stop());

const LOST = new Error('connection reset');

/** What happens to the stream of somebody, and what the log says of it. */
const WAYS: readonly (readonly [string, (one: Speaker) => void, string, string])[] = [
  ['a receive error', ({ handle }) => handle.failed(LOST), 'audio.failed', 'Error: connection reset'],
  ['a send error', ({ wire }) => wire.settle(LOST), 'audio.sendFailed', 'Error: connection reset'],
  ['a cancel', ({ handle }) => handle.peerCancelled(), 'audio.cancelled', 'shutdown: cancelled'],
  ['a passed deadline', ({ handle }) => handle.deadlineExceeded(), 'audio.cancelled', 'shutdown: deadline_exceeded'],
  ['a half-close', ({ handle }) => handle.peerHalfClosed(), 'audio.senderEnded', 'shutdown: ended'],
];

describe.each(WAYS)('a stream that breaks by %s', (_way, happens, type, reason) => {
  it('S2-1 S2-2 S2-4 S2-5 takes session, membership, queue and plays along in the same step, and nothing is queued for the dead', async () => {
    const ann = await town.enter('ann');
    const bob = await town.enter('bob');
    const played = await town.play({ userId: 'ann', url: 'file:///nothing' });
    ann.wire.stuck = true;
    for (let chunks = 0; chunks < 50; chunks += 1) bob.handle.said(sound());
    expect(town.rooms[0]?.users.find(({ userId }) => userId === 'ann')).toMatchObject({ queued: 49 });

    happens(ann);
    // Nothing has been awaited since.
    expect(town.places).toEqual(['hall: bob attached']);
    expect(town.audio.status('ann').joined).toBeUndefined();
    expect(town.audio.health()).toMatchObject({ sessions: 1 });
    expect(ann.wire.ends).toEqual([reason]);
    const before = ann.wire.chunks.length;
    for (let chunks = 0; chunks < 500; chunks += 1) bob.handle.said(sound());
    ann.wire.settle();
    await town.whole.settle();
    expect(ann.wire.chunks).toHaveLength(before);
    expect(town.told.filter((line) => line.startsWith('audio.dropped'))).toEqual([]);
    expect(played.wire.types.at(-1)).toMatch(/^failed (?:session_ended|unreachable)/);
    bob.handle.peerCancelled();
    await town.isEmpty();
  });

  it('S2-3 S2-8 S2-31 is told with its user and its reason, and what was cleaned up because of it', async () => {
    const ann = await town.enter('ann');
    const bob = await town.enter('bob');
    ann.wire.stuck = true;
    bob.handle.said(sound());
    happens(ann);
    const broken = type === 'audio.failed' || type === 'audio.sendFailed';
    const cleanup = broken ? [`room.cleanup ann (${reason})`] : [];
    const word = reason.replace('shutdown: ', '');
    expect(town.told.filter((line) => line.includes('ann'))).toEqual([
      'room.joined ann',
      'audio.started ann',
      `${type} ann (${reason})`,
      ...cleanup,
      `room.left ann (${word})`,
    ]);
    expect(town.audio.status('ann').lastDisconnect).toEqual({ atMs: 0, reason: word });
    bob.handle.peerCancelled();
    await town.isEmpty();
  });
});

describe('a stream that its own side cancels', () => {
  it('S2-18 ends cleanly and not as an error', async () => {
    const ann = await town.enter('ann');
    ann.handle.peerCancelled();
    expect(town.told.filter((line) => /failed|Failed|cleanup|timedOut/.test(line))).toEqual([]);
    expect(town.told).toContain('audio.cancelled ann (shutdown: cancelled)');
    await town.isEmpty();
  });
});

describe('a stream over which nothing comes', () => {
  it('S2-9 S2-31 is closed after 30 s with a timeout, and its session is removed', async () => {
    const ann = await town.enter('ann');
    await town.pass(29_999);
    expect(ann.wire.ends).toEqual([]);
    await town.pass(1);
    expect(ann.wire.ends).toEqual(['shutdown: inactivity']);
    expect(town.told.slice(-4)).toEqual([
      'audio.timedOut ann (shutdown: inactivity)',
      'room.cleanup ann (shutdown: inactivity)',
      'room.left ann (inactivity)',
      'room.closed (shutdown: ended)',
    ]);
    await town.isEmpty();
  });

  it('S2-9 begins to be silent anew with every message, heartbeats included', async () => {
    const ann = await town.enter('ann');
    for (const message of [BEAT, sound(), BEAT]) {
      await town.pass(29_000);
      ann.handle.said(message);
    }
    await town.pass(29_999);
    expect(ann.wire.ends).toEqual([]);
    await town.pass(1);
    expect(ann.wire.ends).toEqual(['shutdown: inactivity']);
  });
});

describe('a user who does not keep up', () => {
  it('S2-6 S2-19 has 200 chunks waiting at most; the others are dropped and counted, and the speaker never waits', async () => {
    const ann = await town.enter('ann');
    const deaf = await town.enter('deaf');
    deaf.wire.stuck = true;
    for (let chunks = 0; chunks < 500; chunks += 1) ann.handle.said(sound());
    expect(town.rooms[0]?.users.find(({ userId }) => userId === 'deaf')).toMatchObject({ queued: 200, drops: 299 });
    const told = town.events.filter(({ type }) => type === 'audio.dropped').map(({ detail }) => detail?.['drops']);
    expect(told).toEqual([1, 51, 101, 151, 201, 251]);
    expect(town.whole.live.streams().find(({ nodeId }) => nodeId === 'deaf')).toMatchObject({
      kind: 'audio',
      drops: 299,
    });
  });

  it('S2-19 never gets what has waited for more than two seconds, and the rest as one write', async () => {
    const ann = await town.enter('ann');
    const slow = await town.enter('slow');
    slow.wire.stuck = true;
    for (let chunk = 0; chunk < 90; chunk += 1) {
      ann.handle.said({ ...sound(), timestampMs: chunk });
      await town.pass(20);
    }
    slow.wire.settle();
    const first = slow.wire.chunks.length;
    expect(first).toBeGreaterThan(50);
    for (let chunk = 90; chunk < 170; chunk += 1) {
      ann.handle.said({ ...sound(), timestampMs: chunk });
      await town.pass(20);
    }
    expect(slow.wire.ends).toEqual([]);
    slow.wire.stuck = false;
    slow.wire.settle();
    const stamps = slow.wire.chunks.map(({ timestampMs }) => timestampMs);
    expect(stamps).toEqual([...stamps].sort((a, b) => a - b));
    expect(stamps.at(-1)).toBe(169);
  });

  it('S2-7 ends as slow_consumer when one write hangs for 2 s, long before the queue is full', async () => {
    const ann = await town.enter('ann');
    const stuck = await town.enter('stuck');
    stuck.wire.stuck = true;
    ann.handle.said(sound());
    await town.pass(1_999);
    expect(stuck.wire.ends).toEqual([]);
    await town.pass(1);
    expect(stuck.wire.ends).toEqual(['shutdown: slow_consumer']);
    expect(town.told).toContain('audio.sendFailed stuck (shutdown: slow_consumer)');
    expect(town.places).toEqual(['hall: ann attached']);
    ann.handle.peerCancelled();
    await town.isEmpty();
  });

  it('S2-7 lives while its writes complete, however late', async () => {
    const ann = await town.enter('ann');
    const late = await town.enter('late');
    late.wire.stuck = true;
    for (let chunk = 0; chunk < 20; chunk += 1) {
      ann.handle.said(sound());
      late.handle.said(BEAT);
      await town.pass(1_500);
      late.wire.settle();
    }
    expect(late.wire.ends).toEqual([]);
  });
});

describe('a room whose backend is lost', () => {
  it('ends for everybody in it, and who joins again finds a fresh one', async () => {
    const ann = await town.enter('ann');
    const bob = await town.enter('bob');
    await town.whole.kill('sluice/rooms/room:hall/keeper');
    expect([ann.wire.ends.length, bob.wire.ends.length]).toEqual([1, 1]);
    expect(town.rooms).toEqual([]);
    await town.enter('ann');
    expect(town.places).toEqual(['hall: ann attached']);
  });
});

describe('streams that are opened while their user goes', () => {
  it('S2-20 never stay: whatever comes first, the session has a stream or is gone', async () => {
    const bob = await town.enter('bob');
    for (const order of ['leave first', 'stream first']) {
      await town.join('ann');
      const wire = new EarWire();
      const streaming = () => town.audio.stream('ann', wire).catch((error: unknown) => error);
      const leaving = () => town.audio.leave('ann', '').catch((error: unknown) => error);
      await Promise.all(order === 'leave first' ? [leaving(), streaming()] : [streaming(), leaving()]);
      await town.whole.settle();
      expect(town.places, order).toEqual(['hall: bob attached']);
      expect(town.audio.health(), order).toMatchObject({ sessions: 1, streams: 1 });
      expect(wire.ends, order).toHaveLength(1);
    }
    bob.handle.peerCancelled();
    await town.isEmpty();
  });
});
