/**
 * Peers for upstream channels: gRPC servers that count the TCP connections and calls they have, one that takes TCP and says
 * nothing, and a pool of channels on the real clock.
 */
import { once } from 'node:events';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import {
  type ClientReadableStream,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import type { ChannelLimits } from '../../src/gateway/channel.js';
import { Channels, channelsLogic } from '../../src/gateway/channels.js';
import type { Lease } from '../../src/gateway/lease.js';
import { Place } from '../../src/gateway/place.js';
import { callOver, type GrpcChannel, type GrpcChannelOptions, GrpcConnector } from '../../src/grpc/channel.js';
import { type Application, assertNoLeaks, startApplication } from '../../src/otp/index.js';

type Bytes = Buffer;
const pass = (bytes: Bytes): Bytes => bytes;

/** A stream that the server keeps open: it says `open` and then nothing. */
export const WATCH: MethodDefinition<Bytes, Bytes> = {
  path: '/peer.Peer/Watch',
  requestStream: false,
  responseStream: true,
  requestSerialize: pass,
  requestDeserialize: pass,
  responseSerialize: pass,
  responseDeserialize: pass,
};

/** Waits for a number to become what is expected, by the events that change it. */
export class Tally {
  #value = 0;
  #waiting: (() => void)[] = [];

  get value(): number {
    return this.#value;
  }

  add(by: number): void {
    this.#value += by;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
  }

  async becomes(value: number): Promise<void> {
    while (this.#value !== value) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

export interface Peer {
  readonly target: string;
  /** TCP connections that are open, and how many there ever were. */
  readonly sockets: Tally;
  readonly accepted: Tally;
  /** Streams that are open here. */
  readonly streams: Tally;
  /** Says GOAWAY and lets the streams that are open go on until `finish`. */
  drain(): void;
  finish(): void;
  /** Every connection is cut, and no new one is taken. */
  kill(): Promise<void>;
}

/** A gRPC server behind a TCP listener of its own, which sees every socket come and go. */
export async function peer(): Promise<Peer> {
  const server = new Server();
  const streams = new Tally();
  const open = new Set<ServerWritableStream<Bytes, Bytes>>();
  server.addService({ watch: WATCH }, {
    watch: (call: ServerWritableStream<Bytes, Bytes>) => {
      open.add(call);
      streams.add(1);
      call.on('cancelled', () => {
        open.delete(call);
        streams.add(-1);
      });
      call.write(Buffer.from('open'));
    },
  } as never);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listening = await listen((socket) => injector.injectConnection(socket));
  onTestFinished(() => {
    server.forceShutdown();
  });
  const finish = (): void => {
    for (const call of open) call.end();
  };
  return { ...listening, streams, drain: () => server.tryShutdown(() => {}), finish };
}

/** What a peer that serves no streams has to say of them. */
const noStreams = { streams: new Tally(), drain: () => {}, finish: () => {} };

/** Takes every connection and never says a word. */
export async function mutePeer(): Promise<Peer> {
  return { ...(await listen((socket) => socket.resume())), ...noStreams };
}

/** Greets as HTTP/2 does, with empty SETTINGS, and then is mute. */
export async function frozenPeer(): Promise<Peer> {
  const greeting = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const frozen = await listen((socket) => {
    socket.write(greeting);
    socket.resume();
  });
  return { ...frozen, ...noStreams };
}

/** A port that nobody listens on. */
export async function nobody(): Promise<string> {
  const { target, kill } = await listen(() => {});
  await kill();
  return target;
}

async function listen(serve: (socket: Socket) => void): Promise<Omit<Peer, 'streams' | 'drain' | 'finish'>> {
  const [sockets, accepted] = [new Tally(), new Tally()];
  const open = new Set<Socket>();
  const listener: NetServer = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      open.delete(socket);
      sockets.add(-1);
    });
    sockets.add(1);
    accepted.add(1);
    serve(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const kill = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    if (!listener.listening) return;
    listener.close();
    await once(listener, 'close');
  };
  onTestFinished(kill);
  return { target: `127.0.0.1:${port}`, sockets, accepted, kill };
}

export interface RealPool {
  readonly app: Application;
  readonly channels: Channels<GrpcChannel, GrpcChannelOptions>;
}

export async function realPool(limits: Partial<ChannelLimits> = {}): Promise<RealPool> {
  const place = new Place();
  const input = () => ({
    connector: new GrpcConnector({ keepalive: { timeMs: 30_000, timeoutMs: 5_000 } }),
    limits: { channelsMax: 100, connectMs: 5_000, waitMs: 100, idleMs: 60_000, closeMs: 5_000, ...limits },
    note: () => {},
  });
  const app = await startApplication('upstream', {
    intensity: 100,
    children: [{ id: 'channels', shutdown: 8_000, start: place.starts(channelsLogic, input) }],
  });
  onTestFinished(async () => {
    await app.stop();
    assertNoLeaks(app.system);
  });
  return { app, channels: new Channels(() => place.process) };
}

/** Opens a stream over a lease. Resolves when the peer has said its word. */
export async function watch(lease: Lease<GrpcChannel>): Promise<{ readonly ended: Promise<number> }> {
  const call: ClientReadableStream<Bytes> = callOver(lease, (client) =>
    client.makeServerStreamRequest(WATCH.path, pass, pass, Buffer.alloc(0), new Metadata()),
  );
  const ended = new Promise<number>((resolve) => call.on('status', ({ code }) => resolve(code)));
  await Promise.race([once(call, 'data'), ended]);
  call.resume();
  return { ended };
}
