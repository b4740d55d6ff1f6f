import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpServer, startHttpServer } from '../../src/ops/http.js';
import { GatewayDouble } from './gateway-double.js';
import { exchange, request } from './wire.js';

const BEARER = { Authorization: 'Bearer t0ken' };
let gateway: GatewayDouble;
let server: HttpServer;
let bound = true;

beforeEach(async () => {
  bound = true;
  gateway = new GatewayDouble();
  server = await startHttpServer({ gateway, host: '127.0.0.1', port: 0, token: 't0ken', ready: () => bound });
});
afterEach(() => server.stop());

const send = (method: string, target: string, headers?: Record<string, string>, body?: string) =>
  exchange(server.port, request(server.port, method, target, headers, body));
const json = async (target: string) => JSON.parse((await send('GET', target)).body);

describe('the probes', () => {
  it('E-a1 /livez is alive whatever happens', async () => {
    gateway.draining = true;
    expect((await send('GET', '/livez')).status).toBe(200);
  });

  it('E-a1 /readyz is 503 while a port is not bound and while draining', async () => {
    expect((await send('GET', '/readyz')).status).toBe(200);
    bound = false;
    expect((await send('GET', '/readyz')).status).toBe(503);
    bound = true;
    gateway.draining = true;
    const draining = await send('GET', '/readyz');
    expect([draining.status, draining.body]).toEqual([503, 'draining\n']);
  });

  it('E-a1 /health says who it is, how it stands and how many there are', async () => {
    expect(await json('/health')).toMatchObject({ status: 'ok', node: 'node-1', clients: 3, orphans: 0, actors: 5 });
  });
});

describe('the lists', () => {
  it('S1-13 E-a1 /system-resources has memory, CPU, workers and sessions', async () => {
    const figures = await json('/system-resources');
    expect(figures).toMatchObject({
      memory: { rss: 1 },
      cpu: { userMs: 1 },
      workers: 1,
      sessions: 3,
      client_streams: 3,
    });
    expect(figures.disk.total).toBeGreaterThan(0);
  });

  it('S1-14 E-a1 POST /cleanup-resources sweeps and says what was removed', async () => {
    const answer = await send('POST', '/cleanup-resources', BEARER);
    expect(JSON.parse(answer.body)).toEqual({ removed: { session: 2 } });
  });

  it('pages by id, so that a list which changes meanwhile neither repeats nor skips', async () => {
    gateway.clientList = ['d', 'a', 'c', 'b', 'e'].map((id) => ({
      id,
      nodeId: id,
      state: 'up',
      implicit: false,
      streams: 1,
    }));
    const first = await json('/api/clients?limit=2');
    gateway.clientList = gateway.clientList.filter(({ id }) => id !== 'b');
    const second = await json(`/api/clients?limit=2&after=${first.next}`);
    const third = await json(`/api/clients?limit=2&after=${second.next}`);
    const ids = [first, second, third].map((page) => page.clients.map(({ id }: { id: string }) => id));
    expect(ids).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(third.next).toBeUndefined();
  });

  it.each(['0', '-1', 'x', '1e3', '10001'])('refuses ?limit=%s by name', async (limit) => {
    const answer = await send('GET', `/api/clients?limit=${limit}`);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error).toMatchObject({ code: 'invalid_argument', message: /^limit: expected/ });
  });

  it('gives the tree whole, or so many children of each', async () => {
    expect((await json('/api/tree')).children[0].children).toHaveLength(2);
    const cut = (await json('/api/tree?children=1')).children[0];
    expect([cut.children.length, cut.more]).toEqual([1, 1]);
  });

  it('finds one actor by its path, encoded or raw', async () => {
    expect((await json('/api/actors/sluice%2Fcameras%2Fcamera%3Afront')).kind).toBe('camera');
    expect((await json('/api/actors/sluice/cameras/camera:front')).kind).toBe('camera');
    expect((await send('GET', '/api/actors/sluice/cameras')).status).toBe(404);
  });

  it('tells why', async () => {
    expect((await json('/api/why/sluice/x')).why).toEqual([{ actor: 'sluice/x', reason: 'killed', atMs: 1 }]);
  });
});

describe('POST /api/drain', () => {
  it('answers at once and passes the deadline on', async () => {
    const answer = await send('POST', '/api/drain', BEARER, '{"deadlineMs":5}');
    expect([answer.status, gateway.acts]).toEqual([202, ['drain 5']]);
  });

  it.each(['{"deadlineMs":"x"}', '{"deadlineMs":-1}', '{'])('refuses the body %s', async (body) => {
    expect((await send('POST', '/api/drain', BEARER, body)).status).toBe(400);
    expect(gateway.draining).toBe(false);
  });
});

describe('a request that is wrong', () => {
  it.each([
    ['/nowhere', 404],
    ['/api/nothing', 404],
    ['/../../etc/passwd', 404],
    ['/cameras/../../../etc/passwd/snapshot.jpg', 404],
    ['/cameras/..%2f..%2fetc%2fpasswd/snapshot.jpg', 404],
    ['/%2e%2e/%2e%2e/etc/passwd', 404],
    ['//evil.example/api/tree', 404],
    ['http://evil.example/api/tree', 404],
    ['/api/actors/%zz', 400],
    ['/api/actors/%00', 404],
    ['/page.html', 404],
  ])('%s is %i', async (target, status) => {
    const answer = await send('GET', target);
    expect(answer.status).toBe(status);
    expect(answer.body).not.toContain('root:');
  });

  it('is 405 with what is allowed', async () => {
    const post = await send('POST', '/api/tree', BEARER);
    expect(post.status).toBe(405);
    expect(post.head).toContain('Allow: GET, HEAD');
    const get = await send('GET', '/api/actors/x/kill');
    expect(get.head).toContain('Allow: POST');
    expect((await send('OPTIONS', '/')).status).toBe(405);
  });

  it('is 414 when its URL is above 8 KiB, and 431 above what Node reads', async () => {
    expect((await send('GET', `/api/tree?x=${'a'.repeat(8 * 1024)}`)).status).toBe(414);
    expect((await send('GET', `/api/tree?x=${'a'.repeat(64 * 1024)}`)).status).toBe(431);
  });

  it('is 413 when its body is above 64 KiB, declared or chunked', async () => {
    const body = 'x'.repeat(64 * 1024 + 1);
    const declared = await send('POST', '/api/drain', BEARER, body);
    expect(declared.status).toBe(413);
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const headers = { ...BEARER, 'Transfer-Encoding': 'chunked' };
    expect((await exchange(server.port, request(server.port, 'POST', '/api/drain', headers) + chunked)).status).toBe(
      413,
    );
    expect((await send('POST', '/api/drain', { ...BEARER, 'Content-Length': '9999999999' })).status).toBe(413);
    expect(gateway.draining).toBe(false);
  });

  it('cannot put a header into an answer', async () => {
    for (const path of ['/api/actors/', '/api/why/', '/cameras/']) {
      const answer = await send('GET', `${path}a%0d%0aSet-Cookie:%20a=b%0d%0a%0d%0a/snapshot.jpg`);
      expect(answer.head).not.toMatch(/set-cookie/i);
    }
  });

  it('and a camera cannot either, nor pass off a document as a picture', async () => {
    const answer = await send('GET', '/cameras/evil/snapshot.jpg');
    expect(answer.status).toBe(200);
    expect(answer.head).not.toMatch(/set-cookie|text\/html/i);
    expect(answer.head).toContain('Content-Type: application/octet-stream');
  });

  it('disturbs nobody when it is no HTTP at all', async () => {
    expect((await exchange(server.port, '\x16\x03\x01\x02\x00garbage\r\n\r\n')).status).toBe(400);
    expect((await send('GET', '/livez')).status).toBe(200);
  });
});

describe('an answer', () => {
  it('is kept by nobody and is no document', async () => {
    const { head } = await send('GET', '/api/tree');
    expect(head).toContain('Cache-Control: no-store');
    expect(head).toContain('X-Content-Type-Options: nosniff');
    expect(head).toContain("default-src 'none'");
  });

  it('to HEAD is the head alone', async () => {
    for (const path of [
      '/',
      '/livez',
      '/api/tree',
      '/api/events',
      '/cameras/front/snapshot.jpg',
      '/cameras/front/live.mjpg',
    ]) {
      const answer = await send('HEAD', path);
      expect([answer.status, answer.body]).toEqual([200, '']);
    }
    const stream = await send('HEAD', '/api/events', { Accept: 'text/event-stream' });
    expect(stream.head).toContain('text/event-stream');
    expect(gateway.viewers).toEqual([]);
  });

  it('is 500 and tells nothing more when something of ours fails', async () => {
    gateway.tree = () => {
      throw new Error('secret detail');
    };
    const answer = await send('GET', '/api/tree');
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('secret');
  });
});

describe('a snapshot', () => {
  it('is the picture', async () => {
    const answer = await send('GET', '/cameras/front/snapshot.jpg');
    expect([answer.status, Buffer.from(answer.body, 'latin1').length]).toEqual([200, 7]);
    expect(answer.head).toContain('Content-Type: image/jpeg');
  });

  it('is 503 with a clear text when no picture comes in time', async () => {
    const answer = await send('GET', '/cameras/dark/snapshot.jpg?timeoutMs=50');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body).error).toEqual({
      code: 'no_picture',
      message: 'camera dark: no picture within 50 ms',
    });
  });

  it('of an unknown camera is 404 and names it', async () => {
    const answer = await send('GET', '/cameras/attic/snapshot.jpg');
    expect([answer.status, answer.body]).toEqual([404, expect.stringContaining('attic')]);
  });
});

describe('a port in use', () => {
  it('is one clear line that names the address', async () => {
    const again = startHttpServer({ gateway, host: '127.0.0.1', port: server.port });
    await expect(again).rejects.toThrow(`http.port: 127.0.0.1:${server.port} is already in use by another process`);
  });
});
