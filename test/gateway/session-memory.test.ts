/**
 * What sessions cost and give back, over a day of the virtual clock: users who change regions, devices that come and go. The
 * figures are printed; what is asserted is so generous that only something that is kept can break it. A session that were
 * kept by anything would be seen: the heap is read after a full collection.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/gateway/frame.js';
import type { Session } from '../../src/gateway/session.js';
import type { ControlHandle, ControlWire, FrameWire, ServerWord } from '../../src/gateway/transport.js';
import { fromProcess } from '../../src/otp/index.js';
import { leftovers } from '../../src/otp/leaks.js';
import { HELLO, NOBODY, PICTURE_MS, WholeGateway } from './whole-gateway.js';

const TIMEOUT_MS = 180_000;
const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

let whole: WholeGateway;

beforeEach(async () => {
  // Nobody here beats: who is lost is lost by its connection. No longer than that: the virtual clock keeps timers that were
  // cleared until their time has come.
  const quiet = { inactivityMs: 120_000, heartbeatMs: 110_000 };
  whole = await WholeGateway.start({ limits: { clients: 20_000 }, session: quiet });
});

afterEach(() => whole.stop());

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of the heap that are in use when everything that can be collected has been. */
async function heapBytes(): Promise<number> {
  await whole.settle();
  collect();
  await whole.settle();
  collect();
  return process.memoryUsage().heapUsed;
}

const captions = fromProcess<undefined>(() => ({}), { kind: 'captions' });

/** Wires that keep nothing of what they are given, so that the heap is the gateway's. */
class Ear implements ControlWire {
  token = '';

  send(word: ServerWord, done?: () => void): void {
    if (word.type === 'welcome') this.token = word.resumeToken;
    done?.();
  }

  end(): void {}
}

class Eye implements FrameWire {
  frames = 0;

  write(_frame: Frame, done: () => void): void {
    this.frames += 1;
    done();
  }

  end(): void {}
}

interface User {
  readonly nodeId: string;
  readonly ear: Ear;
  readonly eye: Eye;
  readonly control: ControlHandle;
}

async function hello(nodeId: string, resumeToken = '', ear = new Ear()) {
  return { ear, control: await whole.live.connect({ ...HELLO, nodeId, resumeToken }, ear) };
}

/** A user with a subscription, a procedure, a viewer and an app. */
async function arrive(nodeId: string): Promise<User> {
  const { ear, control } = await hello(nodeId);
  control.subscribe(`news.${nodeId}`);
  control.register(`ask.${nodeId}`, 0);
  const eye = new Eye();
  await whole.live.watch({ cameraId: 'front' }, nodeId, eye);
  const session = whole.gateway.sessions.get(nodeId) as Session;
  await session.apps.start({ packageName: 'captions', child: ({ spawn }) => spawn(captions) });
  return { nodeId, ear, eye, control };
}

const names = (count: number, name: string): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${name}${i}`);
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;

/** Everything that the gateway counts, and the timers on its clock. */
const counters = () => ({ ...leftovers(whole.system), timersPending: whole.clock.pending });

describe('a thousand sessions', { timeout: TIMEOUT_MS }, () => {
  it('S4-15 cost less than 215 kB each, and give it back completely when they are disposed', async () => {
    const SESSIONS = 1_000;
    const present = async (): Promise<void> => {
      const users = [];
      for (const name of names(SESSIONS, 'user')) users.push(await arrive(name));
      await whole.pass(PICTURE_MS);
      for (const { eye } of users) expect(eye.frames).toBeGreaterThan(0);
      expect(whole.live.resources()).toMatchObject({ sessions: SESSIONS, viewers: SESSIONS, services: SESSIONS });
      held = await heapBytes();
      for (const { control } of users) control.peerCancelled();
      await whole.pass(200_000);
      expect(whole.live.resources()).toMatchObject({ sessions: 0, streams: 0, viewers: 0, services: 0, topics: 0 });
    };
    let held = 0;
    // Once before: what is remembered of the dead is bounded, and is there from then on.
    await present();
    const [before, idle] = [await heapBytes(), counters()];
    await present();
    const after = await heapBytes();
    const each = (held - before) / SESSIONS;
    console.log(
      `${SESSIONS} sessions with viewer and app: ${(each / 1_000).toFixed(1)} kB each; ${mib(after - before)} not given back`,
    );
    expect(counters()).toEqual(idle);
    expect(each).toBeLessThan(215_000);
    expect(after - before).toBeLessThan((held - before) / 10);
  });
});

describe('two thousand sessions of one client and one control stream', { timeout: TIMEOUT_MS }, () => {
  it('cost less than 11 kB each', async () => {
    const SESSIONS = 2_000;
    const leave = async (users: readonly { readonly control: ControlHandle }[]): Promise<void> => {
      for (const { control } of users) control.bye('done');
      await whole.pass(1_000);
      expect(whole.manager.counts).toEqual(NOBODY);
    };
    const arriveAll = async () => {
      const users = [];
      for (const name of names(SESSIONS, 'plain')) users.push(await hello(name));
      return users;
    };
    // Once before: what is remembered of the dead is bounded, and is there from then on.
    await leave(await arriveAll());
    const before = await heapBytes();
    const users = await arriveAll();
    const each = ((await heapBytes()) - before) / SESSIONS;
    console.log(`${SESSIONS} plain sessions: ${(each / 1_000).toFixed(1)} kB each`);
    expect(each).toBeLessThan(11_000);
    await leave(users);
  });
});

describe('a day of two hundred users who change regions', { timeout: TIMEOUT_MS }, () => {
  it('S4-16 S4-19 S4-20 leaves as many sessions as users, and a heap that does not grow', async () => {
    const [USERS, SWITCHES, CYCLES] = [200, 50, 1_000];
    const heaps: number[] = [];
    let idle = counters();
    for (let round = 0; round < SWITCHES; round += 1) {
      // Every other one with a viewer and an app: who is forgotten would be of either kind.
      const users = await Promise.all(
        names(USERS, 'user').map((name, i) => (i % 2 === 0 ? arrive(name) : hello(name))),
      );
      await whole.pass(PICTURE_MS);
      expect(whole.live.resources()).toMatchObject({ sessions: USERS, clients: USERS, orphans: 0 });
      // Half of them are back from the other region within the grace, on a connection of their own.
      const [back, gone] = [users.slice(0, USERS / 2), users.slice(USERS / 2)];
      for (const { control } of users) control.peerCancelled();
      await whole.pass(3_000);
      const again = await Promise.all(back.map(({ ear }, i) => hello(`user${i}`, ear.token)));
      await whole.pass(60_000);
      expect(whole.live.resources()).toMatchObject({ sessions: back.length, clients: back.length, orphans: 0 });
      for (const i of gone.keys()) expect(whole.gateway.sessions.get(`user${USERS / 2 + i}`)).toBeUndefined();
      for (const { control } of again) control.peerCancelled();
      // A day, in as many parts as there are switches.
      await whole.pass((24 * HOUR_MS) / SWITCHES - 63_000);
      expect(whole.states).toEqual([]);
      if (round === 0) idle = counters();
      else expect(counters()).toEqual(idle);
      if (round % 10 === 9) heaps.push(await heapBytes());
    }
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const { control } = await arrive(`user${cycle % USERS}`);
      if (cycle % 2 === 0) control.bye('done');
      else control.peerCancelled();
      await whole.pass(1_000);
    }
    await whole.pass(HOUR_MS);
    expect(counters()).toEqual(idle);
    heaps.push(await heapBytes());
    console.log(
      `${USERS} users, ${SWITCHES} switches each, ${CYCLES} cycles: heap ${heaps.map(mib).join(', ')}; rss ${mib(process.memoryUsage().rss)}`,
    );
    // Had the sessions of one part of the day been kept, 2,000 of them would be here.
    for (const heap of heaps.slice(1)) expect(heap - (heaps[0] as number)).toBeLessThan(10 * MIB);
    expect(heaps.at(-1)).toBeLessThan(500 * MIB);
  });
});

describe('clients that come and go', { timeout: TIMEOUT_MS }, () => {
  it('S3-16 leave nothing when five hundred are replaced every ten minutes for two hours', async () => {
    const CLIENTS = 500;
    for (let round = 0; round < 12; round += 1) {
      const here = await Promise.all(names(CLIENTS, `r${round}-`).map((name) => hello(name)));
      // Those of the round before are long disposed: they are neither in their grace nor anywhere else.
      expect(whole.manager.counts).toEqual({ clients: CLIENTS, clientStreams: CLIENTS, streams: CLIENTS });
      expect(whole.gateway.sessions.size).toBe(CLIENTS);
      expect(whole.manager.faults()).toEqual([]);
      for (const [i, { control }] of here.entries()) {
        if (i % 2 === 0) control.peerCancelled();
        else control.bye('done');
      }
      await whole.pass(600_000);
    }
    expect(whole.manager.counts).toEqual(NOBODY);
    expect(whole.states).toEqual([]);
  });

  it('S3-17 S3-28 leave nothing at ten thousand in an hour, and the heap of one hour is that of the next', async () => {
    const EVERY_MS = 360;
    // The second hour goes as far as a leak needs to be seen: 1 kB for each would be twice what is allowed.
    const [PER_HOUR, MORE] = [10_000, 5_000];
    // Whoever is lost is waited for 60 s; nobody else is here.
    const togetherMax = Math.ceil(60_000 / EVERY_MS) + 1;
    const idle = counters();
    const heaps: number[] = [];
    for (const [hour, count] of [1_000, PER_HOUR, MORE].entries()) {
      for (let i = 0; i < count; i += 1) {
        const { control } = await hello(`h${hour}-${i}`);
        control.peerCancelled();
        whole.clock.advance(EVERY_MS);
        if (i % 500 === 0) expect(whole.gateway.sessions.size).toBeLessThanOrEqual(togetherMax);
      }
      await whole.pass(61_000);
      expect(whole.manager.counts).toEqual(NOBODY);
      expect(whole.states).toEqual([]);
      expect(counters()).toEqual(idle);
      heaps.push(await heapBytes());
    }
    console.log(`${PER_HOUR} clients in an hour: heap ${heaps.map(mib).join(', ')}`);
    // The leak of which the statements tell was 1 kB for each.
    expect((heaps[2] as number) - (heaps[1] as number)).toBeLessThan(2.5 * MIB);
    expect((heaps[2] as number) - (heaps[0] as number)).toBeLessThan(5 * MIB);
  });

  it('S3-18 cost memory while they are here and not when they were: the same for a hundred after ten thousand', async () => {
    const heapWith = async (count: number): Promise<number> => {
      const here = [];
      for (const name of names(count, 'n')) here.push(await hello(name));
      const heap = await heapBytes();
      for (const { control } of here) control.bye('done');
      await whole.pass(1_000);
      expect(whole.manager.counts).toEqual(NOBODY);
      return heap;
    };
    await heapWith(5_000);
    const [few, many, fewAgain] = [await heapWith(100), await heapWith(5_000), await heapWith(100)];
    console.log(`heap with 100 clients ${mib(few)}, with 5,000 ${mib(many)}, with 100 again ${mib(fewAgain)}`);
    expect(many - few).toBeGreaterThan(MIB);
    expect(fewAgain - few).toBeLessThan((many - few) / 10);
  });
});
