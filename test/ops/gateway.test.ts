/** The HTTP side with the gateway behind it that is really sold. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import { closed, exchange, opened, readUntil, request } from './wire.js';

const TOKEN = 'a-token-for-tests';
const BEARER = { Authorization: `Bearer ${TOKEN}` };
const DEMO = '/api/actors/sluice%2Fcameras%2Fcamera%3Ademo';

let gateway: SluiceGateway;
let port: number;

beforeEach(async () => {
  gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0, token: TOKEN },
    cameras: [{ id: 'demo', source: 'clip:', lingerMs: 0, retry: { delayMs: 1 } }],
    logger: pino({ level: 'silent' }),
  });
  await gateway.start();
  port = Number(/\d+$/.exec(gateway.addresses.http ?? '')?.[0]);
});

afterEach(async () => {
  await gateway.stop({ deadlineMs: 0 });
  expect(gateway.census()).toEqual({});
});

const send = (method: string, target: string, headers?: Record<string, string>) =>
  exchange(port, request(port, method, target, headers));
const json = async (target: string) => JSON.parse((await send('GET', target)).body);
const isJpeg = (latin1: string): boolean => latin1.startsWith('\xff\xd8') && latin1.endsWith('\xff\xd9');

describe('a running gateway over HTTP', () => {
  it('is ready, and shows its tree and its actors', async () => {
    expect((await send('GET', '/readyz')).status).toBe(200);
    const tree = await json('/api/tree');
    expect(tree).toMatchObject({ id: 'sluice', strategy: 'rest_for_one' });
    const { actors } = await json('/api/actors');
    expect(actors.map(({ id }: { id: string }) => id)).toContain('sluice/cameras/camera:demo');
    expect(await json(DEMO)).toMatchObject({ kind: 'camera' });
    expect(await json('/health')).toMatchObject({ status: 'ok', cameras: 1, orphans: 0 });
  });

  it('gives a snapshot of a camera that nobody watches', async () => {
    const answer = await send('GET', '/cameras/demo/snapshot.jpg');
    expect([answer.status, isJpeg(answer.body)]).toEqual([200, true]);
  });

  it('gives whole pictures in order, and forgets the viewer that has gone', async () => {
    const socket = await opened(port, request(port, 'GET', '/cameras/demo/live.mjpg'));
    const text = await readUntil(socket, (read) => read.split('--sluice-frame\r\n').length > 4);
    const parts = text.split('--sluice-frame\r\n').slice(1, 4);
    const seqs = parts.map((part) => Number(/X-Seq: (\d+)/.exec(part)?.[1]));
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    for (const part of parts) expect(isJpeg(part.slice(part.indexOf('\r\n\r\n') + 4, -2))).toBe(true);
    expect((await json('/api/cameras')).cameras[0]).toMatchObject({ state: 'live', viewers: 1 });
    socket.resetAndDestroy();
    await expect.poll(() => gateway.resources().viewers).toBe(0);
    const { events } = await json('/api/events');
    const down = events.find(
      ({ type, actor }: Record<string, string>) => type === 'process.down' && actor?.includes('view'),
    );
    expect(down?.reason).toBe('shutdown: cancelled');
  });

  it('kills a camera with the token, tells the listeners, tells why, and has it back', async () => {
    const socket = await opened(port, request(port, 'GET', '/api/events', { Accept: 'text/event-stream' }));
    const heard = readUntil(socket, (text) => text.includes('process.restarted'));
    expect((await send('POST', `${DEMO}/kill`)).status).toBe(401);
    expect((await send('POST', `${DEMO}/kill`, BEARER)).status).toBe(200);
    expect(await heard).toMatch(/"type":"process.down","actor":"sluice\/cameras\/camera:demo".*"reason":"killed"/);
    socket.destroy();
    const { why } = await json('/api/why/sluice/cameras/camera:demo');
    expect(why[0]).toMatchObject({ actor: 'sluice/cameras/camera:demo', reason: 'killed' });
    expect((await json(DEMO)).restarts).toBe(1);
    expect((await send('POST', '/api/actors/sluice%2Fcameras%2Fcamera%3Aattic/kill', BEARER)).status).toBe(404);
  });

  it('drains on request: no longer ready, new views refused, open ones ended', async () => {
    const socket = await opened(port, request(port, 'GET', '/cameras/demo/live.mjpg'));
    await readUntil(socket, (text) => text.includes('X-Seq'));
    const gone = closed(socket);
    expect((await send('POST', '/api/drain', BEARER)).status).toBe(202);
    const ready = await send('GET', '/readyz');
    expect([ready.status, ready.body]).toEqual([503, 'draining\n']);
    expect((await send('GET', '/cameras/demo/live.mjpg')).status).toBe(503);
    await gone;
  });
});
