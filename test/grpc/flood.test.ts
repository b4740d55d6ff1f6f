/** Whatever strangers do with connections: it is theirs that ends, and nobody else's. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { FuzzedGateway, openSockets, WATCH } from './fuzzed-gateway.js';
import { clientOf, frameInbox } from './harness.js';
import {
  answerOf,
  FRAME,
  framed,
  headerBlock,
  http2Frame,
  openCall,
  openSession,
  openSocket,
  PREFACE,
} from './raw-http2.js';

const fuzzed = new FuzzedGateway();

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

/** However it comes: who writes into a connection that was reset hears of an error first. */
const closeOf = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

describe('a flood', () => {
  it.each([
    ['of streams that are opened and reset, each with a request', REQUEST, WATCH_DEMO],
    ['of streams that are reset in one breath, to a method that is not there', UNKNOWN, undefined],
    ['of streams that are reset in one breath, and are no gRPC', NO_GRPC, undefined],
  ])('%s, ends the connection and nothing else', async (_, headers, message) => {
    const viewer = frameInbox();
    clientOf(fuzzed.address).watch({ cameraId: 'demo' }, viewer.listener);
    await viewer.next();
    const socket = await openSocket(fuzzed.address);
    const closed = closeOf(socket.resume());
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
    await vi.waitFor(
      () => expect(fuzzed.gateway.resources()).toMatchObject({ streams: 1, viewers: 1, clients: 1 }),
      10_000,
    );
  });

  it.each([
    ['PING', http2Frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
    ['SETTINGS', http2Frame(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255]))],
  ])('of %s, from somebody who does not read the answers, ends the connection', async (_, frame) => {
    const socket = await openSocket(fuzzed.address);
    socket.pause();
    const closed = closeOf(socket);
    const flood = Buffer.concat(Array<Buffer>(10_000).fill(frame));
    socket.write(Buffer.concat([PREFACE, http2Frame(FRAME.settings, 0, 0)]));
    for (let batch = 0; batch < 100 && !socket.destroyed; batch++) {
      socket.write(flood);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    await fuzzed.emptied();
  });

  it('of more streams than one connection may have is refused at the limit', async () => {
    const session = openSession(fuzzed.address);
    await once(session, 'remoteSettings');
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 1000, maxHeaderListSize: 16 * 1024 });
    const socket = await openSocket(fuzzed.address);
    const closed = closeOf(socket.resume());
    const frames = Array.from({ length: 3_000 }, (_, at) => http2Frame(FRAME.headers, 4, 1 + 2 * at, REQUEST));
    socket.write(Buffer.concat([PREFACE, http2Frame(FRAME.settings, 0, 0), ...frames]));
    await closed;
    session.close();
    await fuzzed.emptied();
  });
});

describe('connections that say nothing', () => {
  it('are closed after the keepalive, however many there are', async () => {
    const many = 2_000;
    const before = openSockets();
    const sockets = [];
    for (let at = 0; at < many; at += 200) {
      sockets.push(...(await Promise.all(Array.from({ length: 200 }, () => openSocket(fuzzed.address)))));
    }
    expect(openSockets()).toBeGreaterThanOrEqual(before + many);
    let closed = 0;
    for (const socket of sockets) socket.resume().on('close', () => (closed += 1));
    // Some begin to speak, and stop in the middle of the preface or behind it.
    for (const socket of sockets)
      if (fuzzed.dice.chance(0.5)) socket.write(PREFACE.subarray(0, fuzzed.dice.int(0, PREFACE.length)));
    await vi.waitFor(() => expect(closed).toBe(many), 20_000);
  });

  it('and those that open a call and say no more are ended by the silence', async () => {
    const session = openSession(fuzzed.address);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => answerOf(openCall(session, '/sluice.v1.Gateway/Connect'))),
    );
    for (const { status } of answers) expect(status).toBe(Code.DEADLINE_EXCEEDED);
    session.close();
    await fuzzed.emptied();
  });
});

describe('random frames of HTTP/2', () => {
  it('end their own connection at most', async () => {
    for (let round = 0; round < 60; round++) {
      const socket = await openSocket(fuzzed.address);
      socket.resume().write(Buffer.concat([PREFACE, http2Frame(FRAME.settings, 0, 0)]));
      for (let at = 0; at < fuzzed.dice.int(1, 30) && !socket.destroyed; at++) {
        const id = fuzzed.dice.chance(0.8) ? 1 + 2 * fuzzed.dice.int(0, 5) : fuzzed.dice.int(0, 2 ** 31 - 1);
        const wellFormed = fuzzed.dice.chance(0.4);
        const frame = wellFormed
          ? http2Frame(FRAME.headers, 4 | fuzzed.dice.int(0, 1), id, fuzzed.dice.pick([REQUEST, UNKNOWN, NO_GRPC]))
          : http2Frame(fuzzed.dice.int(0, 12), fuzzed.dice.int(0, 255), id, fuzzed.randomBytes(300));
        socket.write(frame);
        if (fuzzed.dice.chance(0.2))
          socket.write(http2Frame(FRAME.data, fuzzed.dice.int(0, 1), id, framed(fuzzed.randomBytes(50))));
      }
      if (fuzzed.dice.chance(0.5)) socket.end();
      else socket.destroy();
    }
    await fuzzed.emptied();
  });
});
