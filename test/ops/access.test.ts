import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpServer, startHttpServer } from '../../src/ops/http.js';
import { GatewayDouble } from './gateway-double.js';
import { exchange, request } from './wire.js';

const TOKEN = 'correct-horse-battery';
const BEARER = { Authorization: `Bearer ${TOKEN}` };
const FRONT = '/api/actors/sluice%2Fcameras%2Fcamera:front';

let gateway: GatewayDouble;
let server: HttpServer;

async function serve(options: { host?: string; token?: string | undefined } = { token: TOKEN }): Promise<void> {
  gateway = new GatewayDouble();
  server = await startHttpServer({ gateway, host: '127.0.0.1', port: 0, ...options });
}

const send = (method: string, target: string, headers?: Record<string, string>, body?: string) =>
  exchange(server.port, request(server.port, method, target, headers, body));

beforeEach(() => serve());
afterEach(() => server.stop());

describe('an action', () => {
  it('E-a7 is 401 without the token, and nobody looks whether the actor exists', async () => {
    const known = await send('POST', `${FRONT}/kill`);
    const unknown = await send('POST', '/api/actors/nobody/kill');
    expect([known.status, unknown.status]).toEqual([401, 401]);
    expect(known.body).toBe(unknown.body);
    expect(known.head).toContain('WWW-Authenticate: Bearer');
    expect(gateway.asked).toBe(0);
  });

  it.each([
    ['a wrong token', { Authorization: 'Bearer wrong' }],
    ['a longer one', { Authorization: `Bearer ${TOKEN}x` }],
    ['another scheme', { Authorization: `Basic ${TOKEN}` }],
    ['an empty one', { Authorization: 'Bearer ' }],
  ])('is 401 with %s', async (_, headers) => {
    expect((await send('POST', `${FRONT}/kill`, headers)).status).toBe(401);
    expect(gateway.acts).toEqual([]);
  });

  it('is done with the token, by encoded id and by raw path', async () => {
    const encoded = await send('POST', `${FRONT}/kill`, BEARER);
    const raw = await send('POST', '/api/actors/sluice/cameras/camera:front/restart', BEARER);
    expect([encoded.status, raw.status]).toEqual([200, 200]);
    expect(gateway.acts).toEqual(['kill sluice/cameras/camera:front', 'restart sluice/cameras/camera:front']);
  });

  it('is 404 with the token when there is no such actor', async () => {
    const answer = await send('POST', '/api/actors/nobody/kill', BEARER);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body).error.code).toBe('actor_not_found');
  });

  it.each(['/cleanup-resources', '/api/drain', '/api/login'])('%s needs the token too', async (path) => {
    expect((await send('POST', path)).status).toBe(401);
    expect(gateway.draining).toBe(false);
  });
});

describe('a server without a token', () => {
  beforeEach(async () => {
    await server.stop();
    await serve({ token: undefined });
  });

  it('E-a7 is read-only, and says so', async () => {
    const answer = await send('POST', `${FRONT}/kill`, { Authorization: 'Bearer ' });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body).error.message).toBe('read-only: no token configured');
    expect((await send('GET', '/api/tree')).status).toBe(200);
  });
});

describe('a request meant for somebody else', () => {
  it.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    '',
  ])('is 403 with the Host %j', async (host) => {
    const answer = await send('GET', '/api/tree', { Host: host });
    expect(answer.status).toBe(403);
    expect(answer.body).not.toContain('sluice/');
  });

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '127.9.9.9:80', '[::1]:8080'])(
    'is ours with the Host %j',
    async (host) => {
      expect((await send('GET', '/api/tree', { Host: host })).status).toBe(200);
    },
  );

  it('is 403 before 401 and 404', async () => {
    expect((await send('POST', '/nowhere', { Host: 'evil.example' })).status).toBe(403);
  });
});

describe('a request from a page of another site', () => {
  it.each(['http://evil.example', 'null', 'http://localhost:1', 'https://127.0.0.1'])(
    'is 403 with the Origin %s',
    async (origin) => {
      const answer = await send('POST', `${FRONT}/kill`, { ...BEARER, Origin: origin });
      expect(answer.status).toBe(403);
      expect(gateway.acts).toEqual([]);
    },
  );

  it('is 403 when the browser says cross-site, unless somebody follows a link', async () => {
    const picture = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' };
    expect((await send('GET', '/cameras/front/snapshot.jpg', picture)).status).toBe(403);
    const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
    expect((await send('GET', '/', link)).status).toBe(200);
  });

  it('is none of that when the page is ours', async () => {
    const origin = `http://127.0.0.1:${server.port}`;
    expect((await send('POST', `${FRONT}/kill`, { ...BEARER, Origin: origin })).status).toBe(200);
  });
});

describe('a server on an address that others can reach', () => {
  it('E-a7 does not start without a token', async () => {
    const started = startHttpServer({ gateway, host: '0.0.0.0', port: 0 });
    await expect(started).rejects.toThrow(/^http\.host: 0\.0\.0\.0 .*http\.token is not set/);
  });

  it('gives nobody anything to read without the token', async () => {
    await server.stop();
    await serve({ host: '0.0.0.0', token: TOKEN });
    for (const path of ['/api/tree', '/api/events', '/health', '/system-resources', '/cameras/front/snapshot.jpg']) {
      expect((await send('GET', path)).status).toBe(401);
      expect((await send('GET', path, BEARER)).status).toBe(200);
    }
    expect((await send('GET', '/')).status).toBe(200);
    expect((await send('GET', '/livez')).status).toBe(200);
  });

  it('E-a7 gives a cookie for the token, good for reading and for nothing else', async () => {
    await server.stop();
    await serve({ host: '0.0.0.0', token: TOKEN });
    const login = await send('POST', '/api/login', BEARER);
    expect(login.status).toBe(204);
    const [, cookie = ''] = /Set-Cookie: ([^;]+); Path=\/; HttpOnly; SameSite=Strict/.exec(login.head) ?? [];
    expect(cookie).not.toContain(TOKEN);
    expect((await send('GET', '/api/tree', { Cookie: `other=1; ${cookie}` })).status).toBe(200);
    expect((await send('GET', '/api/tree', { Cookie: `${cookie}x` })).status).toBe(401);
    expect((await send('POST', `${FRONT}/kill`, { Cookie: cookie })).status).toBe(401);
  });
});
