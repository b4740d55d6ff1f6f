/**
 * Whatever strangers send: no crash, no leak, a status where one can be given, and nobody else disturbed. Everything random
 * comes from one seed, which is printed; `SLUICE_FUZZ_SEED=n` runs that one.
 */
import { once } from 'node:events';
import { constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { status as Code } from '@grpc/grpc-js';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import { Dice } from '../simulation/dice.js';
import { clientOf, frameInbox } from './harness.js';
import {
  answerOf,
  call,
  FRAME,
  framed,
  headerBlock,
  http2Frame,
  openCall,
  openSession,
  openSocket,
  PREFACE,
  type RawAnswer,
} from './raw-http2.js';

const seed = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const dice = new Dice(seed);
const MAX_BYTES = 64 * 1024;

const METHODS = [
  '/sluice.v1.Gateway/Connect',
  '/sluice.v1.Gateway/Watch',
  '/sluice.v1.Gateway/Publish',
  '/sluice.v1.Gateway/Call',
  '/sluice.v1.Camera/ProduceCameraStream',
  '/grpc.health.v1.Health/Check',
  '/grpc.health.v1.Health/Watch',
  '/grpc.health.v1.Health/List',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
];
const WATCH = METHODS[1] as string;

let gateway: SluiceGateway;
let address: string;
let socketsBefore: number;
const crashes: unknown[] = [];
const crashed = (thrown: unknown): void => void crashes.push(thrown);

beforeEach(async () => {
  console.info(`fuzz seed ${seed}`);
  process.on('uncaughtExceptionMonitor', crashed);
  socketsBefore = openSockets();
  gateway = createGateway({
    grpc: { port: 0, maxMessageBytes: MAX_BYTES, keepalive: { timeMs: 1_500, timeoutMs: 2_500 } },
    http: { port: 0 },
    cameras: [{ id: 'demo', source: 'clip:' }],
    session: { graceMs: 100, inactivityMs: 2_000 },
    logger: pino({ level: 'silent' }),
  });
  await gateway.start();
  address = gateway.addresses.grpc as string;
});

afterEach(async () => {
  // Somebody who means well is served still.
  const inbox = frameInbox();
  clientOf(address).watch({ cameraId: 'demo' }, inbox.listener);
  expect((await inbox.next()).cameraId).toBe('demo');
  await gateway.stop({ deadlineMs: 500 });
  expect(gateway.census()).toEqual({});
  await vi.waitFor(() => expect(openSockets()).toBeLessThanOrEqual(socketsBefore + 1), 10_000);
  process.off('uncaughtExceptionMonitor', crashed);
  expect(crashes.splice(0)).toEqual([]);
});

/** TCP sockets of this process, both ends of each. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}

function randomBytes(most: number): Buffer {
  return Buffer.from(Array.from({ length: dice.int(0, most) }, () => dice.int(0, 255)));
}

/** Nothing of a stranger's is left in the gateway. */
async function emptied(): Promise<void> {
  const figures = () => {
    const { streams, viewers, clients, client_streams, sessions } = gateway.resources();
    return { streams, viewers, clients, client_streams, sessions };
  };
  await vi.waitFor(
    () => expect(figures()).toEqual({ streams: 0, viewers: 0, clients: 0, client_streams: 0, sessions: 0 }),
    10_000,
  );
}

describe('random bytes as messages', () => {
  it('end every call with a status, and none as a fault of which nobody knows', async () => {
    const session = openSession(address);
    const answers = await Promise.all(
      Array.from({ length: 400 }, () => {
        const path = dice.pick(METHODS) as string;
        const messages = Array.from({ length: dice.int(1, 4) }, () => framed(randomBytes(60)));
        return call(session, path, Buffer.concat(messages), { 'grpc-timeout': '500m' });
      }),
    );
    for (const answer of answers) {
      expectEnd(answer);
      expect(answer.status).not.toBe(Code.UNKNOWN);
    }
    session.close();
    await emptied();
  });

  it('may be cut anywhere, in many pieces, and have any flag', async () => {
    const session = openSession(address);
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const stream = openCall(session, dice.pick(METHODS) as string, { 'grpc-timeout': '500m' });
        const answer = answerOf(stream);
        const body = framed(randomBytes(200), { flag: dice.int(0, 255) });
        const cut = body.subarray(0, dice.int(0, body.length));
        for (let at = 0; at < cut.length; ) {
          const next = at + dice.int(1, 40);
          stream.write(cut.subarray(at, next));
          at = next;
        }
        stream.end();
        return answer;
      }),
    );
    for (const answer of answers) expectEnd(answer);
    session.close();
    await emptied();
  });
});

/** With a status, or where grpc-js has lost it (`closeEnded`), with the stream closed all the same. */
function expectEnd({ status, body }: RawAnswer): void {
  if (status === undefined) expect(body.length).toBeGreaterThan(0);
}

describe('a message that cannot be read, while the one before is answered', () => {
  it('ends the call, though grpc-js has lost its status', async () => {
    const session = openSession(address);
    const good = [Buffer.from('\x3a\x00'), Buffer.from('\x3a\x00')];
    const body = Buffer.concat([...good, Buffer.from([0xff, 0xff, 0xff])].map((message) => framed(message)));
    const stream = openCall(session, METHODS.at(-1) as string);
    const answer = answerOf(stream);
    stream.write(body);
    const { status, reset } = await answer;
    expect(status === Code.INTERNAL || reset !== constants.NGHTTP2_NO_ERROR).toBe(true);
    session.close();
  });
});

describe('a message of a length that is not its own', () => {
  it('that is larger than the limit is RESOURCE_EXHAUSTED before it has come', async () => {
    const session = openSession(address);
    for (const path of METHODS) {
      const stream = openCall(session, path);
      const answer = answerOf(stream);
      stream.write(framed(Buffer.alloc(10), { length: dice.int(MAX_BYTES + 1, 2 ** 32 - 1) }));
      expect((await answer).status, path).toBe(Code.RESOURCE_EXHAUSTED);
    }
    session.close();
    await emptied();
  });

  it('that grows when it is unpacked is RESOURCE_EXHAUSTED as well', async () => {
    const session = openSession(address);
    const bomb = framed(gzipSync(Buffer.alloc(20 * 1024 * 1024)), { flag: 1 });
    const { status } = await call(session, WATCH, bomb, { 'grpc-encoding': 'gzip' });
    expect(status).toBe(Code.RESOURCE_EXHAUSTED);
    session.close();
  });

  it('that says it is compressed and is not, or in a way that nobody knows, is refused', async () => {
    const session = openSession(address);
    const lie = framed(randomBytes(100), { flag: 1 });
    expect((await call(session, WATCH, lie, { 'grpc-encoding': 'gzip' })).status).toBe(Code.INTERNAL);
    expect((await call(session, WATCH, lie, { 'grpc-encoding': 'br' })).status).toBe(Code.UNIMPLEMENTED);
    session.close();
  });
});

describe('headers', () => {
  it('that are too large end their stream alone', async () => {
    const session = openSession(address);
    // The limits hold once the peer has acknowledged them; who never does has those of nghttp2, which are larger.
    expect((await call(session, '/grpc.health.v1.Health/Check', framed(Buffer.alloc(0)))).status).toBe(Code.OK);
    const ok = call(session, '/grpc.health.v1.Health/Check', framed(Buffer.alloc(0)));
    const long = await call(session, WATCH, framed(Buffer.alloc(0)), { 'x-long': 'x'.repeat(60_000) });
    expect([long.status, long.reset]).toEqual([undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM]);
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`x-${at}`, 'y']));
    const crowded = await call(session, WATCH, framed(Buffer.alloc(0)), many);
    expect([crowded.status, crowded.reset]).toEqual([undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM]);
    expect((await ok).status).toBe(Code.OK);
    session.close();
    await emptied();
  });

  it('that make no sense are answered', async () => {
    const session = openSession(address);
    const body = framed(Buffer.alloc(0));
    const ask = (path: string, headers: object = {}) => call(session, path, body, headers);
    const stderr = vi.spyOn(console, 'error');
    expect((await ask(WATCH, { 'content-type': 'text/html' })).httpStatus).toBe(415);
    expect((await ask(WATCH, { 'grpc-timeout': 'soon' })).status).toBe(Code.INTERNAL);
    expect((await ask(WATCH, { 'grpc-timeout': '0n' })).status).toBeDefined();
    const odd: object[] = [
      { authorization: 'Bearer \xfe' },
      { 'x-node-id': '\xe4'.repeat(2_000) },
      { 'x-a': ['a', '\xff'] },
    ];
    for (const headers of odd) {
      expect(await ask(WATCH, headers)).toMatchObject({
        status: Code.INVALID_ARGUMENT,
        details: expect.stringMatching(/^invalid_argument: metadata must be/),
      });
    }
    expect(stderr).not.toHaveBeenCalled();
    stderr.mockRestore();
    expect((await ask(WATCH, { 'x-odd-bin': '%%%' })).status).toBe(Code.INVALID_ARGUMENT);
    for (const path of [
      '/',
      '/x',
      '//',
      '/%',
      '/\xe4\xff/\x80',
      `/${'a'.repeat(10_000)}`,
      '/sluice.v1.Gateway/',
      '/__proto__/x',
    ]) {
      expect((await ask(path)).status, path.slice(0, 20)).toBe(Code.UNIMPLEMENTED);
    }
    session.close();
    await emptied();
  });
});

const REQUEST = headerBlock({
  ':method': 'POST',
  ':scheme': 'http',
  ':path': WATCH,
  ':authority': 'x',
  'content-type': 'application/grpc',
  te: 'trailers',
});
const UNKNOWN = headerBlock({
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/no/such',
  'content-type': 'application/grpc',
});
const NO_GRPC = headerBlock({ ':method': 'POST', ':scheme': 'http', ':path': WATCH, 'content-type': 'text/plain' });
const WATCH_DEMO = framed(Buffer.from('\x0a\x04demo'));

describe('a flood', () => {
  it.each([
    ['of streams that are opened and reset, each with a request', REQUEST, WATCH_DEMO],
    ['of streams that are reset in one breath, to a method that is not there', UNKNOWN, undefined],
    ['of streams that are reset in one breath, and are no gRPC', NO_GRPC, undefined],
  ])('%s, ends the connection and nothing else', async (_, headers, message) => {
    const viewer = frameInbox();
    clientOf(address).watch({ cameraId: 'demo' }, viewer.listener);
    await viewer.next();
    const socket = await openSocket(address);
    const closed = once(socket.resume(), 'close');
    socket.write(Buffer.concat([PREFACE, http2Frame(FRAME.settings, 0, 0)]));
    for (let batch = 0; batch < 100 && !socket.destroyed; batch++) {
      const frames = Array.from({ length: 100 }, (__, at) => {
        const id = 1 + 2 * (batch * 100 + at);
        return Buffer.concat([
          http2Frame(FRAME.headers, 4, id, headers),
          ...(message ? [http2Frame(FRAME.data, 1, id, message)] : []),
          http2Frame(FRAME.reset, 0, id, Buffer.from([0, 0, 0, 8])),
        ]);
      });
      socket.write(Buffer.concat(frames));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    for (let more = 0; more < 5; more++) await viewer.next();
    await vi.waitFor(() => expect(gateway.resources()).toMatchObject({ streams: 1, viewers: 1, clients: 1 }), 10_000);
  });

  it.each([
    ['PING', http2Frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
    ['SETTINGS', http2Frame(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255]))],
  ])('of %s, from somebody who does not read the answers, ends the connection', async (_, frame) => {
    const socket = await openSocket(address);
    socket.pause();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const flood = Buffer.concat(Array<Buffer>(10_000).fill(frame));
    socket.write(Buffer.concat([PREFACE, http2Frame(FRAME.settings, 0, 0)]));
    for (let batch = 0; batch < 100 && !socket.destroyed; batch++) {
      socket.write(flood);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    await emptied();
  });

  it('of more streams than one connection may have is refused at the limit', async () => {
    const session = openSession(address);
    await once(session, 'remoteSettings');
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 1000, maxHeaderListSize: 16 * 1024 });
    const socket = await openSocket(address);
    const closed = once(socket.resume(), 'close');
    const frames = Array.from({ length: 3_000 }, (_, at) => http2Frame(FRAME.headers, 4, 1 + 2 * at, REQUEST));
    socket.write(Buffer.concat([PREFACE, http2Frame(FRAME.settings, 0, 0), ...frames]));
    await closed;
    session.close();
    await emptied();
  });
});

describe('connections that say nothing', () => {
  it('are closed after the keepalive, however many there are', async () => {
    const many = 2_000;
    const before = openSockets();
    const sockets = [];
    for (let at = 0; at < many; at += 200) {
      sockets.push(...(await Promise.all(Array.from({ length: 200 }, () => openSocket(address)))));
    }
    expect(openSockets()).toBeGreaterThanOrEqual(before + many);
    let closed = 0;
    for (const socket of sockets) socket.resume().on('close', () => (closed += 1));
    // Some begin to speak, and stop in the middle of the preface or behind it.
    for (const socket of sockets) if (dice.chance(0.5)) socket.write(PREFACE.subarray(0, dice.int(0, PREFACE.length)));
    await vi.waitFor(() => expect(closed).toBe(many), 20_000);
  });

  it('and those that open a call and say no more are ended by the silence', async () => {
    const session = openSession(address);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => answerOf(openCall(session, '/sluice.v1.Gateway/Connect'))),
    );
    for (const { status } of answers) expect(status).toBe(Code.DEADLINE_EXCEEDED);
    session.close();
    await emptied();
  });
});

describe('random frames of HTTP/2', () => {
  it('end their own connection at most', async () => {
    for (let round = 0; round < 60; round++) {
      const socket = await openSocket(address);
      socket.resume().write(Buffer.concat([PREFACE, http2Frame(FRAME.settings, 0, 0)]));
      for (let at = 0; at < dice.int(1, 30) && !socket.destroyed; at++) {
        const id = dice.chance(0.8) ? 1 + 2 * dice.int(0, 5) : dice.int(0, 2 ** 31 - 1);
        const wellFormed = dice.chance(0.4);
        const frame = wellFormed
          ? http2Frame(FRAME.headers, 4 | dice.int(0, 1), id, dice.pick([REQUEST, UNKNOWN, NO_GRPC]))
          : http2Frame(dice.int(0, 12), dice.int(0, 255), id, randomBytes(300));
        socket.write(frame);
        if (dice.chance(0.2)) socket.write(http2Frame(FRAME.data, dice.int(0, 1), id, framed(randomBytes(50))));
      }
      if (dice.chance(0.5)) socket.end();
      else socket.destroy();
    }
    await emptied();
  });
});
