/**
 * The gateway that a host embeds: the supervision tree of `application.ts`, and the two ports before it. Who is started after whom
 * is told there; here is what a host may ask, and how the whole is drained and stopped.
 */
import type { Server } from '@grpc/grpc-js';
import { pino } from 'pino';
import { gatewayTree } from './application.js';
import { folderArchives, sourceFactory } from './cameras/index.js';
import type { ClusterNode } from './cluster/node.js';
import { type Configuration, ConfigurationError, configure } from './configuration.js';
import type { Cameras } from './gateway/cameras.js';
import type { Channels } from './gateway/channels.js';
import type { ClientManager } from './gateway/client-manager.js';
import type { SourceFactory } from './gateway/frame-source.js';
import { GatewayError } from './gateway/gateway-error.js';
import type { LiveGateway } from './gateway/live-gateway.js';
import type { CameraOptions, GatewayOptions } from './gateway/options.js';
import type { Rooms } from './gateway/rooms.js';
import type { Services } from './gateway/services.js';
import type { Sessions } from './gateway/sessions.js';
import type { ClusterView, GatewayEvent, Resources, TreeView } from './gateway/views.js';
import { authenticates } from './grpc/auth.js';
import type { GrpcChannel, GrpcChannelOptions } from './grpc/channel.js';
import { encodeFrame } from './grpc/frame-codec.js';
import { type AttachedServices, attachServices, startGrpcServer } from './grpc/server.js';
import { readTls, type TlsMaterial } from './grpc/tls.js';
import type { GatewayHostOptions } from './host-options.js';
import { inspectionOf } from './inspection.js';
import { joinCluster } from './join-cluster.js';
import { Listener } from './listener.js';
import { observe } from './observation.js';
import { isLoopback } from './ops/access.js';
import { createHttpHandler, type HttpHandler } from './ops/handler.js';
import { startHttpServer } from './ops/http.js';
import { LogFile } from './ops/log-file.js';
import { ownLogger } from './ops/own-logger.js';
import { type Application, startApplication } from './otp/application.js';
import { leftovers } from './otp/leaks.js';
import { System } from './otp/system.js';

export type { GatewayHostOptions } from './host-options.js';
/** The gateway as a host holds it. */
export interface SluiceGateway extends AsyncDisposable {
  readonly configuration: Configuration;
  readonly clients: ClientManager;
  readonly sessions: Sessions;
  readonly services: Services;
  readonly cameras: Cameras;
  readonly rooms: Rooms;
  /** Connections to other gRPC servers, shared by all who call them. */
  readonly channels: Channels<GrpcChannel, GrpcChannelOptions>;
  /** This gateway among the others; absent while it is alone or not started. */
  readonly cluster: ClusterNode | undefined;
  /** This gateway among the others, as `/api/cluster` shows it; undefined while it is alone. */
  clusterView(): ClusterView | undefined;
  /** The other gateways of the cluster that are heard, by their node. */
  readonly neighbours: readonly string[];
  /** Mount it in a server of yours; it serves what the HTTP port serves. */
  readonly httpHandler: HttpHandler;
  /** Real addresses once started. */
  readonly addresses: {
    readonly grpc: string | undefined;
    readonly http: string | undefined;
    /** Where the Stately inspector is opened, with `inspect`. */
    readonly inspector: string | undefined;
  };
  /** Resolves when both ports are bound. Rejects, with nothing left behind, when they cannot be. */
  start(): Promise<void>;
  /**
   * Tells everybody to go, waits for them as long as `deadlineMs` (default `shutdown.deadlineMs`), stops everything.
   * Idempotent; never rejects for lateness: what is late is ended.
   */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  /**
   * Adds the gateway's services, health and reflection to a gRPC server of the host. Its port and its TLS are the host's;
   * `grpc.auth` holds there too. The host stops its server after this gateway has stopped.
   */
  attach(server: Pick<Server, 'addService'>): void;
  tree(): TreeView;
  resources(): Resources;
  /** What is held right now, by kind; after `stop` it is empty. */
  census(): Readonly<Record<string, number>>;
  why: LiveGateway['why'];
  /** Calls `fn` for each event of this type, or of any with `*`. @returns its undo. */
  on(type: string, fn: (event: GatewayEvent) => void): () => void;
}

/** Makes a gateway; nothing runs before `start`. Throws a `ConfigurationError` that names what is wrong. */
export function createGateway(hostOptions: GatewayHostOptions = {}): SluiceGateway {
  const {
    logger,
    clock,
    random = Math.random,
    signal,
    drivers,
    grpcCameras,
    roomBackend,
    inspect,
    flight = true,
    engine,
    watchCollection = false,
    authorize,
    telemetry: openTelemetry = {},
    ...input
  } = hostOptions;
  const configuration = configure(input);
  const tls = readGrpcTls(configuration.grpc);
  const { level, file, rotate } = configuration.log;
  const logFile = logger || file === undefined ? undefined : new LogFile({ file, rotate });
  const log = logger ?? ownLogger(level, logFile ?? pino.destination({ dest: 1, sync: true }));
  if (!isLoopback(configuration.grpc.host) && !tls)
    log.warn('grpc.tls is not set: tokens go over the network as they are');
  const inspection = inspectionOf(inspect);
  const { observer } = inspection;
  const system = new System({ ...(clock ? { clock } : {}), ...(observer ? { inspect: observer } : {}) });
  const options = configuration as GatewayOptions;
  const cluster = joinCluster({
    configuration,
    clock: system.clock,
    random,
    engine,
    note: (type, detail) => chronicle.note({ type, actor: 'sluice/core/cluster', kind: 'cluster', detail }),
  });
  const { clients, sessions, cameras, rooms, board, channels, chronicle, telemetry, live, sources, root } = gatewayTree(
    {
      cluster,
      options,
      system,
      sources: (url, more, how) => sourceFactory(url, { ...more, ...drivers }, how),
      archives: folderArchives,
      encode: encodeFrame,
      random,
      grpcCameras,
      ...(roomBackend ? { roomBackend } : {}),
    },
  );

  const grpcOptions = configuration.grpc;
  const httpOptions = { ...configuration.http, authorize };
  const ready = (): boolean => grpc.bound && http.bound;
  const seen = { live, chronicle, telemetry, system, log, ready };
  const { metrics, flights, watch, pinged, ...observation } = observe({
    ...seen,
    watchCollection,
    openTelemetry,
    flight,
  });
  const grpc = new Listener(async (port) =>
    startGrpcServer({ gateway: live, ...grpcOptions, tls, port: port ?? grpcOptions.port, pinged, log }),
  );
  const http = new Listener(async (port) =>
    startHttpServer({ gateway: live, ...httpOptions, port: port ?? httpOptions.port, log, ready, metrics, flights }),
  );
  const inspector = inspection.listener(system);
  /** In servers of the host's. */
  const attached: AttachedServices[] = [];

  // Stopped in the opposite order: HTTP tells how the end stands for as long as gRPC takes to end.
  const tree = root([
    ...(inspector ? [{ id: 'inspector', start: inspector.start }] : []),
    watch,
    { id: 'http', start: http.start },
    { id: 'grpc', start: grpc.start },
  ]);

  let started: Promise<Application> | undefined;
  let stopped: Promise<void> | undefined;

  const start = async (): Promise<void> => {
    if (stopped) throw new GatewayError('draining', 'draining: a gateway that was stopped does not start again');
    // A wrong source is said before anything is opened.
    for (const camera of options.cameras) checkSource(sources, camera);
    started ??= startWithLog();
    await started;
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
  };
  const startWithLog = async (): Promise<Application> => {
    await logFile?.open();
    try {
      return await startApplication('sluice', tree, system);
    } catch (error) {
      await logFile?.close();
      throw error;
    }
  };
  const abort = (): void => void gateway.stop();

  const stop = async (deadlineMs: number): Promise<void> => {
    signal?.removeEventListener('abort', abort);
    const application = await started?.catch(() => undefined);
    if (application) {
      grpc.server?.drain();
      for (const services of attached) services.drain();
      const beganMs = system.clock.now();
      await live.drain(deadlineMs, true);
      // What is left after the drain has what is left of the time, and a second to be closed by force.
      const leftMs = Math.max(0, deadlineMs - (system.clock.now() - beganMs));
      await application.stop({ timeoutMs: leftMs + 1_000 });
    } else system.close();
    for (const services of attached) services.stop();
    observation.stop();
    chronicle.close();
    await logFile?.close();
  };

  const gateway: SluiceGateway = {
    configuration,
    clients,
    sessions,
    services: board.hostServices,
    cameras,
    rooms,
    channels,
    get cluster() {
      return cluster?.node;
    },
    clusterView: () => live.cluster(),
    get neighbours() {
      return board.neighbours.nodes();
    },
    httpHandler: createHttpHandler({ gateway: live, ...httpOptions, log, ready, metrics, flights }),
    get addresses() {
      return {
        grpc: grpc.server?.address,
        http: http.server?.address,
        inspector: inspector?.server?.address,
      };
    },
    start,
    stop: ({ deadlineMs = configuration.shutdown.deadlineMs } = {}) => {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
    attach: (server) => void attached.push(attachServices(server, { gateway: live, auth: grpcOptions.auth, log })),
    tree: () => live.tree(),
    resources: () => live.resources(),
    census: () => leftovers(system),
    why: (id) => live.why(id),
    on: (type, fn) => live.onEvent((event) => (type === '*' || event.type === type ? fn(event) : undefined)),
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
  return gateway;
}

/** Reads what TLS is made of. Whoever can be reached from other machines has to ask callers who they are. */
function readGrpcTls({ host, tls, auth }: Configuration['grpc']): TlsMaterial | undefined {
  if (!isLoopback(host) && !authenticates(auth, tls?.requireClientCert === true)) {
    throw new ConfigurationError([
      `grpc.host: expected a loopback address, got ${host}; others need grpc.auth.tokens or grpc.tls with requireClientCert`,
    ]);
  }
  if (auth.certificates.length > 0 && tls?.ca === undefined) {
    throw new ConfigurationError([
      'grpc.tls.ca: expected who signs the certificates that grpc.auth.certificates names, got nothing',
    ]);
  }
  try {
    return tls && readTls(tls, 'grpc.tls');
  } catch (error) {
    throw new ConfigurationError([(error as Error).message]);
  }
}

function checkSource(sources: SourceFactory, camera: CameraOptions): void {
  try {
    sources(camera.source, {}, camera);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new GatewayError(error.code, `camera "${camera.id}": ${error.message}`, { cause: error });
  }
}
