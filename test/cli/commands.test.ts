/** The commands that ask a running gateway once, against one that really runs. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runEvents } from '../../src/cli/events.js';
import { runClients, runStreams } from '../../src/cli/lists.js';
import { runTop } from '../../src/cli/top/top.js';
import { runTree } from '../../src/cli/tree.js';
import { runWhy, type WhyAnswer } from '../../src/cli/why.js';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import type { GatewayEvent, TreeView } from '../../src/gateway/views.js';
import { createGatewayClient } from '../../src/grpc/client.js';
import { certificatePath, server as pair } from '../grpc/certificates.js';
import { outputs } from './captured.js';

const TOKEN = 'a-token-for-tests';
const IN_TIME = { timeout: 15_000 };

let gateway: SluiceGateway;
let url: string;

beforeEach(async () => {
  gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0, token: TOKEN },
    cameras: [{ id: 'demo', source: 'clip:', lingerMs: 0, retry: { delayMs: 1 } }],
    logger: pino({ level: 'silent' }),
  });
  await gateway.start();
  url = gateway.addresses.http as string;
});

afterEach(async () => {
  await gateway.stop({ deadlineMs: 0 });
  expect(gateway.census()).toEqual({});
});

async function killCamera(): Promise<void> {
  const target = `${url}/api/actors/${encodeURIComponent('sluice/cameras/camera:demo')}/kill`;
  const { status } = await fetch(target, { method: 'POST', headers: { Authorization: `Bearer ${TOKEN}` } });
  expect(status).toBe(200);
  await vi.waitFor(() => expect(gateway.why('sluice/cameras/camera:demo')).not.toEqual([]), IN_TIME);
}

describe('the commands that ask a running gateway', () => {
  it('draw its tree, parents before children, and give it as JSON', async () => {
    const drawn = outputs();
    expect(await runTree({ url, ...drawn })).toBe(0);
    expect(drawn.stdout.lines[0]).toBe('sluice (rest_for_one)');
    expect(drawn.stdout.text).toContain('├─ cameras (one_for_one)\n│  └─ camera:demo (alive.idle)\n');
    const json = outputs();
    expect(await runTree({ url, json: true, ...json })).toBe(0);
    expect((JSON.parse(json.stdout.text) as TreeView).id).toBe('sluice');
  });

  it('list a client and what it watches', async () => {
    const client = createGatewayClient(gateway.addresses.grpc as string);
    try {
      const ended = { ended: () => {} };
      await new Promise<void>((resolve) => {
        const stream = client.connect({
          ...ended,
          message: ({ message }) => (message.case === 'welcome' ? resolve() : undefined),
        });
        stream.send({ case: 'hello', value: { nodeId: 'n1' } });
      });
      await new Promise<void>((resolve) => {
        client.watch({ cameraId: 'demo' }, { ...ended, message: () => resolve() }, { nodeId: 'n1' });
      });
      const clients = outputs();
      expect(await runClients({ url, ...clients })).toBe(0);
      expect(clients.stdout.lines[1]).toMatch(/^n1 +alive\.connected.* +2 +client$/);
      const streams = outputs();
      expect(await runStreams({ url, json: true, ...streams })).toBe(0);
      const listed = (JSON.parse(streams.stdout.text) as { readonly streams: readonly unknown[] }).streams;
      expect(listed).toContainEqual(expect.objectContaining({ nodeId: 'n1', cameraId: 'demo' }));
    } finally {
      client.close();
    }
  });

  it('say once what top would show, as text and as JSON with the event that each actor took last', async () => {
    const terminal = { isTTY: false } as NodeJS.WriteStream;
    const stdin = { isTTY: false } as NodeJS.ReadStream;
    const json = outputs();
    expect(await runTop({ url, once: true, json: true, noColour: true, stdin, terminal, ...json })).toBe(0);
    const { figures, actors } = JSON.parse(json.stdout.text) as {
      readonly figures: object;
      readonly actors: readonly object[];
    };
    expect(figures).toMatchObject({ clients: 0, messagesPerSecond: 0, nearLimit: [] });
    const camera = { id: 'sluice/cameras/camera:demo', kind: 'camera', state: 'alive.idle', event: 'xstate.init' };
    expect(actors).toContainEqual(expect.objectContaining(camera));
    const text = outputs();
    expect(await runTop({ url, noColour: true, stdin, terminal, ...text })).toBe(0);
    expect(text.stdout.text).toMatch(/^sluice .*\n(?:.*\n)*. *ID +KIND/);
    expect(text.stdout.text).not.toContain('\u001b');
  });

  it('tell why an actor ended, and that nothing is known of one that lives', async () => {
    await killCamera();
    const told = outputs();
    expect(await runWhy({ id: 'sluice/cameras/camera:demo', url, ...told })).toBe(0);
    expect(told.stdout.text).toMatch(
      /^sluice\/cameras\/camera:demo ended at \S+Z: killed\. Nothing before it led to that\.\n$/,
    );
    const json = outputs();
    await runWhy({ id: 'sluice/cameras/camera:demo', url, json: true, ...json });
    const { why, paragraph } = JSON.parse(json.stdout.text) as WhyAnswer;
    expect([why[0]?.reason, `${paragraph}\n`]).toEqual(['killed', told.stdout.text]);
    const nothing = outputs();
    expect(await runWhy({ id: 'sluice', url, ...nothing })).toBe(1);
    expect(nothing.stdout.text).toContain('Nothing is known');
  });

  it('follow its events from the first to those of the moment, once each', async () => {
    const abort = new AbortController();
    const out = outputs();
    const done = runEvents({ url, follow: true, json: true, signal: abort.signal, ...out });
    const seen = (): readonly GatewayEvent[] => out.stdout.lines.map((line) => JSON.parse(line) as GatewayEvent);
    await vi.waitFor(() => expect(seen().length).toBeGreaterThan(10), IN_TIME);
    await killCamera();
    await vi.waitFor(() => expect(seen().map(({ type }) => type)).toContain('process.restarted'), IN_TIME);
    abort.abort();
    expect(await done).toBe(0);
    expect(seen().map(({ id }) => id)).toEqual(seen().map((_, at) => at + 1));
    expect(out.stderr.text).toBe('');
  });
});

describe('a gateway that does not answer', () => {
  it('is one line and exit 1 where nobody listens', async () => {
    const { port } = new URL(url);
    await gateway.stop({ deadlineMs: 0 });
    const out = outputs();
    expect(await runTree({ url, ...out })).toBe(1);
    expect(out.stderr.lines).toEqual([
      `sluice tree: cannot reach the gateway at http://127.0.0.1:${port}: ECONNREFUSED`,
    ]);
  });

  it.each([
    ['ftp://here', 'url: expected http://HOST:PORT or https://HOST:PORT, got "ftp://here"'],
    ['http://', 'url: expected http://HOST:PORT or https://HOST:PORT, got "http://"'],
  ])('is one line and exit 2 for %s', async (wrong, line) => {
    const out = outputs();
    expect(await runTree({ url: wrong, ...out })).toBe(2);
    expect(out.stderr.text).toBe(`sluice tree: ${line}\n`);
  });
});

describe('a gateway behind TLS that wants a token', () => {
  let secure: Server;
  let at: string;

  beforeEach(async () => {
    // As on an address that others can reach: reading needs the token, too.
    secure = createServer(pair, (req, res) => {
      if (req.headers.authorization === `Bearer ${TOKEN}`) gateway.httpHandler(req, res);
      else res.writeHead(401).end();
    });
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    at = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await new Promise<void>((resolve) => {
      secure.close(() => resolve());
      secure.closeAllConnections();
    });
  });

  it('is asked with the authority given and the token from the flag, the environment or the address', async () => {
    const ca = certificatePath('ca.pem');
    for (const given of [{ url: at, token: TOKEN }, { url: `${at}/#token=${TOKEN}` }]) {
      expect(await runTree({ ...given, ca, ...outputs() })).toBe(0);
    }
    vi.stubEnv('SLUICE_TOKEN', TOKEN);
    expect(await runTree({ url: at, ca, ...outputs() })).toBe(0);
  });

  it('refuses in one line who brings no token, a wrong one, or does not know its authority', async () => {
    const ca = certificatePath('ca.pem');
    const said = async (more: object): Promise<string> => {
      const out = outputs();
      expect(await runTree({ url: at, ...more, ...out })).toBe(1);
      return out.stderr.text;
    };
    expect(await said({ ca })).toBe(`sluice tree: ${at}: a token is needed (401): --token, or SLUICE_TOKEN\n`);
    expect(await said({ ca, token: 'wrong' })).toBe(`sluice tree: ${at}: the token was refused (401)\n`);
    expect(await said({ token: TOKEN })).toMatch(/^sluice tree: cannot reach the gateway at \S+: [A-Z_]+\n$/);
  });
});
