import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { status as Code, ServerInterceptingCall, type ServerInterceptor, type ServerOptions } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { directInput, PUBLIC_API_SWITCH } from '../../src/grpc/grpc-js-internals.js';
import { innerStream } from '../../src/grpc/inner-stream.js';
import { type MessageReader, readMessages } from '../../src/grpc/message-reader.js';
import { type BareCall, type BytesCall, bareCall, message, serveStream } from './stream-server.js';

const WAYS = ['direct', 'public'] as const;
const plain: ServerInterceptor = (_method, call) => new ServerInterceptingCall(call, {});
const looking: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) => next({ onReceiveMessage: (received, hand) => hand(received) }),
  });

afterEach(() => vi.unstubAllEnvs());

interface Reading {
  readonly call: BytesCall;
  readonly peer: BareCall;
  readonly reader: MessageReader;
  /** What came: a digest of each message, and what the call said. */
  readonly story: string[];
  onMessage: (body: Buffer) => void;
}

/** A call that is read. Its method's own deserializer hands bytes through, and refuses `bad`. */
async function reading(options: ServerOptions = {}, headers: Record<string, string> = {}): Promise<Reading> {
  let taken: (reading: Omit<Reading, 'peer'>) => void = () => {};
  const arrived = new Promise<Omit<Reading, 'peer'>>((resolve) => {
    taken = resolve;
  });
  const port = await serveStream(
    (call) => {
      const story: string[] = [];
      const reader = readMessages<Buffer>(call, {
        decode: (framed) => decode(framed.subarray(5)),
        take: (body) => {
          story.push(digestOf(body));
          it.onMessage(body);
        },
      });
      const it: Omit<Reading, 'peer'> = { call, reader, story, onMessage: () => {} };
      call.on('end', () => story.push('end'));
      call.on('cancelled', () => story.push('cancelled'));
      taken(it);
    },
    options,
    undefined,
    decode,
  );
  const peer = bareCall(port, headers);
  return Object.assign(await arrived, { peer });
}

function decode(body: Buffer): Buffer {
  if (body.toString() === 'bad') throw new Error('no message of ours');
  return body;
}

function digestOf(body: Buffer): string {
  return `${body.length} ${createHash('sha1').update(body).digest('base64').slice(0, 8)}`;
}

const SIZES = [0, 1, 5, 640, 16_384, 70_000, 0, 300_000, 3];
const ALL = SIZES.map((bytes, at) => message(bytes, at + 1));
const DIGESTS = ALL.map((one) => digestOf(one.subarray(5)));

describe.each(WAYS)('messages that are read the %s way', (way) => {
  beforeEach(() => vi.stubEnv(PUBLIC_API_SWITCH, way === 'public' ? '1' : ''));

  it('come whole and in order, however they were cut, and then the end', async () => {
    const { peer, story } = await reading();
    const bytes = Buffer.concat(ALL);
    for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 3) % 40_000) {
      peer.stream.write(bytes.subarray(at, at + step));
    }
    peer.stream.end();
    await vi.waitFor(() => expect(story).toEqual([...DIGESTS, 'end']), 5_000);
  });

  it('wait while the reader is paused, also those that came in one piece, and none is lost', async () => {
    const served = await reading();
    served.onMessage = () => served.reader.pause();
    served.peer.stream.end(Buffer.concat(ALL));
    const messages = (): string[] => served.story.filter(isMessage);
    for (let count = 1; count <= ALL.length; count += 1) {
      await vi.waitFor(() => expect(messages()).toHaveLength(count));
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(messages()).toEqual(DIGESTS.slice(0, count));
      served.reader.resume();
    }
    await vi.waitFor(() => expect(served.story).toEqual([...DIGESTS, 'end']));
  });

  it('may be paused and resumed from within', async () => {
    const served = await reading();
    served.onMessage = () => {
      served.reader.pause();
      served.reader.resume();
    };
    served.peer.stream.end(Buffer.concat(ALL));
    await vi.waitFor(() => expect(served.story).toEqual([...DIGESTS, 'end']));
  });

  it('wait at the peer when nobody reads', async () => {
    const { peer, reader, story } = await reading();
    reader.pause();
    let taken = 0;
    for (let n = 0; n < 200; n += 1) peer.stream.write(message(16_379, n), () => (taken += 1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    // The window is 64 KiB here.
    expect(taken).toBeLessThan(50);
    reader.resume();
    await vi.waitFor(() => expect(taken).toBe(200), 5_000);
    await vi.waitFor(() => expect(story).toHaveLength(200), 5_000);
  });

  it('that came before anybody read are not overtaken by those that come while the reader is paused', async () => {
    const arrived = withResolvers<BytesCall>();
    const peer = bareCall(await serveStream(arrived.resolve));
    const call = await arrived.promise;
    peer.stream.write(ALL[3] as Buffer);
    await vi.waitFor(() => expect(innerStream(call)?.readableLength).toBeGreaterThan(0));
    const story: string[] = [];
    const reader = readMessages<Buffer>(call, {
      decode: (framed) => framed.subarray(5),
      take: (body) => void story.push(digestOf(body)),
    });
    reader.pause();
    peer.stream.write(ALL[2] as Buffer);
    await new Promise((resolve) => setTimeout(resolve, 30));
    reader.resume();
    await vi.waitFor(() => expect(story).toEqual([DIGESTS[3], DIGESTS[2]]));
  });

  it('that are too large end the call as grpc-js ends it', async () => {
    const { peer } = await reading({ 'grpc.max_receive_message_length': 1_000 });
    peer.stream.write(Buffer.concat([message(1_000), message(1_001), message(1)]));
    const headers = await peer.headers;
    expect(headers['grpc-status']).toBe(String(Code.RESOURCE_EXHAUSTED));
    expect(decodeURI(String(headers['grpc-message']))).toBe('Received message larger than max (1001 vs 1000)');
  });

  it('that cannot be decoded end the call as grpc-js ends it', async () => {
    const { peer } = await reading();
    const bad = message(3);
    bad.write('bad', 5);
    peer.stream.write(bad);
    const headers = await peer.headers;
    expect(headers['grpc-status']).toBe(String(Code.INTERNAL));
    expect(decodeURI(String(headers['grpc-message']))).toBe('Error deserializing request');
  });

  it('come no more once the call is over', async () => {
    const { call, peer, reader, story } = await reading();
    peer.stream.write(message(1));
    await vi.waitFor(() => expect(story).toHaveLength(1));
    reader.pause();
    peer.stream.write(Buffer.concat([message(2), message(3)]));
    peer.stream.close(constants.NGHTTP2_CANCEL);
    await once(call, 'cancelled');
    reader.resume();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(story.filter(isMessage)).toHaveLength(1);
  });

  it('are read by grpc-js where they are compressed', async () => {
    const { peer, story } = await reading({}, { 'grpc-encoding': 'gzip' });
    const body = gzipSync(Buffer.from('sound'));
    const head = Buffer.alloc(5);
    head[0] = 1;
    head.writeUInt32BE(body.length, 1);
    peer.stream.write(Buffer.concat([head, body]));
    await vi.waitFor(() => expect(story).toEqual([digestOf(Buffer.from('sound'))]));
  });
});

describe('the stream that messages come on, of this grpc-js', () => {
  async function found(...interceptors: ServerInterceptor[]): Promise<boolean> {
    const result = withResolvers<boolean>();
    const port = await serveStream((call) => result.resolve(directInput(call) !== undefined), { interceptors });
    bareCall(port);
    return result.promise;
  }

  it('is found, also behind interceptors that do not look at messages, and only behind those', async () => {
    expect(await found()).toBe(true);
    expect(await found(plain, plain)).toBe(true);
    expect(await found(plain, looking)).toBe(false);
    expect(await found(looking, plain)).toBe(false);
  });

  it('is left alone where somebody judges the messages before the handler gets them', async () => {
    const result = withResolvers<boolean>();
    const port = await serveStream((call) => {
      const { push } = call;
      call.push = (...received) => push.apply(call, received);
      result.resolve(directInput(call) !== undefined);
    });
    bareCall(port);
    expect(await result.promise).toBe(false);
  });

  it('is not found in what is no call of grpc-js', () => {
    expect(directInput({})).toBe(undefined);
    expect(directInput({ call: { stream: { respond: () => {} } } })).toBe(undefined);
  });
});

function isMessage(line: string): boolean {
  return /^\d/.test(line);
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
