/**
 * The whole supervision tree on one screen, and the gateway that a host embeds.
 *
 *     sluice (rest_for_one, 10 in 60 s)
 *     ├─ core (rest_for_one)        courier · clients, the client manager · topics · services · calls
 *     ├─ cameras (dynamic)          camera:<id>
 *     ├─ sessions (dynamic)         session:<node id> → client, streams
 *     └─ listeners (one_for_one)    views (dynamic, over HTTP) · http · grpc
 *
 * A crash inside `core` restarts what comes after it inside `core`; sessions, cameras and listeners live on, and the fresh
 * client manager, topic desk and service desk are told of them anew.
 */
import type { Server } from '@grpc/grpc-js';
import { type Logger, pino } from 'pino';
import { sourceFactory } from './cameras/index.js';
import { type Configuration, ConfigurationError, type ConfigurationInput, configure } from './configuration.js';
import { Cameras } from './gateway/cameras.js';
import { Chronicle } from './gateway/chronicle.js';
import { ClientManager, type ClientManagerInput, clientManagerLogic } from './gateway/client-manager.js';
import { COURIER_SHUTDOWN_MS, Courier, courierLogic } from './gateway/courier.js';
import { GatewayError } from './gateway/gateway-error.js';
import { LiveGateway } from './gateway/live-gateway.js';
import type { GatewayOptions } from './gateway/options.js';
import { MemoryOwnership } from './gateway/ownership.js';
import { Place } from './gateway/place.js';
import type { Services } from './gateway/services.js';
import { Sessions } from './gateway/sessions.js';
import { Switchboard } from './gateway/switchboard.js';
import type { GatewayEvent, Resources, TreeView } from './gateway/views.js';
import { encodeFrame } from './grpc/frame-codec.js';
import { addGatewayServices, startGrpcServer } from './grpc/server.js';
import { Listener } from './listener.js';
import { isLoopback } from './ops/access.js';
import { createHttpHandler, type HttpHandler } from './ops/handler.js';
import { startHttpServer } from './ops/http.js';
import { logEvents } from './ops/log.js';
import { type Application, startApplication } from './otp/application.js';
import type { Clock } from './otp/clock.js';
import { describeReason } from './otp/exit-reason.js';
import { dynamicSupervisor, type SupervisorOptions, supervisor } from './otp/index.js';
import { leftovers } from './otp/leaks.js';
import { System, type SystemOptions } from './otp/system.js';

/** The configuration, and what cannot be written in a file. */
export interface GatewayHostOptions extends ConfigurationInput {
  /** Default: a pino logger of `log.level` on standard output. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** In [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** Stops the gateway when aborted. */
  readonly signal?: AbortSignal;
  readonly inspect?: SystemOptions['inspect'];
}

/** The gateway as a host holds it. */
export interface SluiceGateway extends AsyncDisposable {
  readonly configuration: Configuration;
  readonly clients: ClientManager;
  readonly sessions: Sessions;
  readonly services: Services;
  readonly cameras: Cameras;
  /** Mount it in a server of yours; it serves what the HTTP port serves. */
  readonly httpHandler: HttpHandler;
  /** Real addresses once started. */
  readonly addresses: { readonly grpc: string | undefined; readonly http: string | undefined };
  /** Resolves when both ports are bound. Rejects, with nothing left behind, when they cannot be. */
  start(): Promise<void>;
  /**
   * Tells everybody to go, waits for them as long as `deadlineMs` (default `shutdown.deadlineMs`), stops everything.
   * Idempotent; never rejects for lateness: what is late is ended.
   */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Adds the gateway's services to a gRPC server of the host. */
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
  const { logger, clock, random = Math.random, signal, inspect, ...input } = hostOptions;
  const configuration = configure(input);
  if (!isLoopback(configuration.grpc.host)) {
    throw new ConfigurationError([
      `grpc.host: expected a loopback address, got ${configuration.grpc.host}; this version has no gRPC authentication`,
    ]);
  }
  const log = logger ?? pino({ level: configuration.log.level });
  const system = new System({ ...(clock ? { clock } : {}), ...(inspect ? { inspect } : {}) });
  const chronicle = new Chronicle(system);
  const courier = new Place();
  const manager = new Place();
  const cameraSup = new Place();
  const sessionSup = new Place();
  const viewSup = new Place();
  const options = configuration as GatewayOptions;

  const clients = new ClientManager(() => manager.process);
  const board = new Switchboard(options, random);
  const sessions = new Sessions({
    options,
    board,
    manager: clients,
    supervisor: () => sessionSup.ref,
    ownership: new MemoryOwnership(),
    courier: new Courier(courier),
    note: (type, { process, nodeId }, reason, detail) =>
      chronicle.note({
        type,
        actor: process.path,
        kind: 'session',
        detail: { nodeId, ...detail },
        ...(reason === undefined ? {} : { reason: describeReason(reason) }),
      }),
  });
  const cameras = new Cameras({
    options,
    sources: sourceFactory,
    encode: encodeFrame,
    random,
    supervisor: () => cameraSup.ref,
    onDisconnected: ({ id, process }) =>
      chronicle.note({ type: 'camera.disconnected', actor: process.path, kind: 'camera', detail: { camera: id } }),
  });
  const live = new LiveGateway({
    options,
    system,
    manager: clients,
    sessions,
    cameraTable: cameras,
    board,
    chronicle,
    views: () => viewSup.ref,
  });

  const { grpc: grpcOptions, http: httpOptions } = configuration;
  const grpc = new Listener(async (port) =>
    startGrpcServer({ gateway: live, ...grpcOptions, port: port ?? grpcOptions.port, log }),
  );
  const http = new Listener(async (port) =>
    startHttpServer({ gateway: live, ...httpOptions, port: port ?? httpOptions.port, log, ready }),
  );
  const ready = (): boolean => grpc.bound && http.bound;

  const managerInput = (): ClientManagerInput => ({
    clientsMax: configuration.limits.clients,
    streamsPerClientMax: configuration.limits.streamsPerClient,
    adopt: () => sessions.registrations(),
  });
  const cameraSpecs = (): SupervisorOptions => ({
    children: options.cameras.map((camera) => cameras.spec(camera)),
    parallelStop: true,
    intensity: 100,
    period: 60,
  });

  const tree: SupervisorOptions = {
    strategy: 'rest_for_one',
    intensity: 10,
    period: 60,
    children: [
      {
        id: 'core',
        type: 'supervisor',
        start: {
          logic: supervisor({
            strategy: 'rest_for_one',
            intensity: 10,
            period: 60,
            children: [
              { id: 'courier', shutdown: COURIER_SHUTDOWN_MS, start: courier.starts(courierLogic) },
              { id: 'clients', start: manager.starts(clientManagerLogic, managerInput) },
              { id: 'topics', start: board.startTopics },
              { id: 'services', start: board.startServices },
              { id: 'calls', start: board.startCalls },
            ],
          }),
        },
      },
      { id: 'cameras', type: 'supervisor', start: cameraSup.starts(supervisor(cameraSpecs)) },
      { id: 'sessions', type: 'supervisor', start: sessionSup.starts(dynamicSupervisor()) },
      {
        id: 'listeners',
        type: 'supervisor',
        start: {
          logic: supervisor({
            intensity: 10,
            period: 60,
            children: [
              { id: 'views', type: 'supervisor', start: viewSup.starts(dynamicSupervisor()) },
              // Stopped in the opposite order: HTTP tells how the end stands for as long as gRPC takes to end.
              { id: 'http', start: http.start },
              { id: 'grpc', start: grpc.start },
            ],
          }),
        },
      },
    ],
  };

  let started: Promise<Application> | undefined;
  let stopped: Promise<void> | undefined;
  const stopLog = logEvents(log, live);

  const start = async (): Promise<void> => {
    if (stopped) throw new GatewayError('draining', 'draining: a gateway that was stopped does not start again');
    // A wrong source is said before anything is opened.
    for (const camera of options.cameras) checkSource(camera);
    started ??= startApplication('sluice', tree, system);
    await started;
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
  };
  const abort = (): void => void gateway.stop();

  const stop = async (deadlineMs: number): Promise<void> => {
    signal?.removeEventListener('abort', abort);
    const application = await started?.catch(() => undefined);
    if (application) {
      grpc.server?.drain();
      const beganMs = system.clock.now();
      await live.drain(deadlineMs);
      // What is left after the drain has what is left of the time, and a second to be closed by force.
      const leftMs = Math.max(0, deadlineMs - (system.clock.now() - beganMs));
      await application.stop({ timeoutMs: leftMs + 1_000 });
    } else system.close();
    stopLog();
    chronicle.close();
  };

  const gateway: SluiceGateway = {
    configuration,
    clients,
    sessions,
    services: board.services,
    cameras,
    httpHandler: createHttpHandler({ gateway: live, ...httpOptions, log, ready }),
    get addresses() {
      return { grpc: grpc.server?.address, http: http.server?.address };
    },
    start,
    stop: ({ deadlineMs = configuration.shutdown.deadlineMs } = {}) => {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
    attach: (server) => addGatewayServices(server, live, log),
    tree: () => live.tree(),
    resources: () => live.resources(),
    census: () => leftovers(system),
    why: (id) => live.why(id),
    on: (type, fn) => live.onEvent((event) => (type === '*' || event.type === type ? fn(event) : undefined)),
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
  return gateway;
}

function checkSource({ id, source }: { readonly id: string; readonly source: string }): void {
  try {
    sourceFactory(source);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new GatewayError(error.code, `camera "${id}": ${error.message}`, { cause: error });
  }
}
