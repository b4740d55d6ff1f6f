/** `createGateway({ inspect: true })`: who may look, what they see, and that nothing of it stays. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AnyActorRef, setup } from 'xstate';
import { createGatewayClient, type GatewayClient } from '../../src/grpc/client.js';
import { createGateway, type SluiceGateway } from '../../src/index.js';
import { ActorObserver } from '../../src/ops/inspector/observer.js';
import { startStatelyInspector } from '../../src/ops/inspector/stately-server.js';
import { assertNoLeaks, startApplication, whichChildren } from '../../src/otp/index.js';
import { SeenActors } from './seen-actors.js';

const PASSWORD = 'planted-camera-password';
const TOKEN = 'planted-http-token';
const IN_TIME = { timeout: 15_000 };

let gateway: SluiceGateway;
let client: GatewayClient;
let resumeToken = '';

const address = (): URL => new URL(gateway.addresses.inspector as string);

/** Says hello and resolves when it is welcome. */
function hello(nodeId: string): Promise<{ cancel(): void }> {
  return new Promise((resolve) => {
    const stream = client.connect({
      message: ({ message }) => {
        if (message.case !== 'welcome') return;
        resumeToken = message.value.resumeToken;
        resolve(stream);
      },
      ended: () => {},
    });
    stream.send({ case: 'hello', value: { nodeId } });
  });
}

describe('the Stately inspector of a gateway', () => {
  beforeEach(async () => {
    gateway = createGateway({
      grpc: { port: 0 },
      http: { port: 0, token: TOKEN },
      cameras: [{ id: 'front', source: `http://admin:${PASSWORD}@127.0.0.1:1/live?key=${PASSWORD}`, onDemand: false }],
      logger: pino({ level: 'silent' }),
      inspect: true,
    });
    await gateway.start();
    client = createGatewayClient(gateway.addresses.grpc as string);
  });

  afterEach(async () => {
    client.close();
    await gateway.stop({ deadlineMs: 0 });
    expect(gateway.census()).toEqual({});
  });

  it('shows who comes late the whole tree, and then a client that comes and is lost', async () => {
    const seen = new SeenActors(address().port);
    await vi.waitFor(() => expect([...seen.living.keys()]).toContain('sluice/cameras/camera:front'), IN_TIME);
    expect([...seen.living.keys()]).toEqual(
      expect.arrayContaining(['sluice', 'sluice/core', 'sluice/core/clients', 'sluice/listeners/inspector']),
    );
    const session = 'sluice/sessions/session:n1';
    const stream = await hello('n1');
    await vi.waitFor(
      () => expect(seen.living.get(`${session}/keeper`)?.value).toEqual({ alive: 'connected' }),
      IN_TIME,
    );
    expect(seen.living.get(`${session}/client`)?.definition).toContain('"id":"client"');
    stream.cancel();
    await vi.waitFor(() => expect(seen.living.get(`${session}/keeper`)?.value).toEqual({ alive: 'grace' }), IN_TIME);
    expect(seen.living.has(`${session}/client`)).toBe(false);
  });

  it('tells no secret: not the token of a session, of the page, nor the password of a camera', async () => {
    const seen = new SeenActors(address().port);
    await vi.waitFor(() => expect(seen.living.size).toBeGreaterThan(10), IN_TIME);
    await hello('n2');
    await vi.waitFor(() => expect(seen.living.has('sluice/sessions/session:n2/connect:1')).toBe(true), IN_TIME);
    expect(resumeToken.length).toBeGreaterThan(10);
    for (const secret of [resumeToken, TOKEN, PASSWORD]) expect(seen.text).not.toContain(secret);
  });

  it('refuses pages of others and names that only resolve to this machine, also on its WebSocket', async () => {
    expect(await status({})).toBe(200);
    expect(await status(UPGRADE)).toBe(101);
    for (const headers of [{}, UPGRADE]) {
      expect(await status({ ...headers, Origin: 'https://elsewhere.example' })).toBe(403);
      expect(await status({ ...headers, Host: 'rebound.example' })).toBe(403);
      expect(await status(headers, '/other')).toBe(404);
    }
  });

  it('has room for four, so that a fifth is told to come later', async () => {
    const viewers = Array.from({ length: 4 }, () => new SeenActors(address().port));
    await vi.waitFor(() => expect(Math.min(...viewers.map(({ living }) => living.size))).toBeGreaterThan(10), IN_TIME);
    expect(await status(UPGRADE)).toBe(503);
  });

  it('cannot be reached from another machine', async () => {
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4');
    if (!outside) return;
    const reached = await new Promise((resolve) => {
      const socket = connect(Number(address().port), outside.address);
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    expect(reached).toBe(false);
  });

  it('says whose port is taken when it is', async () => {
    const port = Number(address().port);
    const second = createGateway({
      grpc: { port: 0 },
      http: { port: 0 },
      inspect: { port },
      logger: pino({ level: 'silent' }),
    });
    const reason: unknown = await second.start().catch((error: unknown) => error);
    expect(JSON.stringify(reason, messages)).toContain(`inspect.port: 127.0.0.1:${port} is already in use`);
    await second.stop();
    expect(second.census()).toEqual({});
  });
});

it('hides what is secret in contexts and events, and tells of large ones how large they are', async () => {
  const chart = setup({ types: { context: {} as object } }).createMachine({
    id: 'guarded',
    context: { resumeToken: 'planted-in-context', clients: new Map([['n1', 'planted-in-map']]), failures: 2 },
    on: { go: {} },
  });
  const observer = new ActorObserver();
  const inspector = await startStatelyInspector(observer);
  const children = [{ id: 'a', start: { logic: chart } }];
  const app = await startApplication('top', { children }, { inspect: observer.inspect });
  const seen = new SeenActors(inspector.port);
  await vi.waitFor(() => expect(seen.living.has('top/a')).toBe(true), IN_TIME);
  const [{ child: a } = {}] = await whichChildren(app.root);
  (a as AnyActorRef).send({ type: 'go', password: 'planted-in-event' });
  await vi.waitFor(() => expect(seen.text).toContain('"password":"[hidden]"'), IN_TIME);
  expect(seen.text).toContain('{"resumeToken":"[hidden]","clients":"[Map of 1]","failures":2}');
  expect(seen.text).not.toContain('planted');
  await app.stop();
  await inspector.stop();
  assertNoLeaks(app.system);
});

const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** The status of one request to the inspector's port. */
function status(headers: Record<string, string>, path = '/'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, address()), { headers }, (res) => {
      resolve(res.statusCode);
      res.resume();
    });
    asked.once('upgrade', (res, socket) => {
      resolve(res.statusCode);
      socket.destroy();
    });
    asked.once('error', reject).end();
  });
}

/** Errors in full: the reason of a failed start is nested in what it failed. */
function messages(_key: string, value: unknown): unknown {
  return value instanceof Error ? { ...value, message: value.message } : value;
}
