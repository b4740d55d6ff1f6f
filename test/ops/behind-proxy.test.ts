/** The page and the API where something stands before them: a proxy with a path of its own, a cache, a host that knows its users. */
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Grant } from '../../src/ops/access.js';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../src/ops/http.js';
import { PATHS } from '../../src/ops/openapi.js';
import { ROUTES, resourceAt } from '../../src/ops/routes.js';
import { GatewayDouble } from './gateway-double.js';
import { exchange, request } from './wire.js';

const TOKEN = 'a-token-for-tests';
const BEARER = { Authorization: `Bearer ${TOKEN}` };
const KILL = '/api/actors/sluice%2Fcameras%2Fcamera:front/kill';

let gateway: GatewayDouble;
let server: HttpServer;

async function serve(options: Partial<HttpServerOptions> = {}): Promise<void> {
  gateway = new GatewayDouble();
  server = await startHttpServer({ gateway, host: '127.0.0.1', port: 0, token: TOKEN, ...options });
}

afterEach(() => server.stop());

const send = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  exchange(server.port, request(server.port, method, path, headers));

describe('a gateway under a path', () => {
  it('E-a7 is found there, and where no proxy stands before it as well', async () => {
    await serve({ basePath: '/eyes/sluice' });
    for (const path of ['/eyes/sluice/livez', '/livez', '/eyes/sluice/api/tree?children=0', '/eyes/sluice/']) {
      expect((await send(path)).status).toBe(200);
    }
    const bare = await send('/eyes/sluice');
    expect(bare.status).toBe(308);
    expect(bare.head).toContain('Location: /eyes/sluice/\r\n');
    expect((await send('/eyes/sluice/api/drain', {}, 'POST')).status).toBe(401);
  });

  it.each(['/eyes/sluices/livez', '/eyes/livez', '/eyes/sluice//livez', '/eyes/sluice/../livez', '/eyes'])(
    'E-a7 is not found at %s',
    async (path) => {
      await serve({ basePath: '/eyes/sluice' });
      expect((await send(path)).status).toBe(404);
    },
  );
});

describe('a gateway on a loopback address behind a proxy', () => {
  it('E-a7 gives nobody anything to read who was asked for under another name, or forwarded', async () => {
    await serve({ hostNames: ['eyes.example'] });
    expect((await send('/api/tree', { Host: 'eyes.example' })).status).toBe(401);
    expect((await send('/api/tree', { 'X-Forwarded-For': '203.0.113.7' })).status).toBe(401);
    expect((await send('/api/tree', { Forwarded: 'for=203.0.113.7' })).status).toBe(401);
    expect((await send('/api/tree', { Host: 'eyes.example', ...BEARER })).status).toBe(200);
    expect((await send('/api/tree')).status).toBe(200);
    expect((await send('/api/tree', { Host: 'other.example', ...BEARER })).status).toBe(403);
  });
});

describe('a host that knows who asks', () => {
  const known = async ({ headers }: IncomingMessage): Promise<Grant> => {
    if (headers['x-user'] === 'broken') throw new Error('the directory is away');
    return headers['x-user'] === 'boss' ? 'act' : headers['x-user'] === 'guest' ? 'read' : undefined;
  };

  it('E-a7 lets some read and some act, without the token', async () => {
    await serve({ host: '0.0.0.0', authorize: known });
    const statuses = async (user: string) => [
      (await send('/api/tree', { 'X-User': user })).status,
      (await send(KILL, { 'X-User': user }, 'POST')).status,
    ];
    expect(await statuses('guest')).toEqual([200, 401]);
    expect(await statuses('boss')).toEqual([200, 200]);
    expect(await statuses('nobody')).toEqual([401, 401]);
    expect(await statuses('broken')).toEqual([401, 401]);
    expect(gateway.acts).toHaveLength(1);
  });

  it('E-a7 is not asked about pages of other sites', async () => {
    await serve({ authorize: () => 'act' });
    expect((await send(KILL, { Origin: 'http://evil.example' }, 'POST')).status).toBe(403);
    expect(gateway.acts).toEqual([]);
  });
});

describe('what changes only with the version that runs', () => {
  it.each(['/', '/api/charts/camera.svg', '/api/openapi.json'])(
    'E-a7 %s has a tag, and is not sent again to who has it',
    async (path) => {
      await serve();
      const first = await send(path);
      const [, tag = ''] = /ETag: ("[\w-]+")/.exec(first.head) ?? [];
      expect(tag).not.toBe('');
      const again = await send(path, { 'If-None-Match': `"other", ${tag}` });
      expect([again.status, again.body]).toEqual([304, '']);
      expect((await send(path, { 'If-None-Match': '"other"' })).status).toBe(200);
    },
  );

  it('E-a7 is kept by no cache where it tells of this gateway', async () => {
    await serve();
    for (const path of ['/api/tree', '/health', '/metrics', '/api/events']) {
      const { head } = await send(path);
      expect(head).toContain('Cache-Control: no-store');
      expect(head).not.toContain('ETag');
    }
  });

  it('E-a7 is not told to whoever may not read it', async () => {
    await serve({ host: '0.0.0.0' });
    const first = await send('/api/openapi.json', BEARER);
    const [, tag = ''] = /ETag: ("[\w-]+")/.exec(first.head) ?? [];
    expect((await send('/api/openapi.json', { 'If-None-Match': tag })).status).toBe(401);
  });
});

describe('the OpenAPI document', () => {
  it('E-a7 has every route with its methods and what it needs, and no other', async () => {
    await serve();
    const { paths } = JSON.parse((await send('/api/openapi.json')).body) as {
      readonly paths: Record<
        string,
        Record<string, { readonly summary: string; readonly security: readonly object[] }>
      >;
    };
    const samples = Object.keys(PATHS).map((path) => [path, path.replace(/\{\w+\}/g, 'x')] as const);
    for (const [path, sample] of samples) {
      const resource = resourceAt(sample)?.resource;
      const methods = Object.keys(resource ?? {}).map((method) => method.toLowerCase());
      expect([path, Object.keys(paths[path] ?? {}).sort()]).toEqual([path, methods.sort()]);
      if (resource?.POST) expect(paths[path]?.['post']?.security).toEqual([{ token: [] }]);
      if (resource?.GET?.needs === 'read') expect(paths[path]?.['get']?.security).toEqual([{}, { token: [] }]);
    }
    for (const [pattern] of ROUTES) {
      expect([String(pattern), samples.some(([, sample]) => pattern.test(sample))]).toEqual([String(pattern), true]);
    }
  });
});
