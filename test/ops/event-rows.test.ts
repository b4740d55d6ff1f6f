/** Events as people and tools ask for them. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import { Repeats } from '../../src/gateway/repeats.js';
import { exchange, opened, readUntil, request } from './wire.js';

const BEARER = { Authorization: 'Bearer a-token-for-tests' };
const DEMO = 'sluice/cameras/camera:demo';
const KILL = '/api/actors/sluice%2Fcameras%2Fcamera%3Ademo/kill';

let gateway: SluiceGateway;
let port: number;

beforeEach(async () => {
  gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0, token: 'a-token-for-tests' },
    cameras: [{ id: 'demo', source: 'clip:' }],
    logger: pino({ level: 'silent' }),
  });
  await gateway.start();
  port = Number(/\d+$/.exec(gateway.addresses.http ?? '')?.[0]);
});

afterEach(async () => {
  await gateway.stop({ deadlineMs: 0 });
  expect(gateway.census()).toEqual({});
});

type Row = Readonly<Record<string, unknown>>;

const rows = async (query: string): Promise<readonly Row[]> =>
  JSON.parse((await exchange(port, request(port, 'GET', `/api/events${query}`))).body).events;

async function killed(): Promise<void> {
  const again = new Promise<void>((resolve) => {
    const undo = gateway.on('process.restarted', () => {
      undo();
      resolve();
    });
  });
  expect((await exchange(port, request(port, 'POST', KILL, BEARER))).status).toBe(200);
  await again;
}

describe('the events of a gateway', () => {
  it('E-a4 carry a line, their object, how often, and when first and last', async () => {
    await killed();
    await killed();
    const downs = await rows('?type=process.down');
    expect(downs).toHaveLength(2);
    const [first, second] = downs as [Row, Row];
    expect(first).toMatchObject({ actor: DEMO, reason: 'killed', severity: 'Warning', count: 1 });
    expect(second).toMatchObject({
      type: 'process.down',
      message: `process.down of ${DEMO}: killed (2 times)`,
      object: { kind: 'camera', id: DEMO },
      count: 2,
      firstAt: first['lastAt'],
    });
    expect(Date.parse(second['lastAt'] as string)).toBeGreaterThanOrEqual(Date.parse(first['lastAt'] as string));
  });

  it('E-a4 are listed once where they repeat, when that is asked', async () => {
    await killed();
    await killed();
    const downs = await rows('?type=process.down&distinct=1');
    expect(downs.map(({ count }) => count)).toEqual([2]);
  });

  it('E-a4 are found by type, by reason, by actor and what is below it, and since an id', async () => {
    await killed();
    const types = (found: readonly Row[]) => new Set(found.map(({ type }) => type));
    expect(types(await rows('?type=process.restarted,actor.asked'))).toEqual(
      new Set(['process.restarted', 'actor.asked']),
    );
    expect([...types(await rows('?type=process.*'))].every((type) => String(type).startsWith('process.'))).toBe(true);
    expect(types(await rows('?reason=killed'))).toEqual(
      new Set(['process.down', 'child.backingOff', 'process.restarted']),
    );
    expect(new Set((await rows(`?actor=${DEMO}`)).map(({ actor }) => actor))).toEqual(new Set([DEMO]));
    expect((await rows('?actor=sluice/core')).length).toBeGreaterThan(3);
    expect(await rows('?actor=sluice/co')).toEqual([]);
    const last = (await rows('')).at(-1) as Row;
    expect(await rows(`?since=${last['id']}`)).toEqual([]);
  });

  it('E-a4 come to a listener as asked for, and only those', async () => {
    const socket = await opened(
      port,
      request(port, 'GET', '/api/events?type=process.restarted', { Accept: 'text/event-stream' }),
    );
    const heard = readUntil(socket, (text) => text.includes('"type":"process.restarted"'));
    await killed();
    const text = await heard;
    expect(text).not.toContain('"type":"process.down"');
    expect(text).toContain('"message":"process.restarted of sluice/cameras/camera:demo: killed"');
    socket.destroy();
  });
});

describe('the count of what repeats', () => {
  const down = (actor: string) => ({ type: 'process.down', actor, reason: 'Error: x' });

  it('begins anew after ten quiet minutes', () => {
    const repeats = new Repeats();
    expect(repeats.seen(down('a'), 0)).toEqual({});
    expect(repeats.seen(down('a'), 600_000)).toEqual({ count: 2, firstAtMs: 0 });
    expect(repeats.seen(down('a'), 1_200_001)).toEqual({});
  });

  it('is kept of two thousand things, those that happened last', () => {
    const repeats = new Repeats();
    for (let at = 0; at <= 2_000; at += 1) repeats.seen(down(`a${at}`), at);
    expect(repeats.size).toBe(2_000);
    expect(repeats.seen(down('a0'), 3_000)).toEqual({});
    expect(repeats.seen(down('a2000'), 3_000)).toEqual({ count: 2, firstAtMs: 2_000 });
  });
});
