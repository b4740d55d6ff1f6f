/** Actions over HTTP, one by one: what they do, what they answer, and what they refuse in one line. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGateway } from '../../src/create-gateway.js';
import { type HttpServer, startHttpServer } from '../../src/ops/http.js';
import { logEvents } from '../../src/ops/log.js';
import { WholeGateway } from '../gateway/whole-gateway.js';
import { GatewayDouble } from './gateway-double.js';
import { exchange, request } from './wire.js';

const TOKEN = 'a-token-for-tests';
const BEARER = { Authorization: `Bearer ${TOKEN}` };
const FRONT = '/api/actors/sluice%2Fcameras%2Fcamera:front';
const CHANNEL = `/api/channels/${encodeURIComponent('camera-7:50051#3')}/evict`;

let gateway: GatewayDouble;
let server: HttpServer;
let log: { level?: string; warn(): void; error(): void };

beforeEach(async () => {
  gateway = new GatewayDouble();
  log = { level: 'info', warn: () => {}, error: () => {} };
  server = await startHttpServer({ gateway, host: '127.0.0.1', port: 0, token: TOKEN, log });
});
afterEach(() => server.stop());

const send = (path: string, body = '', headers: Record<string, string> = BEARER, method = 'POST') =>
  exchange(server.port, request(server.port, method, path, headers, body));

describe('every action', () => {
  it.each([
    `${FRONT}/stop`,
    `${FRONT}/kill`,
    `${FRONT}/restart`,
    CHANNEL,
    '/api/drain',
    '/api/undrain',
    '/api/gc',
    '/api/log-level',
    '/api/heap-snapshot',
    '/cleanup-resources',
  ])('E-a5 %s is refused without the token, with a wrong one, and to a page of another site', async (path) => {
    const body = '{"level":"debug"}';
    expect((await send(path, body, {})).status).toBe(401);
    expect((await send(path, body, { Authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await send(path, body, { ...BEARER, Origin: 'http://evil.example' })).status).toBe(403);
    const get = await send(path, '', BEARER, 'GET');
    expect(get.status).toBe(path === '/api/log-level' ? 200 : 405);
    expect(gateway.acts).toEqual([]);
    expect(log.level).toBe('info');
  });
});

describe('an actor that is asked to go', () => {
  it('E-a5 goes for the reason that was given', async () => {
    const answer = await send(`${FRONT}/kill`, '{"reason":"it hangs since noon"}');
    expect(answer.status).toBe(200);
    expect(gateway.acts).toEqual(['kill sluice/cameras/camera:front because it hangs since noon']);
  });

  it.each(['{"reason":7}', '{"reason":""}', `{"reason":"${'x'.repeat(201)}"}`, '["reason"]', '{'])(
    'E-a5 does not for the body %s',
    async (body) => {
      const answer = await send(`${FRONT}/kill`, body);
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body).error.message).toMatch(/^(reason|body): expected [^\n]+$/);
      expect(gateway.acts).toEqual([]);
    },
  );
});

describe('a connection to somebody', () => {
  it('E-a5 is evicted by its id; one that is not there is 404', async () => {
    expect((await send(CHANNEL)).status).toBe(200);
    expect(gateway.acts).toEqual(['evict camera-7:50051#3']);
    const none = await send('/api/channels/nobody/evict');
    expect([none.status, JSON.parse(none.body).error.code]).toEqual([404, 'not_found']);
  });
});

describe('the process', () => {
  it('E-a5 collects its garbage when it is asked to', async () => {
    const answer = await send('/api/gc');
    expect(answer.status).toBe(200);
    const { ms, heapUsed } = JSON.parse(answer.body);
    expect(ms).toBeGreaterThanOrEqual(0);
    expect(heapUsed.after).toBeLessThan(heapUsed.before + 1_000_000);
  });
});

describe('the level of the log', () => {
  it('E-a5 is told and set', async () => {
    expect(JSON.parse((await send('/api/log-level', '', {}, 'GET')).body)).toEqual({ level: 'info' });
    expect((await send('/api/log-level', '{"level":"debug"}')).status).toBe(200);
    expect(log.level).toBe('debug');
  });

  it.each(['{"level":"loud"}', '{"level":3}', '{}', ''])('E-a5 is not set to %s', async (body) => {
    const answer = await send('/api/log-level', body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error.message).toMatch(/^level: expected trace, debug, info/);
    expect(log.level).toBe('info');
  });

  it('E-a5 is 404 where there is no log', async () => {
    delete log.level;
    expect((await send('/api/log-level', '{"level":"debug"}')).status).toBe(404);
  });

  it('E-a5 holds for actors that were spoken of before', () => {
    const lines: string[] = [];
    const sink = new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) });
    const logger = pino({ level: 'warn' }, sink);
    const listeners: ((event: never) => void)[] = [];
    const undo = logEvents(logger, {
      onEvent: (listener) => {
        listeners.push(listener as never);
        return () => {};
      },
    });
    const tell = (type: string) =>
      listeners[0]?.({ id: 1, atMs: 1, type, actor: 'sluice/cameras/camera:a', kind: 'camera' } as never);
    tell('camera.retrying');
    tell('camera.closed');
    logger.level = 'info';
    tell('camera.closed');
    undo();
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['camera.retrying', 'camera.closed']);
  });
});

describe('a gateway that drains', () => {
  it('E-a5 takes newcomers again when it is told to, and the drain is over at once', async () => {
    const whole = await WholeGateway.start();
    const { live } = whole;
    await whole.hello('robot');
    const drained = live.drain(60_000);
    await expect(whole.hello('late')).rejects.toMatchObject({ code: 'draining' });
    await whole.settle();
    live.undrain();
    await whole.pass(100);
    await drained;
    expect(live.draining).toBe(false);
    await whole.hello('again');
    expect(live.events().map(({ type }) => type)).toContain('gateway.undrained');
    await whole.stop();
  });

  it('E-a5 does not when it is being stopped for good', async () => {
    const whole = await WholeGateway.start();
    const drained = whole.live.drain(1_000, true);
    expect(() => whole.live.undrain()).toThrow(/^draining: this gateway is being stopped$/);
    await whole.pass(1_100);
    await drained;
    expect(whole.live.draining).toBe(true);
    await whole.stop();
  });

  it('E-a5 is not ready while it drains, and ready again', async () => {
    const real = createGateway({
      grpc: { port: 0 },
      http: { port: 0, token: TOKEN },
      logger: pino({ level: 'silent' }),
    });
    await real.start();
    const at = real.addresses.http;
    const post = (path: string) => fetch(`${at}${path}`, { method: 'POST', headers: BEARER });
    const ready = async () => (await fetch(`${at}/readyz`)).status;
    expect((await post('/api/drain')).status).toBe(202);
    expect(await ready()).toBe(503);
    expect((await post('/api/undrain')).status).toBe(200);
    expect(await ready()).toBe(200);
    await real.stop({ deadlineMs: 0 });
    expect(real.census()).toEqual({});
  });
});
