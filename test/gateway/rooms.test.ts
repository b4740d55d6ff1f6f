/** Rooms: who is in them, who hears whom, and how nobody stays whom nobody can reach. On virtual time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/gateway/gateway-error.js';
import { REMEMBERED_MAX, RoomHistory } from '../../src/gateway/room-history.js';
import { AudioTown, BEAT, EarWire, sound } from './audio-town.js';

let town: AudioTown;

beforeEach(async () => {
  town = await AudioTown.start();
});
afterEach(() => town.stop());

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof GatewayError ? error.code : error),
  );

describe('users in a room', () => {
  it('S2-26 hear each other, byte for byte, with the name and the track of who speaks', async () => {
    const ann = await town.enter('ann');
    const bob = await town.enter('bob');
    const cy = await town.enter('cy', 'elsewhere');
    ann.handle.said({ trackId: 2, timestampMs: 1_234, pcm: Buffer.from([1, 2, 3, 4]) });
    expect(bob.wire.chunks).toMatchObject([
      { userId: 'ann', trackId: 2, timestampMs: 1_234, pcm: Buffer.from([1, 2, 3, 4]) },
    ]);
    expect([ann.wire.chunks, cy.wire.chunks]).toEqual([[], []]);
  });

  it('hear the very message that came, where there is one, and never one that says something else', async () => {
    const ann = await town.enter('ann');
    const [bob, cy] = [await town.enter('bob'), await town.enter('cy')];
    const message = Buffer.from('as it came');
    ann.handle.said({ ...sound(), message });
    ann.handle.said({ ...sound(641), message });
    for (const { wire } of [bob, cy]) {
      expect(wire.chunks[0]?.message).toBe(message);
      expect(wire.chunks[1]?.message.includes(message)).toBe(false);
    }
    expect(bob.wire.chunks[1]?.message).toBe(cy.wire.chunks[1]?.message);
  });

  it('are told how many they are, themselves included', async () => {
    expect((await town.join('ann')).participants).toBe(1);
    const second = await town.join('bob');
    expect(second).toMatchObject({ participants: 2, room: 'hall', backend: 'embedded' });
    expect(town.audio.status('ann').joined?.participants).toBe(2);
  });

  it('hear one only, if they asked for that one', async () => {
    const ann = await town.enter('ann');
    const { participantId } = await town.join('bob');
    const bob = await town.open('bob');
    const fan = await town.enter('fan', 'hall', { targetIdentity: 'ann' });
    const other = await town.enter('other', 'hall', { targetIdentity: participantId });
    ann.handle.said(sound());
    bob.handle.said(sound());
    expect(fan.wire.heard).toEqual(['ann/0:640']);
    expect(other.wire.heard).toEqual(['bob/0:640']);
  });

  it('are not bothered with heartbeats of others, and an odd byte is cut off and counted', async () => {
    const ann = await town.enter('ann');
    const bob = await town.enter('bob');
    ann.handle.said(BEAT);
    ann.handle.said(sound(641));
    ann.handle.said(sound(1));
    expect(bob.wire.chunks.map(({ pcm }) => pcm.length)).toEqual([640]);
    expect(town.told).toContain('audio.oddPayload ann');
  });

  it('hear from the gateway every 5 s that it is here, when they hear nothing else', async () => {
    const ann = await town.enter('ann');
    const bob = await town.enter('bob');
    await town.passBeating(10_000, ann, bob);
    expect(ann.wire.chunks.map(({ userId, pcm }) => `${userId}:${pcm.length}`)).toEqual(['ann:0', 'ann:0']);
    bob.handle.said(sound());
    await town.pass(4_999);
    expect(ann.wire.chunks).toHaveLength(3);
    await town.pass(1);
    expect(ann.wire.chunks).toHaveLength(3);
  });
});

describe('a user who joins', () => {
  it('S2-20 is in the room for 30 s without a stream, and then no more', async () => {
    await town.join('ann');
    await town.pass(29_999);
    expect(town.places).toEqual(['hall: ann attaching']);
    await town.pass(1);
    expect(town.places).toEqual([]);
    expect(town.audio.status('ann')).toMatchObject({ joined: undefined, lastDisconnect: { reason: 'never_attached' } });
    await town.isEmpty();
  });

  it('S2-20 has a live stream or is inside its window, whatever happens', async () => {
    for (const user of ['a', 'b', 'c', 'd']) await town.join(user);
    const b = await town.open('b');
    const c = await town.open('c');
    c.handle.peerCancelled();
    await town.pass(20_000);
    const d = await town.open('d');
    b.handle.said(BEAT);
    expect(town.places).toEqual(['hall: a attaching, b attached, d attached']);
    await town.pass(10_000);
    expect(town.places).toEqual(['hall: b attached, d attached']);
    d.handle.failed(new Error('reset'));
    await town.pass(20_000);
    expect(town.places).toEqual([]);
    await town.isEmpty();
  });

  it('S2-30 D-18 a second time replaces itself: the stream ends as superseded, and who came first has gone before', async () => {
    const before = await town.enter('ann');
    const first = town.audio.status('ann').joined?.participantId;
    const again = await town.join('ann');
    expect(before.wire.ends).toEqual(['shutdown: superseded']);
    expect(again.participants).toBe(1);
    expect(again.participantId).not.toBe(first);
    expect(town.places).toEqual(['hall: ann attaching']);
    expect(town.told.filter((line) => line.startsWith('room.'))).toEqual([
      'room.opened',
      'room.joined ann',
      'room.left ann (superseded)',
      'room.closed (shutdown: ended)',
      'room.opened',
      'room.joined ann',
    ]);
  });

  it('S2-30 many times at once: each replaces the one before, and the last is in', async () => {
    const joins = Array.from({ length: 20 }, (_, at) => town.join('ann', at % 2 === 0 ? 'hall' : 'yard'));
    const answers = await Promise.all(joins);
    expect(new Set(answers.map(({ participantId }) => participantId)).size).toBe(20);
    expect(town.places).toEqual(['yard: ann attaching']);
    expect(town.audio.status('ann').joined?.participantId).toBe(answers.at(-1)?.participantId);
    expect(town.audio.health()).toMatchObject({ sessions: 1, rooms: 1 });
  });

  it('in another room leaves the one before', async () => {
    const ann = await town.enter('ann');
    const bob = await town.enter('bob');
    await town.join('ann', 'yard');
    expect(ann.wire.ends).toEqual(['shutdown: superseded']);
    expect(town.places).toEqual(['hall: bob attached', 'yard: ann attaching']);
    bob.handle.said(sound());
    expect(ann.wire.heard).toEqual([]);
  });

  it('S2-17 after a break gets a fresh session in a fresh room, and a new stream that knows nothing of the old one', async () => {
    const before = await town.enter('ann');
    const speaker = await town.enter('bob');
    before.wire.stuck = true;
    for (let chunks = 0; chunks < 10; chunks += 1) speaker.handle.said(sound());
    const old = town.audio.status('ann').joined?.participantId;
    before.handle.failed(new Error('reset'));
    speaker.handle.peerCancelled();
    expect(town.rooms.flatMap(({ users }) => users)).toEqual([]);
    const { participantId } = await town.join('ann');
    const after = await town.open('ann');
    expect(participantId).not.toBe(old);
    before.handle.said(sound());
    before.wire.settle();
    before.handle.peerCancelled();
    await town.pass(1_000);
    expect(after.wire.chunks).toEqual([]);
    expect(town.rooms).toMatchObject([
      {
        state: 'occupied',
        users: [{ userId: 'ann', id: participantId, state: 'attached', queued: 0, sent: 0, drops: 0 }],
      },
    ]);
  });

  it('without a name, or to a room without one, is refused by the field', async () => {
    expect(() => town.join('')).toThrow('user_id: expected a name, got an empty string');
    expect(() => town.join('ann', '')).toThrow('room_name: expected a name, got an empty string');
    expect(() => town.join('x'.repeat(257))).toThrow('user_id: expected at most 256 characters, got 257');
  });

  it('when there are as many as there may be is refused', async () => {
    await town.stop();
    town = await AudioTown.start({ limits: { clients: 2 } });
    await town.join('ann');
    await town.join('bob');
    expect(await codeOf(town.join('cy'))).toBe('max_clients_reached');
    await town.join('bob');
    await town.audio.leave('ann', '');
    expect(await codeOf(town.join('cy'))).toBe('resolved');
  });
});

describe('a stream of audio', () => {
  it('of somebody who is in no room is refused', async () => {
    expect(await codeOf(town.audio.stream('ann', new EarWire()))).toBe('session_not_found');
    expect(await codeOf(town.audio.stream('', new EarWire()))).toBe('invalid_argument');
  });

  it('that is opened again replaces the one before, and the session stays', async () => {
    const before = await town.enter('ann');
    const after = await town.open('ann');
    expect(before.wire.ends).toEqual(['shutdown: superseded']);
    expect(town.places).toEqual(['hall: ann attached']);
    expect(town.audio.health()).toMatchObject({ sessions: 1, streams: 1 });
    const bob = await town.enter('bob');
    bob.handle.said(sound());
    expect([before.wire.heard, after.wire.heard]).toEqual([[], ['bob/0:640']]);
  });

  it('ends in order when its user leaves', async () => {
    const ann = await town.enter('ann');
    await town.audio.leave('ann', 'going home');
    expect(ann.wire.ends).toEqual(['shutdown: bye']);
    expect(town.audio.status('ann').lastDisconnect?.reason).toBe('going home');
    expect(await codeOf(town.audio.leave('ann', ''))).toBe('session_not_found');
    await town.isEmpty();
  });

  it('ends when somebody kills its actor, its user or its room, and nothing is left of it', async () => {
    for (const victim of ['audio:1', 'user:ann', 'keeper', '']) {
      const ann = await town.enter('ann');
      const path = `sluice/rooms/room:hall${victim === '' ? '' : `/${victim}`}`;
      await town.whole.kill(path);
      expect(ann.wire.ends, path).toHaveLength(1);
      await town.isEmpty();
    }
  });
});

describe('a gateway that drains', () => {
  it('tells everybody in rooms, lets nobody in, and is done when they have gone', async () => {
    const ann = await town.enter('ann');
    await town.join('bob');
    const drained = town.whole.live.drain(1_000);
    for (let look = 0; look < 5; look += 1) await town.pass(20);
    await drained;
    expect(ann.wire.ends).toEqual(['shutdown: drain']);
    expect(() => town.join('cy')).toThrow('draining');
    expect(town.audio.health()).toMatchObject({ serving: false, sessions: 0, streams: 0, rooms: 0 });
  });
});

describe('the status of a user', () => {
  it('is where it is, and why it was last there no more', async () => {
    expect(town.audio.status('ann')).toEqual({ joined: undefined, lastDisconnect: undefined });
    await town.pass(1_000);
    const ann = await town.enter('ann');
    ann.handle.failed(new Error('reset'));
    expect(town.audio.status('ann')).toEqual({
      joined: undefined,
      lastDisconnect: { atMs: 1_000, reason: 'Error: reset' },
    });
    await town.join('ann');
    expect(town.audio.status('ann')).toMatchObject({ joined: { participants: 1 }, lastDisconnect: { atMs: 1_000 } });
  });

  it('is remembered of the latest 10,000 users', () => {
    const history = new RoomHistory();
    for (let user = 0; user < REMEMBERED_MAX; user += 1) history.remember(`u${user}`, { atMs: user, reason: 'left' });
    history.remember('u0', { atMs: 1, reason: 'x'.repeat(1_000) });
    history.remember('late', { atMs: 2, reason: 'left' });
    expect(history.size).toBe(10_000);
    expect(history.of('u1')).toBeUndefined();
    expect(history.of('u0')?.reason).toHaveLength(200);
  });
});
