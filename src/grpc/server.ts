/**
 * The gRPC listener. It owns its TCP listener and hands the sockets to grpc-js, because a listener of grpc-js's own writes
 * to stderr when the port is taken, and because who owns the sockets can also close those that never spoke HTTP/2.
 *
 * Stopping has two steps. `drain` refuses newcomers while the gateway ends its streams; `stop` then closes what is left,
 * in order first and by force after the grace. It always comes to an end.
 */
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import {
  type ConnectionInjector,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { serveCall } from './call.js';
import { serveConnect } from './connect.js';
import { Health } from './health.js';
import { OpenCalls } from './open-calls.js';
import { serveProduceCameraStream } from './produce-camera-stream.js';
import { servePublish } from './publish.js';
import { addReflection } from './reflection.js';
import type { GrpcLog } from './served-call.js';
import { cameraService, gatewayService } from './services.js';
import { statusOfError } from './status.js';
import { serveWatch } from './watch.js';

export interface GrpcServerOptions {
  readonly gateway: Gateway;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** How long a connection may be silent before it is asked, and how long it may take to answer. */
  readonly keepalive: { readonly timeMs: number; readonly timeoutMs: number };
  /** The largest message that is taken from a peer. */
  readonly maxMessageBytes: number;
  readonly log: GrpcLog;
}

export interface GrpcServer {
  /** `host:port`, with the real port. */
  readonly address: string;
  readonly port: number;
  /** Health says NOT_SERVING and no new connection is taken; open ones live on. Idempotent. */
  drain(): void;
  /** Closes what is left within `graceMs`, then by force. Idempotent; never rejects. */
  stop(graceMs: number): Promise<void>;
}

/** A backstop: the gateway's own limits refuse at once, this one makes peers wait in silence. */
const STREAMS_PER_CONNECTION_MAX = 1000;

/** Ended calls may still have their status on the way when grpc-js says that it has shut down; so long they may take. */
const LAST_WORDS_MS = 250;

/** A connection without a call, such as a health probe leaves behind, is closed after this. */
const CONNECTION_IDLE_MS = 300_000;

/** Rejects with one line that names the address when it cannot be listened on. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const server = new Server({
    'grpc.keepalive_time_ms': options.keepalive.timeMs,
    'grpc.keepalive_timeout_ms': options.keepalive.timeoutMs,
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
    'grpc.max_connection_idle_ms': CONNECTION_IDLE_MS,
  });
  const { gateway, log } = options;
  const health = new Health(gateway);
  const calls = new OpenCalls(server, log);
  health.addTo(calls);
  addReflection(calls, calls.definitions);
  addGatewayServices(calls, gateway, log);

  const sockets = new Set<Socket>();
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  try {
    const listener = await listen(options, sockets, injector);
    return running(server, listener, sockets, health, calls, options.host);
  } catch (thrown) {
    health.stop();
    server.forceShutdown();
    throw thrown;
  }
}

/** Adds `sluice.v1.Gateway` and `sluice.v1.Camera` to a server. */
export function addGatewayServices(server: Pick<Server, 'addService'>, gateway: Gateway, log: GrpcLog): void {
  add(server, gatewayService, {
    connect: serveConnect(gateway, log),
    watch: serveWatch(gateway, log),
    publish: servePublish(gateway, log),
    call: serveCall(gateway, log),
  });
  add(server, cameraService, { produceCameraStream: serveProduceCameraStream(gateway, log) });
}

/** grpc-js's types want one type per direction; of a frame, what is written and what is read differ. */
function add<Definition extends Record<keyof Definition, unknown>>(
  server: Pick<Server, 'addService'>,
  definition: Definition,
  handlers: Record<keyof Definition, unknown>,
): void {
  server.addService(definition as unknown as ServiceDefinition, handlers as UntypedServiceImplementation);
}

function running(
  server: Server,
  listener: NetServer,
  sockets: Set<Socket>,
  health: Health,
  calls: OpenCalls,
  host: string,
): GrpcServer {
  const { port } = listener.address() as AddressInfo;
  let stopped: Promise<void> | undefined;
  const drain = (): void => {
    health.drain();
    listener.close();
  };
  const stop = async (graceMs: number): Promise<void> => {
    drain();
    health.stop();
    calls.endAll(statusOfError(new GatewayError('draining', 'this gateway is shutting down')));
    await tryShutdown(server, graceMs);
    await closed(sockets, Math.min(graceMs, LAST_WORDS_MS));
    server.forceShutdown();
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: formatAddress(host, port),
    port,
    drain,
    stop: (graceMs) => {
      stopped ??= stop(graceMs);
      return stopped;
    },
  };
}

/** Resolves when every call has ended, or after `graceMs`: grpc-js waits for ever for a call that stays open. */
function tryShutdown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const grace = setTimeout(resolve, graceMs);
    server.tryShutdown(() => {
      clearTimeout(grace);
      resolve();
    });
  });
}

/** Resolves when every socket has closed, or after `limitMs`. */
async function closed(sockets: ReadonlySet<Socket>, limitMs: number): Promise<void> {
  const closing = Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  let limit: NodeJS.Timeout | undefined;
  await Promise.race([closing, new Promise((resolve) => (limit = setTimeout(resolve, limitMs)))]);
  clearTimeout(limit);
}

function listen(
  { host, port, log }: GrpcServerOptions,
  sockets: Set<Socket>,
  injector: ConnectionInjector,
): Promise<NetServer> {
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  return new Promise((resolve, reject) => {
    listener.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(formatAddress(host, port), error)));
    listener.listen({ host, port }, () => {
      // A listener that cannot accept (no file descriptor left) goes on listening; it must not end the process.
      listener.on('error', (error) => log.error({ err: error }, 'the gRPC listener failed'));
      resolve(listener);
    });
  });
}

function cannotListen(address: string, cause: NodeJS.ErrnoException): Error {
  const why = cause.code === 'EADDRINUSE' ? 'the address is already in use' : cause.message;
  return new Error(`cannot listen for gRPC on ${address}: ${why}`, { cause });
}

function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
