/**
 * The gRPC server: the gateway's services, health and reflection, behind one guard, on a port of ours or in a server of the
 * host's.
 *
 * Stopping has two steps. `drain` refuses newcomers while the gateway ends its streams; `stop` then closes what is left,
 * in order first and by force after the grace. It always comes to an end.
 */
import type { Socket } from 'node:net';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { audioHandlers } from './audio-bridge.js';
import { audioService } from './audio-service.js';
import { type AuthOptions, Doorkeeper } from './auth.js';
import { serveCall } from './call.js';
import { CallGuard } from './call-guard.js';
import { serveConnect } from './connect.js';
import { timePings, widenReceiveWindows } from './grpc-js-internals.js';
import { Health } from './health.js';
import { refuseIllegalHeaders, STREAMS_PER_CONNECTION_MAX, setHttp2Limits } from './http2-limits.js';
import { formatAddress, type Listening, listen } from './listen.js';
import { OpenCalls } from './open-calls.js';
import { serveProduceCameraStream } from './produce-camera-stream.js';
import { servePublish } from './publish.js';
import { addReflection } from './reflection.js';
import { RefusalLog } from './refusal-log.js';
import type { GrpcLog } from './served-call.js';
import { cameraService, gatewayService } from './services.js';
import { statusOfError } from './status.js';
import type { TlsMaterial } from './tls.js';
import { serveWatch } from './watch.js';

/** What the services need, on whatever server. */
export interface ServiceOptions {
  readonly gateway: Gateway;
  /** Who may do what. Absent: everybody everything. */
  readonly auth?: AuthOptions | undefined;
  readonly log: GrpcLog;
}

export interface GrpcServerOptions extends ServiceOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: TlsMaterial | undefined;
  /** New connections that one address may open; absent: as many as it likes. */
  readonly connectionsPerSecond?: number | undefined;
  /** How long a connection may be silent before it is asked, and how long it may take to answer. */
  readonly keepalive: { readonly timeMs: number; readonly timeoutMs: number };
  /** Called with how long a connection that was asked took to answer. */
  readonly pinged?: ((ms: number) => void) | undefined;
  /** The largest message that is taken from a peer. */
  readonly maxMessageBytes: number;
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

/** Ended calls may still have their status on the way when grpc-js says that it has shut down; so long they may take. */
const LAST_WORDS_MS = 250;

/** A connection without a call, such as a health probe leaves behind, is closed after this. */
const CONNECTION_IDLE_MS = 300_000;

/** What a peer may have on its way to us, per stream and per connection: 25 MB/s over a round trip of 40 ms. */
const RECEIVE_WINDOW_BYTES = 1024 * 1024;

/** Rejects with one line that names the address when it cannot be listened on. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const services = new Services(options, options.tls?.requireClientCert ?? false);
  const server = new Server({
    'grpc.keepalive_time_ms': options.keepalive.timeMs,
    'grpc.keepalive_timeout_ms': options.keepalive.timeoutMs,
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
    'grpc.max_connection_idle_ms': CONNECTION_IDLE_MS,
    // Its statistics would be kept of each message, and nobody can ask for them: the service that tells them is not served.
    'grpc.enable_channelz': 0,
    interceptors: [...services.guard.interceptors],
  });
  setHttp2Limits(server);
  widenReceiveWindows(server, RECEIVE_WINDOW_BYTES);
  if (options.pinged) timePings(server, options.pinged);
  services.addTo(server);
  // TLS is ended before grpc-js: what it is given are connections that speak HTTP/2.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  refuseIllegalHeaders(server);
  try {
    const listening = await listen(options, (socket) => injector.injectConnection(socket));
    return running(server, listening, services, options.host);
  } catch (thrown) {
    services.stop();
    server.forceShutdown();
    throw thrown;
  }
}

/** The gateway's services in a server that is not ours. */
export interface AttachedServices {
  /** Health says NOT_SERVING. Idempotent. */
  drain(): void;
  /** Ends every stream that is left. The server is not touched. Idempotent. */
  stop(): void;
}

/**
 * Adds all services to a server of the host's. Its ports, its TLS and its limits are the host's; who may do what is asked
 * here. Health and reflection are left out where the host has its own.
 */
export function attachServices(server: Pick<Server, 'addService'>, options: ServiceOptions): AttachedServices {
  const services = new Services(options, false);
  services.addTo(server);
  return services;
}

class Services implements AttachedServices {
  readonly guard: CallGuard;
  readonly #options: ServiceOptions;
  readonly #health: Health;
  readonly #refusals: RefusalLog;
  #calls: OpenCalls | undefined;

  constructor(options: ServiceOptions, certificatesRequired: boolean) {
    const { gateway, log, auth = NO_AUTH } = options;
    this.#options = options;
    this.#health = new Health(gateway);
    this.#refusals = new RefusalLog(log, 'gRPC calls were refused');
    this.guard = new CallGuard(new Doorkeeper(auth, certificatesRequired, gateway), this.#refusals);
  }

  addTo(server: Pick<Server, 'addService'>): void {
    const { gateway, log } = this.#options;
    const calls = new OpenCalls(server, log, this.guard);
    this.#calls = calls;
    addGatewayServices(calls, gateway, log);
    unlessThere(() => this.#health.addTo(calls));
    unlessThere(() => addReflection(calls, calls.definitions));
  }

  drain(): void {
    this.#health.drain();
  }

  stop(): void {
    this.drain();
    this.#health.stop();
    this.#calls?.endAll(statusOfError(new GatewayError('draining', 'this gateway is shutting down')));
    this.#refusals.flush();
  }
}

const NO_AUTH: AuthOptions = { tokens: [], certificates: [] };

/** grpc-js refuses a method that somebody has added already: then the host serves it himself. */
function unlessThere(add: () => void): void {
  try {
    add();
  } catch (thrown) {
    if (!(thrown instanceof Error && thrown.message.includes('already provided'))) throw thrown;
  }
}

/** Adds `sluice.v1.Gateway`, `sluice.v1.AudioBridge` and `sluice.v1.Camera` to a server. */
export function addGatewayServices(server: Pick<Server, 'addService'>, gateway: Gateway, log: GrpcLog): void {
  add(server, gatewayService, {
    connect: serveConnect(gateway, log),
    watch: serveWatch(gateway, log),
    publish: servePublish(gateway, log),
    call: serveCall(gateway, log),
  });
  add(server, audioService, audioHandlers(gateway, log));
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

function running(server: Server, listening: Listening, services: Services, host: string): GrpcServer {
  const { port, sockets } = listening;
  let stopped: Promise<void> | undefined;
  const drain = (): void => {
    services.drain();
    listening.close();
  };
  const stop = async (graceMs: number): Promise<void> => {
    drain();
    services.stop();
    const lastWordsMs = Math.min(graceMs / 2, LAST_WORDS_MS);
    await tryShutdown(server, graceMs - lastWordsMs);
    await closed(sockets, lastWordsMs);
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
