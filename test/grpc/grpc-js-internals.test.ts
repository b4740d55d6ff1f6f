/** What we use of grpc-js beyond its public API. A failure here after an upgrade of grpc-js means that we have lost it. */
import { connect, type Settings } from 'node:http2';
import {
  Client,
  credentials,
  type Server,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerOptions,
} from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { directStream, timePings, widenReceiveWindows } from '../../src/grpc/grpc-js-internals.js';
import { slowLink } from './slow-link.js';
import { type BytesCall, bareCall, message, serveStream } from './stream-server.js';

const WINDOW_BYTES = 1024 * 1024;

async function servedCall(options: ServerOptions = {}): Promise<BytesCall> {
  let taken: (call: BytesCall) => void = () => {};
  const arrived = new Promise<BytesCall>((resolve) => {
    taken = resolve;
  });
  bareCall(await serveStream((call) => taken(call), options));
  return arrived;
}

describe('the stream under a server call of this grpc-js', () => {
  it('is found, and is the one that the peer reads', async () => {
    let taken: (call: BytesCall) => void = () => {};
    const arrived = new Promise<BytesCall>((resolve) => {
      taken = resolve;
    });
    const peer = bareCall(await serveStream((call) => taken(call)));
    const direct = directStream(await arrived);
    direct?.stream.respond({ ':status': 200 });
    direct?.stream.write(message(10, 7));
    await vi.waitFor(() => expect(peer.received()).toEqual(message(10, 7)));
  });

  it('says what may be sent, and takes a count of what was', async () => {
    expect(directStream(await servedCall())?.sendBytesMax).toBe(-1);
    const direct = directStream(await servedCall({ 'grpc.max_send_message_length': 77 }));
    expect(direct?.sendBytesMax).toBe(77);
    expect(() => direct?.messageSent?.()).not.toThrow();
    expect(direct?.messageSent).toBeDefined();
    expect(directStream(await servedCall({ 'grpc.enable_channelz': 0 }))?.messageSent).toBe(undefined);
  });

  it('is found behind interceptors that do not look at messages, and only behind those', async () => {
    const plain: ServerInterceptor = (_method, call) => new ServerInterceptingCall(call, {});
    const looking: ServerInterceptor = (_method, call) =>
      new ServerInterceptingCall(call, { sendMessage: (text, next) => next(text) });
    expect(directStream(await servedCall({ interceptors: [plain, plain] }))).toBeDefined();
    expect(directStream(await servedCall({ interceptors: [plain, looking] }))).toBe(undefined);
    expect(directStream(await servedCall({ interceptors: [looking, plain] }))).toBe(undefined);
  });

  it('is not found in what is no call of grpc-js', () => {
    expect(directStream({})).toBe(undefined);
    expect(directStream({ call: { stream: {} } })).toBe(undefined);
    expect(directStream({ call: { stream: { respond: () => {} } } })).toBe(undefined);
  });
});

describe('the receive window of a server', () => {
  it.each([
    ['widened before it listens', true],
    ['widened while it listens', false],
  ])('is what was asked for: %s', async (_what, before) => {
    let server: Server | undefined;
    const port = await serveStream(
      () => {},
      {},
      (it) => {
        server = it;
        if (before) expect(widenReceiveWindows(it, WINDOW_BYTES)).toBe(true);
      },
    );
    if (!before) expect(widenReceiveWindows(server as Server, WINDOW_BYTES)).toBe(true);
    const session = connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    await vi.waitFor(() => {
      expect((session.remoteSettings as Settings | undefined)?.initialWindowSize).toBe(WINDOW_BYTES);
      expect(session.state.remoteWindowSize).toBe(WINDOW_BYTES);
    });
  });

  it('is left alone in what is no server of grpc-js', () => {
    expect(widenReceiveWindows({} as Server, WINDOW_BYTES)).toBe(false);
  });

  it('lets a client send many times as much over a round trip of 40 ms', async () => {
    const plain = await uploadedBytes(() => {});
    const wide = await uploadedBytes((server) => void widenReceiveWindows(server, WINDOW_BYTES));
    // Sixteen times on a machine that has time for it; `npm run bench -- relay` holds it to ten.
    expect(wide).toBeGreaterThan(plain * 4);
  });
});

/** What has come to a server a second after the first byte, from a client that sends 100 KiB messages as fast as it may. */
async function uploadedBytes(prepare: (server: Server) => void): Promise<number> {
  const ROUND_TRIP_MS = 40;
  const SENDING_MS = 1_000;
  let bytes = 0;
  let begun: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const count = (call: BytesCall): void =>
    void call.on('data', (got: Buffer) => {
      bytes += got.length;
      begun();
    });
  const port = await slowLink(await serveStream(count, {}, prepare), ROUND_TRIP_MS);
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(
    '/test.Bytes/Stream',
    (got) => got,
    (got) => got,
  );
  onTestFinished(() => {
    call.cancel();
    client.close();
  });
  call.on('error', () => {});
  call.on('data', () => {});
  const frame = Buffer.alloc(100 * 1024);
  const send = (): void => {
    while (call.write(frame));
    call.once('drain', send);
  };
  send();
  await first;
  await new Promise((resolve) => setTimeout(resolve, SENDING_MS));
  const sent = bytes;
  call.cancel();
  return sent;
}

describe('the answers to the PINGs of keepalive', () => {
  it('E-c are timed, and still keep the connection', async () => {
    const answered: number[] = [];
    const keepalive = { 'grpc.keepalive_time_ms': 20, 'grpc.keepalive_timeout_ms': 5_000 };
    let timed = false;
    const port = await serveStream(
      () => {},
      keepalive,
      (it) => {
        timed = timePings(it, (ms) => answered.push(ms));
      },
    );
    const session = connect(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    expect(timed).toBe(true);
    await vi.waitFor(() => expect(answered.length).toBeGreaterThanOrEqual(2), { timeout: 10_000 });
    expect(answered.every((ms) => ms >= 0 && ms < 10_000)).toBe(true);
    expect(session.closed || session.destroyed).toBe(false);
  });

  it('are not timed in what is no server of grpc-js', () => {
    expect(timePings({} as Server, () => {})).toBe(false);
  });
});
