import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { status as Code, ServerInterceptingCall, type ServerOptions } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { directStream, PUBLIC_API_SWITCH } from '../../src/grpc/grpc-js-internals.js';
import { type MessageWriter, messageWriter } from '../../src/grpc/message-writer.js';
import { type BareCall, type BytesCall, bareCall, message, serveStream } from './stream-server.js';

const WAYS = ['direct', 'public'] as const;

afterEach(() => vi.unstubAllEnvs());

function go(way: (typeof WAYS)[number]): void {
  vi.stubEnv(PUBLIC_API_SWITCH, way === 'public' ? '1' : '');
}

interface Served {
  readonly call: BytesCall;
  readonly writer: MessageWriter<Buffer>;
  readonly peer: BareCall;
}

/** A call with a writer on it, once the server has it. */
async function serve(options: ServerOptions = {}, headers: Record<string, string> = {}): Promise<Served> {
  let taken: (call: BytesCall) => void = () => {};
  const arrived = new Promise<BytesCall>((resolve) => {
    taken = resolve;
  });
  const port = await serveStream((call) => taken(call), options);
  const peer = bareCall(port, headers);
  const call = await arrived;
  return { call, writer: messageWriter<Buffer>(call, (framed) => framed), peer };
}

function written(writer: MessageWriter<Buffer>, ...messages: Buffer[]): Promise<Error | null | undefined> {
  return new Promise((resolve) => {
    if (messages.length === 1) writer.write(messages[0] as Buffer, resolve);
    else writer.writeAll(messages, resolve);
  });
}

/** What the peer of a call saw, when `run` has been through with it. */
async function seen(run: (served: Served) => Promise<void>, options?: ServerOptions) {
  const served = await serve(options);
  await run(served);
  const [headers, trailers] = await Promise.all([served.peer.headers, served.peer.trailers]);
  served.peer.stream.end();
  await served.peer.closed;
  const { date: _date, ...stable } = headers;
  return { headers: { ...stable }, trailers: { ...trailers }, bytes: digestOf(served.peer.received()) };
}

const SCENES: Record<string, { readonly run: (served: Served) => Promise<void>; readonly options?: ServerOptions }> = {
  'messages of all sizes, one by one and together, and an end': {
    run: async ({ call, writer }) => {
      await written(writer, message(0), message(1, 1));
      for (const bytes of [0, 1, 640, 16_379, 16_384, 20_480, 70_000, 1_000_000]) {
        await written(writer, message(bytes, bytes % 251));
      }
      await written(writer, ...Array.from({ length: 100 }, (_, n) => message(640, n)));
      call.end();
    },
  },
  'an end right behind what is not yet written': {
    run: async ({ call, writer }) => {
      writer.write(message(500_000, 3), () => {});
      call.end();
    },
  },
  'an error status behind messages': {
    run: async ({ call, writer }) => {
      await written(writer, message(100));
      writer.write(message(200_000, 3), () => {});
      call.emit('error', { code: Code.UNAVAILABLE, details: 'draining: this gateway is going' });
    },
  },
  'a message larger than the server may send': {
    run: async ({ writer }) => {
      await written(writer, message(1_000));
      writer.write(message(1_001), () => {});
    },
    options: { 'grpc.max_send_message_length': 1_000 },
  },
  'several, of which one is larger than the server may send': {
    run: async ({ writer }) => writer.writeAll([message(10), message(1_001), message(10)], () => {}),
    options: { 'grpc.max_send_message_length': 1_000 },
  },
};

describe('the two ways to write', () => {
  it.each(Object.entries(SCENES))('give the same bytes, headers and trailers: %s', async (_what, { run, options }) => {
    go('public');
    const publicly = await seen(run, options);
    go('direct');
    expect(await seen(run, options)).toEqual(publicly);
  });

  it('are told apart by the switch, and the direct one is really taken', async () => {
    for (const way of WAYS) {
      go(way);
      const { call, writer } = await serve();
      const publicWrite = vi.spyOn(call, 'write');
      await written(writer, message(10));
      expect(publicWrite.mock.calls.length, way).toBe(way === 'public' ? 1 : 0);
    }
  });
});

describe.each(WAYS)('a writer that goes the %s way', (way) => {
  beforeEach(() => go(way));

  it('has its write taken only when the peer reads, and then goes on', async () => {
    const { writer, peer } = await serve();
    peer.stream.pause();
    let taken = 0;
    let pending = 0;
    const next = (): void => {
      pending += 1;
      writer.write(message(256 * 1024), (error) => {
        pending -= 1;
        if (error) return;
        taken += 1;
        if (taken < 100) next();
      });
    };
    next();
    // Whatever the kernel holds, it is not 25 MB.
    await until(() => taken, 50);
    expect(taken).toBeLessThan(100);
    expect(pending).toBe(1);
    peer.stream.resume();
    await vi.waitFor(() => expect(taken).toBe(100), 10_000);
  });

  it('settles a write that a cancel overtakes, once, with an error, after the cancel was told', async () => {
    const { call, writer, peer } = await serve();
    peer.stream.pause();
    const story: string[] = [];
    call.on('cancelled', () => story.push('cancelled'));
    const ends = pile(writer, story);
    await until(() => story.length, 50);
    peer.stream.close();
    await ends;
    await settled();
    expect(story.slice(-2).sort()).toEqual(['cancelled', 'failed']);
    expect(story.filter((one) => one === 'failed')).toHaveLength(1);
  });

  it('settles what is written to a call that is over', async () => {
    const { call, writer, peer } = await serve();
    await written(writer, message(1));
    peer.stream.close();
    await once(call, 'cancelled');
    expect(await written(writer, message(1))).toBeInstanceOf(Error);
    expect(await written(writer, message(1), message(2))).toBeInstanceOf(Error);
  });

  it('bears a deadline that passes while it writes, and the peer gets its status', async () => {
    const { call, writer, peer } = await serve({}, { 'grpc-timeout': '150m' });
    const over = once(call, 'cancelled');
    let going = true;
    const next = (): void =>
      writer.write(message(1_000), (error) => {
        going = !error;
        if (going) setImmediate(next);
      });
    next();
    const trailers = await peer.trailers;
    expect(trailers['grpc-status']).toBe(String(Code.DEADLINE_EXCEEDED));
    await over;
    await vi.waitFor(() => expect(going).toBe(false));
  });

  it('goes on after the peer has said its last', async () => {
    const { call, writer, peer } = await serve();
    const ended = once(call, 'end');
    call.resume();
    peer.stream.end();
    await ended;
    expect(await written(writer, message(5, 9))).toBeFalsy();
    call.end();
    expect((await peer.trailers)['grpc-status']).toBe('0');
    expect(peer.received()).toEqual(message(5, 9));
  });
});

describe('a server whose interceptor looks at messages', () => {
  it('has them all go through it', async () => {
    const options: ServerOptions = {
      interceptors: [
        (_method, call) =>
          new ServerInterceptingCall(call, { sendMessage: (_message, next) => next(message(3, 0xab)) }),
      ],
    };
    const { bytes } = await seen(async ({ call, writer }) => {
      await written(writer, message(100));
      call.end();
    }, options);
    expect(bytes).toBe(digestOf(message(3, 0xab)));
  });

  it('is no reason not to write directly where it looks at something else only', async () => {
    const options: ServerOptions = { interceptors: [(_method, call) => new ServerInterceptingCall(call, {})] };
    const { call } = await serve(options);
    expect(directStream(call)).toBeDefined();
  });
});

/** Comparing megabytes byte for byte takes the test framework seconds. */
function digestOf(bytes: Buffer): string {
  return `${bytes.length} bytes, ${createHash('sha1').update(bytes).digest('hex')}`;
}

/** Writes until a write is not taken, and then fails. */
function pile(writer: MessageWriter<Buffer>, story: string[]): Promise<void> {
  return new Promise((resolve) => {
    const next = (): void =>
      writer.write(message(256 * 1024), (error) => {
        story.push(error ? 'failed' : 'taken');
        if (error) resolve();
        else next();
      });
    next();
  });
}

/** Resolves when `look` gives the same for so many turns in a row of a millisecond or more. */
async function until(look: () => number, turns: number): Promise<void> {
  let same = 0;
  for (let last = look(); same < turns; ) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const now = look();
    same = now === last ? same + 1 : 0;
    last = now;
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
