import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../src/gateway/gateway-error.js';
import { controlInbox, frameInbox, serve } from './harness.js';
import { RecordedGateway } from './recorded-gateway.js';

async function connected(gateway = new RecordedGateway()) {
  const harness = await serve(gateway.asGateway());
  const inbox = controlInbox();
  const client = harness.client({ windowBytes: 65_535 });
  const control = client.connect(inbox.listener);
  const hello = (nodeId = 'edge-1') => control.send({ case: 'hello', value: { nodeId } });
  /** When this resolves, the server has read what was sent before: a connection is read in order. */
  const roundTrip = async () => {
    const refused = frameInbox();
    client.watch({ cameraId: '' }, refused.listener);
    await refused.ended;
  };
  return { gateway, harness, inbox, control, hello, roundTrip };
}

describe('a client that says hello', () => {
  it('is welcomed, and the gateway has heard who it is', async () => {
    const { gateway, inbox, control } = await connected();
    control.send({
      case: 'hello',
      value: { nodeId: 'edge-1', realm: 'r', role: 1, capabilities: ['x'], endpoint: 'e' },
    });
    expect((await inbox.next()).message).toMatchObject({
      case: 'welcome',
      value: { clientId: 'c1', sessionId: 's1', heartbeatMs: 5000 },
    });
    expect(gateway.hellos).toMatchObject([
      { nodeId: 'edge-1', realm: 'r', role: 'app', capabilities: ['x'], endpoint: 'e' },
    ]);
  });

  it('gets its heartbeats back with the same stamp', async () => {
    const { inbox, control, hello } = await connected();
    hello();
    await inbox.next();
    control.send({ case: 'heartbeat', value: { timestampMs: 1234n } });
    expect((await inbox.next()).message).toMatchObject({ case: 'heartbeat', value: { timestampMs: 1234n } });
  });

  it('says each word to the gateway as it was said, and in order', async () => {
    const { gateway, inbox, control, hello } = await connected();
    hello();
    await inbox.next();
    const payload = Buffer.from('four');
    control.send({ case: 'subscribe', value: { pattern: 'a.*' } });
    control.send({ case: 'publish', value: { topic: 'a.b', payload } });
    control.send({ case: 'unsubscribe', value: { pattern: 'a.*' } });
    control.send({ case: 'register', value: { procedure: 'add', ttlMs: 7 } });
    control.send({ case: 'call', value: { id: '1', procedure: 'add', payload, timeoutMs: 9 } });
    control.send({ case: 'reply', value: { id: '2', payload } });
    control.send({ case: 'reply', value: { id: '3', error: { code: 'no', message: 'because' } } });
    control.send({ case: 'unregister', value: { procedure: 'add' } });
    await gateway.hears('unregister add');
    expect(gateway.told).toEqual([
      'hello',
      'subscribe a.*',
      'publish a.b 4',
      'unsubscribe a.*',
      'register add 7',
      'call 1 add 4 9',
      'reply 2 fine',
      'reply 3 no',
      'unregister add',
    ]);
  });

  it('reads publications, calls and replies as they were said', async () => {
    const { gateway, inbox, hello } = await connected();
    hello();
    await inbox.next();
    const payload = Buffer.from('x');
    const written: unknown[] = [];
    const done = (error?: Error | null): void => void written.push(error ?? 'written');
    gateway.control?.send({ type: 'event', topic: 'a.b', payload }, done);
    gateway.control?.send({ type: 'call', id: '1', procedure: 'add', payload, timeoutMs: 9 }, done);
    gateway.control?.send({ type: 'reply', id: '2', payload }, done);
    gateway.control?.send(
      { type: 'reply', id: '3', payload: new Uint8Array(), error: { code: 'no', message: 'm' } },
      done,
    );
    const words = [await inbox.next(), await inbox.next(), await inbox.next(), await inbox.next()];
    expect(words.map(({ message }) => message)).toMatchObject([
      { case: 'event', value: { topic: 'a.b', payload: payload } },
      { case: 'call', value: { id: '1', procedure: 'add', payload: payload, timeoutMs: 9 } },
      { case: 'reply', value: { id: '2', payload: payload } },
      { case: 'reply', value: { id: '3', error: { code: 'no', message: 'm' } } },
    ]);
    expect(written).toEqual(['written', 'written', 'written', 'written']);
  });

  it('is heard in order, also in what it says before it is welcomed', async () => {
    const gateway = new RecordedGateway();
    let admit: () => void = () => {};
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    gateway.admission = () => admitted;
    const { inbox, control, hello, roundTrip } = await connected(gateway);
    hello();
    const stamps = Array.from({ length: 40 }, (_, i) => BigInt(i + 1));
    for (const timestampMs of stamps) control.send({ case: 'heartbeat', value: { timestampMs } });
    control.send({ case: 'bye', value: { reason: 'done' } });
    await gateway.hears('hello');
    await roundTrip();
    expect(gateway.told).toEqual(['hello']);
    admit();
    expect((await inbox.ended).code).toBe(Code.OK);
    expect(gateway.told.slice(0, 42)).toEqual(['hello', ...stamps.map((stamp) => `heartbeat ${stamp}`), 'bye done']);
  });

  it('reads a bye to the end before the status', async () => {
    const { gateway, inbox, hello } = await connected();
    hello();
    await inbox.next();
    gateway.control?.send({ type: 'bye', reason: 'superseded', retryAfterMs: 0, reconnect: false });
    gateway.control?.end({ shutdown: 'superseded' });
    gateway.control?.end('normal');
    expect((await inbox.next()).message).toMatchObject({
      case: 'bye',
      value: { reason: 'superseded', reconnect: false },
    });
    expect(await inbox.ended).toMatchObject({ code: Code.ABORTED, details: expect.stringMatching(/^superseded: /) });
    expect(gateway.told).toEqual(['hello']);
  });
});

describe('a client that leaves', () => {
  it('by a half-close is told as such', async () => {
    const { gateway, inbox, control, hello } = await connected();
    hello();
    await inbox.next();
    control.halfClose();
    await gateway.hears('half-closed');
  });

  it('by a cancel is told as such, once', async () => {
    const { gateway, inbox, control, hello } = await connected();
    hello();
    await inbox.next();
    control.cancel();
    await gateway.hears('cancelled');
    expect((await inbox.ended).code).toBe(Code.CANCELLED);
    expect(gateway.told).toEqual(['hello', 'cancelled']);
  });

  it('while the gateway still decides is told once it has', async () => {
    const gateway = new RecordedGateway();
    let admit: () => void = () => {};
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    gateway.admission = () => admitted;
    const { control, hello, roundTrip } = await connected(gateway);
    hello();
    await gateway.hears('hello');
    control.cancel();
    await roundTrip();
    admit();
    await gateway.hears('cancelled');
  });
});

describe('a control stream that says what it must not', () => {
  it('is refused without a node_id, by the name of the field', async () => {
    const { gateway, inbox, hello } = await connected();
    hello('');
    expect(await inbox.ended).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: 'invalid_argument: hello.node_id must name the client, but was empty',
    });
    expect(gateway.told).toEqual([]);
  });

  it('is refused when hello is not the first message', async () => {
    const { inbox, control } = await connected();
    control.send({ case: 'heartbeat', value: {} });
    expect(await inbox.ended).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: 'invalid_argument: the first message must be hello, but was heartbeat',
    });
  });

  it('is refused when it ends before hello', async () => {
    const { inbox, control } = await connected();
    control.halfClose();
    expect(await inbox.ended).toMatchObject({ code: Code.INVALID_ARGUMENT, details: expect.stringContaining('hello') });
  });

  it.each([
    [
      'a second hello',
      { case: 'hello', value: { nodeId: 'edge-1' } },
      Code.INVALID_ARGUMENT,
      /hello must be the first/,
    ],
    [
      'a stamp that is no safe integer',
      { case: 'heartbeat', value: { timestampMs: 2n ** 60n } },
      Code.INVALID_ARGUMENT,
      /heartbeat\.timestamp_ms/,
    ],
  ] as const)('ends at %s, and the gateway hears that it failed', async (_what, message, code, details) => {
    const { gateway, inbox, control, hello } = await connected();
    hello();
    await inbox.next();
    control.send(message);
    const status = await inbox.ended;
    expect(status).toMatchObject({ code, details: expect.stringMatching(details) });
    expect(gateway.told).toEqual(['hello', `failed ${status.details}`]);
  });

  it.each([
    ['subscribe', { case: 'subscribe', value: { pattern: '' } }],
    ['register', { case: 'register', value: { procedure: '' } }],
  ] as const)('ends at a %s that the gateway refuses, with its words', async (_what, message) => {
    const { gateway, inbox, control, hello } = await connected();
    gateway.refusal = new GatewayError('invalid_argument', 'field: expected something else');
    hello();
    await inbox.next();
    control.send(message);
    const details = 'invalid_argument: field: expected something else';
    expect(await inbox.ended).toMatchObject({ code: Code.INVALID_ARGUMENT, details });
    expect(gateway.told).toEqual(['hello', `failed ${details}`]);
  });

  it('is refused for a role that does not exist', async () => {
    const { inbox, control } = await connected();
    control.send({ case: 'hello', value: { nodeId: 'edge-1', role: 7 as 0 } });
    expect(await inbox.ended).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringContaining('hello.role'),
    });
  });
});

describe('a connect that the gateway refuses', () => {
  it('ends with its code, its words and when to come back', async () => {
    const gateway = new RecordedGateway();
    gateway.admission = () =>
      Promise.reject(new GatewayError('max_clients_reached', 'limits.clients is 1', { retryAfterMs: 70 }));
    const { inbox, hello } = await connected(gateway);
    hello();
    const status = await inbox.ended;
    expect(status).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      details: 'max_clients_reached: limits.clients is 1',
    });
    expect(status.metadata.get('grpc-retry-pushback-ms')).toEqual(['70']);
  });

  it('by crashing ends with INTERNAL, and the log has what the peer is not told', async () => {
    const gateway = new RecordedGateway();
    const bug = new TypeError('secret internals');
    gateway.admission = () => Promise.reject(bug);
    const { harness, inbox, hello } = await connected(gateway);
    hello();
    expect(await inbox.ended).toMatchObject({ code: Code.INTERNAL, details: expect.not.stringContaining('secret') });
    expect(harness.log).toEqual([{ fields: { err: bug }, message: 'a gRPC call failed' }]);
  });
});

describe('a client that talks and never reads', () => {
  it('is not read either, so that answers do not pile up', async () => {
    const { gateway, inbox, control, hello } = await connected();
    hello();
    await inbox.next();
    control.pause();
    const sent = 20_000;
    for (let i = 0; i < sent; i++) control.send({ case: 'heartbeat', value: { timestampMs: BigInt(i) } });
    // The server stops hearing it long before the end: it goes on only when its answers are taken.
    let before = -1;
    while (gateway.told.length !== before) {
      before = gateway.told.length;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(gateway.told.length).toBeLessThan(sent);
    control.resume();
    await vi.waitFor(() => expect(gateway.told.at(-1)).toBe(`heartbeat ${sent - 1}`), { timeout: 20_000 });
  });
});
