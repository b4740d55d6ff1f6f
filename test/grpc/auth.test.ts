/** Who is let in, who is not, and what the log says of them. */
import { once } from 'node:events';
import { status as Code, Metadata, type StatusObject } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { AuthOptions } from '../../src/grpc/auth.js';
import type { GatewayClient, GatewayClientOptions } from '../../src/grpc/client.js';
import { createGatewayClient } from '../../src/grpc/client.js';
import { ca, edge, expired, server as serverPair, stranger } from './certificates.js';
import { controlInbox, frameInbox, type Harness, Inbox, serve } from './harness.js';
import { healthCheck, rawClient, reflectionMethod, statusOf, unary } from './raw-calls.js';
import { frame, RecordedGateway } from './recorded-gateway.js';

const ALL = 'planted-token-for-all';
const FRONT = 'planted-token-for-front';
const EDGE = 'planted-token-for-edge-1';

const auth: AuthOptions = {
  tokens: [
    { token: ALL, may: ['*'] },
    { token: FRONT, may: ['watch:front', 'publish:front', 'call:echo.*'] },
    { token: EDGE, may: ['connect:edge-1'] },
  ],
  certificates: [],
};

const TLS = { cert: serverPair.cert, key: serverPair.key, ca, requireClientCert: true };

async function serveGuarded(
  overrides: Parameters<typeof serve>[1] = {},
): Promise<Harness & { gateway: RecordedGateway }> {
  const gateway = new RecordedGateway();
  gateway.cameraList = [...gateway.cameraList];
  return { ...(await serve(gateway.asGateway(), { auth, ...overrides })), gateway };
}

type Attempt = (client: GatewayClient) => Promise<StatusObject>;

const watch =
  (cameraId: string): Attempt =>
  (client) => {
    const inbox = frameInbox();
    client.watch({ cameraId }, inbox.listener);
    return inbox.ended;
  };
const connect =
  (nodeId: string): Attempt =>
  (client) => {
    const inbox = controlInbox();
    client.connect(inbox.listener).send({ case: 'hello', value: { nodeId } });
    return inbox.ended;
  };
const publish =
  (cameraId: string): Attempt =>
  (client) => {
    const inbox = new Inbox<unknown>();
    client.publish(inbox.listener).send({ cameraId, picture: Buffer.from('x') });
    return inbox.ended;
  };
const produce =
  (cameraId?: string): Attempt =>
  (client) => {
    const inbox = frameInbox();
    client.produceCameraStream(cameraId, inbox.listener);
    return inbox.ended;
  };
const ask =
  (procedure: string): Attempt =>
  (client) =>
    client.call({ procedure }).then(
      () => ({ code: Code.OK, details: '', metadata: new Metadata() }),
      (error: StatusObject) => error,
    );

describe('a call without a token', () => {
  it.each([
    ['Watch', watch('front')],
    ['Connect', connect('edge-1')],
    ['Publish', publish('front')],
    ['ProduceCameraStream', produce()],
    ['Call', ask('echo.say')],
  ] as const)('is UNAUTHENTICATED, and the gateway hears nothing of it: %s', async (_, attempt) => {
    const { client, gateway } = await serveGuarded();
    expect(await attempt(client())).toMatchObject({
      code: Code.UNAUTHENTICATED,
      details: expect.stringMatching(/^unauthenticated: a bearer token is needed/),
    });
    expect(gateway.told).toEqual([]);
  });

  it('may ask for health, and not for the reflection', async () => {
    const { server } = await serveGuarded();
    const raw = rawClient(server.address);
    await unary(raw, healthCheck.path, healthCheck.requestSerialize({ service: '' }));
    const call = raw.makeBidiStreamRequest(reflectionMethod.path, reflectionMethod.requestSerialize, (bytes) => bytes);
    call.write({ listServices: '*' });
    expect((await statusOf(call.resume())).code).toBe(Code.UNAUTHENTICATED);
  });
});

describe('a call with a token', () => {
  it.each([
    ['a wrong one', 'planted-wrong-token'],
    ['one that only begins like it', ALL.slice(0, -1)],
    ['one that is longer', `${ALL}x`],
    ['two of them', `${ALL} ${ALL}`],
  ])('is UNAUTHENTICATED: %s', async (_, token) => {
    const { client } = await serveGuarded();
    const status = await watch('front')(client({ token }));
    expect(status).toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(status.details).toBe('unauthenticated: the bearer token is not one of this gateway');
  });

  it.each([
    ['Watch of another camera', FRONT, watch('back')],
    ['Watch of a camera without a name', FRONT, watch('')],
    ['ProduceCameraStream of another camera', FRONT, produce('back')],
    ['Publish as another camera', FRONT, publish('back')],
    ['Call of another procedure', FRONT, ask('admin.stop')],
    ['Connect, of which it says nothing', FRONT, connect('edge-1')],
    ['Connect as another node', EDGE, connect('edge-2')],
    ['Watch, of which it says nothing', EDGE, watch('front')],
  ] as const)(
    'that is for something else is PERMISSION_DENIED, and the gateway hears nothing of it: %s',
    async (_, token, attempt) => {
      const { client, gateway } = await serveGuarded();
      expect(await attempt(client({ token }))).toMatchObject({
        code: Code.PERMISSION_DENIED,
        details: expect.stringMatching(/^permission_denied: this token may not /),
      });
      expect(gateway.told).toEqual([]);
    },
  );

  it('that may is let in, and its frames come', async () => {
    const { client, gateway } = await serveGuarded();
    for (const token of [ALL, FRONT]) {
      const inbox = frameInbox();
      client({ token }).watch({ cameraId: 'front' }, inbox.listener);
      await inbox.opened;
      gateway.frames?.write(frame(1), () => {});
      expect((await inbox.next()).seq).toBe(1);
    }
    const produced = frameInbox();
    client({ token: FRONT }).produceCameraStream(undefined, produced.listener);
    await produced.opened;
    const control = controlInbox();
    client({ token: EDGE })
      .connect(control.listener)
      .send({ case: 'hello', value: { nodeId: 'edge-1' } });
    expect((await control.next()).message.case).toBe('welcome');
  });

  it('may ask for the reflection, whatever else it may', async () => {
    const { server } = await serveGuarded();
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${EDGE}`);
    const call = rawClient(server.address).makeBidiStreamRequest(
      reflectionMethod.path,
      reflectionMethod.requestSerialize,
      (bytes) => bytes,
      metadata,
    );
    const answer = once(call, 'data');
    call.write({ listServices: '*' });
    expect((await answer)[0]).toBeInstanceOf(Buffer);
    call.on('error', () => {});
    call.cancel();
  });
});

const PEER = expect.stringMatching(/^127\.0\.0\.1:\d+$/);

describe('what the log says of refusals', () => {
  it('is one line at once and no more within its window, with method, peer and reason, and without a token', async () => {
    const { client, log, server } = await serveGuarded();
    const caller = client({ token: 'planted-wrong-token' });
    for (let attempt = 0; attempt < 20; attempt++) await watch('front')(caller);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatchObject({
      message: 'gRPC calls were refused',
      fields: { reason: 'unauthenticated', method: '/sluice.v1.Gateway/Watch', refused: 1, peer: PEER },
    });
    await server.stop(0);
    expect(log.at(-1)).toMatchObject({ message: 'gRPC calls were refused', fields: { refused: 19 } });
    expect(JSON.stringify(log)).not.toContain('planted');
  });
});

async function attemptOver(options: GatewayClientOptions, harness: Harness): Promise<StatusObject | 'in'> {
  const client = createGatewayClient(harness.server.address, options);
  const inbox = frameInbox();
  client.watch({ cameraId: 'front' }, inbox.listener);
  const outcome = await Promise.race([inbox.ended, inbox.opened.then(() => 'in' as const)]);
  client.close();
  return outcome;
}

describe('a server with TLS', () => {
  const plain = { cert: TLS.cert, key: TLS.key, requireClientCert: false };

  it('speaks it, and asks for the token all the same', async () => {
    const harness = await serveGuarded({ tls: plain });
    expect(await attemptOver({ token: ALL, tls: { ca } }, harness)).toBe('in');
    expect(await attemptOver({ tls: { ca } }, harness)).toMatchObject({ code: Code.UNAUTHENTICATED });
  });

  it('is not taken for ours by who does not know its authority, nor reached without TLS', async () => {
    const harness = await serveGuarded({ tls: plain });
    expect(await attemptOver({ token: ALL, tls: true }, harness)).toMatchObject({ code: Code.UNAVAILABLE });
    expect(await attemptOver({ token: ALL }, harness)).toMatchObject({ code: Code.UNAVAILABLE });
    expect(harness.log.map(({ message }) => message)).toContain('TLS handshakes failed');
  });
});

describe('a server that requires client certificates', () => {
  const open = { auth: { tokens: [], certificates: [] }, tls: TLS };

  it('lets in who has one that its authority signed', async () => {
    expect(await attemptOver({ tls: { ca, ...edge } }, await serveGuarded(open))).toBe('in');
  });

  it.each([
    ['none', {}],
    ['an expired one', expired],
    ["one of another authority's", stranger],
  ])('refuses a client with %s in the handshake, and logs the reason', async (_, pair) => {
    const harness = await serveGuarded(open);
    expect(await attemptOver({ tls: { ca, ...pair } }, harness)).toMatchObject({ code: Code.UNAVAILABLE });
    expect(harness.log).toContainEqual(expect.objectContaining({ message: 'TLS handshakes failed' }));
    expect(harness.gateway.told).toEqual([]);
  });

  it('grants what is said of the name in the certificate', async () => {
    for (const name of ['edge-1', 'edge-1.example', 'spiffe://example/edge-1']) {
      const granted = { tokens: [], certificates: [{ name, may: ['watch:front'] }] };
      expect(await attemptOver({ tls: { ca, ...edge } }, await serveGuarded({ tls: TLS, auth: granted }))).toBe('in');
    }
    for (const certificates of [[{ name: 'edge-1', may: ['watch:back'] }], [{ name: 'edge-2', may: ['*'] }]]) {
      const harness = await serveGuarded({ tls: TLS, auth: { tokens: [], certificates } });
      expect(await attemptOver({ tls: { ca, ...edge } }, harness)).toMatchObject({ code: Code.PERMISSION_DENIED });
    }
  });

  it('does not take a certificate for a token where there are tokens', async () => {
    const harness = await serveGuarded({ tls: TLS });
    expect(await attemptOver({ tls: { ca, ...edge } }, harness)).toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(await attemptOver({ tls: { ca, ...edge }, token: ALL }, harness)).toBe('in');
  });

  it('takes one that is not required, where it is good', async () => {
    const tls = { ...TLS, requireClientCert: false };
    const harness = await serveGuarded({ tls, auth: { tokens: [], certificates: [{ name: 'edge-1', may: ['*'] }] } });
    expect(await attemptOver({ tls: { ca, ...edge } }, harness)).toBe('in');
    for (const pair of [{}, expired, stranger]) {
      expect(await attemptOver({ tls: { ca, ...pair } }, harness)).toMatchObject({ code: Code.UNAUTHENTICATED });
    }
  });
});
