/** Secrets that are planted wherever a gateway is told one, and looked for wherever it says anything. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/index.js';
import { Wire } from './virtual-gateway.js';
import { HELLO } from './whole-gateway.js';

const HTTP_TOKEN = 'planted-http-token';
const WEBHOOK_SECRET = 'planted-webhook-secret';
const CAMERA_PASSWORD = 'planted-camera-password';
const URL_KEY = 'planted-url-key';
const HOOK_PASSWORD = 'planted-hook-password';

let camera: Server;
let gateway: SluiceGateway;
const said: string[] = [];
const events: string[] = [];

beforeEach(async () => {
  said.length = 0;
  events.length = 0;
  // A camera that refuses: what goes wrong is told, and is where a URL would be told with it.
  camera = createServer((_req, res) => res.writeHead(401).end());
  await new Promise<void>((resolve) => camera.listen(0, '127.0.0.1', resolve));
  const at = `127.0.0.1:${(camera.address() as AddressInfo).port}`;
  const once = { attempts: 1, delayMs: 1, slowMs: 10 };
  gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0, token: HTTP_TOKEN },
    app: { attempts: 1, webhookTimeoutMs: 1_000 },
    cameras: [
      {
        id: 'refusing',
        source: `http://admin:${CAMERA_PASSWORD}@${at}/live?key=${URL_KEY}`,
        retry: once,
        onDemand: false,
      },
      {
        id: 'absent',
        source: `http://admin:${CAMERA_PASSWORD}@127.0.0.1:1/live?key=${URL_KEY}`,
        retry: once,
        onDemand: false,
      },
    ],
    logger: pino({ level: 'trace' }, { write: (line: string) => void said.push(line) }),
  });
  gateway.on('*', (event) => events.push(JSON.stringify(event)));
  await gateway.start();
});

afterEach(async () => {
  await gateway.stop({ deadlineMs: 0 });
  camera.closeAllConnections();
  await new Promise((resolve) => camera.close(resolve));
  expect(gateway.census()).toEqual({});
});

const LISTS = [
  'tree',
  'actors',
  'clients',
  'sessions',
  'streams',
  'cameras',
  'services',
  'calls',
  'topics',
  'channels',
  'events',
  'events?distinct=1',
  'leaks',
  'cluster',
  'tree?rows=0',
  'actors?sort=memory',
  'log-level',
  'openapi.json',
];
const PAGES = ['/', '/health', '/readyz', '/system-resources', '/metrics', ...LISTS.map((list) => `/api/${list}`)];

/** What was recorded of an actor, in all its forms. */
const FLIGHTS = ['', '?form=steps', '?form=sequence', '?form=chart', '?form=mermaid'];

/** Every page as a reader gets it, with its head; and each actor with why it last ended. */
async function pages(): Promise<readonly string[]> {
  const base = `http://${gateway.addresses.http?.replace(/^https?:\/\//, '')}`;
  const { actors } = (await (await fetch(`${base}/api/actors`)).json()) as { actors: { id: string }[] };
  const ofActors = actors.flatMap(({ id }) => [
    `/api/actors/${encodeURIComponent(id)}`,
    `/api/why/${encodeURIComponent(id)}`,
    ...FLIGHTS.map((form) => `/api/actors/${encodeURIComponent(id)}/flight${form}`),
  ]);
  const read = async (path: string): Promise<string> => {
    const answer = await fetch(base + path, { headers: { authorization: `Bearer ${HTTP_TOKEN}` } });
    expect(PAGES.includes(path) ? [path, answer.status] : 'an actor').toEqual(
      PAGES.includes(path) ? [path, 200] : 'an actor',
    );
    return JSON.stringify([...answer.headers]) + (await answer.text());
  };
  return Promise.all([...PAGES, ...ofActors, '/api/nothing', '/cameras/absent/snapshot.jpg?timeoutMs=50'].map(read));
}

describe('a secret that a gateway was told', () => {
  it('D-25 is in no log line, no event and no page, though everything that carries one fails', async () => {
    const wire = new Wire();
    const control = await gateway.sessions.connect({ ...HELLO, nodeId: 'user' }, wire);
    const { resumeToken } = wire.welcome;
    const url = `http://hook:${HOOK_PASSWORD}@127.0.0.1:1/hook?key=${URL_KEY}`;
    const target = { url, secret: WEBHOOK_SECRET };
    await gateway.sessions.get('user')?.apps.start({ packageName: 'captions', start: target, stop: target });
    const wrongUrl = { url: `http://hook:${HOOK_PASSWORD}@:0:0/?key=${URL_KEY}`, secret: WEBHOOK_SECRET };
    await gateway.sessions.get('user')?.apps.start({ packageName: 'wrong', start: wrongUrl, stop: wrongUrl });
    // Refused: an old token, a token that opens nothing, and one that is not the configured one.
    const stolen = 'planted-resume-token';
    await expect(
      gateway.sessions.connect({ ...HELLO, nodeId: 'user', resumeToken: stolen }, new Wire()),
    ).rejects.toThrow(expect.not.stringContaining(stolen));
    const wrong = 'planted-wrong-token';
    const base = `http://${gateway.addresses.http?.replace(/^https?:\/\//, '')}`;
    const refused = await fetch(`${base}/api/drain`, { method: 'POST', headers: { authorization: `Bearer ${wrong}` } });
    expect(refused.status).toBe(401);
    const failed = (name: string): boolean =>
      events.some((event) => event.includes('app.startFailed') && event.includes(`"${name}"`));
    await expect.poll(() => failed('captions') && failed('wrong')).toBe(true);
    const lastErrors = async (): Promise<readonly unknown[]> => {
      const { cameras } = (await (await fetch(`${base}/api/cameras`)).json()) as { cameras: { lastError?: string }[] };
      return cameras.filter(({ lastError }) => lastError !== undefined);
    };
    await expect.poll(async () => (await lastErrors()).length).toBe(2);
    const shown = [...(await pages()), await refused.text()];
    control.bye('done');
    await expect.poll(() => events.some((event) => event.includes('app.stopped'))).toBe(true);
    await gateway.stop({ deadlineMs: 0 });
    const everywhere = [...said, ...events, ...shown].join('\n');
    // What was looked at is not nothing.
    for (const there of ['refusing', 'absent', 'captions', '"user"', '127.0.0.1:1'])
      expect(everywhere).toContain(there);
    const basic = Buffer.from(`admin:${CAMERA_PASSWORD}`).toString('base64');
    const secrets = {
      basic,
      HTTP_TOKEN,
      WEBHOOK_SECRET,
      CAMERA_PASSWORD,
      URL_KEY,
      HOOK_PASSWORD,
      resumeToken,
      stolen,
      wrong,
    };
    const found = Object.entries(secrets).filter(([, secret]) => everywhere.includes(secret));
    expect(found.map(([name]) => name)).toEqual([]);
  });
});
