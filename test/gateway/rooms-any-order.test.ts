/** Rooms in any order of events: whatever users do and whatever befalls them, nobody is there whom nobody can reach. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AudioTown, BEAT, type Speaker, sound } from './audio-town.js';

const USERS = ['ann', 'bob', 'cy'];
const ROOMS = ['hall', 'yard'];
const ATTACH_MS = 30_000;

const user = fc.constantFrom(...USERS);
const step = fc.oneof(
  fc.record({ do: fc.constant('join' as const), user, room: fc.constantFrom(...ROOMS) }),
  fc.record({
    do: fc.constantFrom('open', 'leave', 'fail', 'cancel', 'halfClose', 'say', 'stick', 'kill', 'play'),
    user,
  }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(20, 1_000, 10_000, 30_000) }),
  fc.record({ do: fc.constant('killRoom' as const), room: fc.constantFrom(...ROOMS) }),
);
type Step = { do: string; user?: string; room?: string; ms?: number };

class Crowd {
  readonly town: AudioTown;
  readonly #streams = new Map<string, Speaker>();
  /** Since when a session has been without a stream, by its id. */
  readonly #waitingSinceMs = new Map<string, number>();
  readonly #pending: Promise<unknown>[] = [];

  constructor(town: AudioTown) {
    this.town = town;
  }

  async take({ do: what, user: name = '', room = '', ms = 0 }: Step): Promise<void> {
    const speaker = this.#streams.get(name);
    switch (what) {
      case 'join':
        this.#hope(this.town.join(name, room));
        break;
      case 'open':
        this.#hope(this.town.open(name).then((opened) => this.#streams.set(name, opened)));
        break;
      case 'leave':
        this.#hope(this.town.audio.leave(name, ''));
        break;
      case 'play':
        this.#hope(this.town.play({ userId: name, url: 'file:///nothing' }));
        break;
      case 'fail':
        speaker?.handle.failed(new Error('reset'));
        break;
      case 'cancel':
        speaker?.handle.peerCancelled();
        break;
      case 'halfClose':
        speaker?.handle.peerHalfClosed();
        break;
      case 'say':
        speaker?.handle.said(sound());
        break;
      case 'stick':
        if (speaker) speaker.wire.stuck = true;
        break;
      case 'kill':
        for (const { id } of ROOMS.map((one) => ({ id: `sluice/rooms/room:${one}/user:${name}` }))) {
          await this.town.whole.killIfThere(id);
        }
        break;
      case 'killRoom':
        await this.town.whole.killIfThere(`sluice/rooms/room:${room}`);
        break;
      case 'pass':
        for (const { handle } of this.#streams.values()) handle.said(BEAT);
        await this.town.pass(ms);
        break;
    }
  }

  /** Every session has a live stream or is inside its window; the figures agree; nobody is in two places. */
  check(): void {
    const users = this.town.rooms.flatMap((room) => room.users);
    const open = new Set(
      this.town.whole.live.streams().flatMap(({ kind, nodeId }) => (kind === 'audio' ? [nodeId] : [])),
    );
    const nowMs = this.town.whole.clock.now();
    for (const { id, userId, state } of users) {
      if (state === 'attached') expect(open.has(userId), `a live stream of ${userId}`).toBe(true);
      else {
        const sinceMs = this.#waitingSinceMs.get(id) ?? nowMs;
        this.#waitingSinceMs.set(id, sinceMs);
        expect(nowMs - sinceMs, `${userId} waits for its stream`).toBeLessThan(ATTACH_MS);
      }
    }
    expect(new Set(users.map(({ userId }) => userId)).size, 'users in one room at most').toBe(users.length);
    expect(this.town.audio.health().sessions).toBe(users.length);
    expect(this.town.counts['orphans']).toBe(0);
  }

  /** What was asked for has been answered, or refused: then also nobody is reached who is not there. */
  async answered(): Promise<void> {
    await this.town.whole.settle();
    await Promise.all(this.#pending.splice(0));
    await this.town.whole.settle();
    const users = this.town.rooms.flatMap((room) => room.users).filter(({ state }) => state === 'attached');
    const streams = this.town.whole.live.streams().filter(({ kind }) => kind === 'audio');
    expect(streams.map(({ nodeId }) => nodeId).sort()).toEqual(users.map(({ userId }) => userId).sort());
  }

  #hope(asked: Promise<unknown>): void {
    this.#pending.push(asked.catch(() => {}));
  }
}

describe('rooms, whatever happens in whatever order,', () => {
  it('S2-20 S2-2 S2-4 have nobody whom nobody can reach, and nothing is left when all have gone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, together) => {
        const town = await AudioTown.start();
        const crowd = new Crowd(town);
        for (const one of steps) {
          await crowd.take(one as Step);
          // With others still under way, or each after the one before.
          if (!together) await crowd.answered();
          crowd.check();
        }
        await crowd.answered();
        for (let waited = 0; waited <= 2 * ATTACH_MS; waited += 10_000) await town.pass(10_000);
        await town.isEmpty();
        await town.stop();
      }),
      { numRuns: 60 },
    );
  });
});
