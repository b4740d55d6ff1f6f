/**
 * The supervision tree of a gateway and the tables that its actors keep: everything but the ports. Whoever has ports gives
 * them as `listeners`; without any, the whole of the gateway runs where there is no network, as in the simulation.
 *
 *     sluice (rest_for_one, 10 in 60 s)
 *     ├─ core (rest_for_one)        cluster, where there are several gateways · courier · clients, the client manager · topics · services · calls · channels · neighbours, likewise
 *     ├─ cameras (dynamic)          camera:<id> · recorder:<id>, where it is recorded
 *     ├─ rooms (dynamic)            room:<name> → keeper, users, their audio
 *     ├─ sessions (dynamic)         session:<node id> → client, streams
 *     ├─ janitor                    takes away what has outlived its time
 *     └─ listeners (one_for_one)    views (dynamic, over HTTP) · the listeners that were given
 *
 * A crash inside `core` restarts what comes after it inside `core`; sessions, cameras, rooms and listeners live on, and the fresh
 * client manager, topic desk and service desk are told of them anew.
 */
import { CLUSTER_SHUTDOWN_MS, type ClusterActor } from './cluster/cluster-actor.js';
import { ClusterOwnership } from './cluster/cluster-ownership.js';
import { Cameras } from './gateway/cameras.js';
import type { ChannelConnector } from './gateway/channel.js';
import { Channels, type ChannelsInput, channelsLogic } from './gateway/channels.js';
import { Chronicle } from './gateway/chronicle.js';
import { ClientManager, type ClientManagerInput, clientManagerLogic } from './gateway/client-manager.js';
import { COURIER_SHUTDOWN_MS, Courier, courierLogic } from './gateway/courier.js';
import { FarCameras } from './gateway/far-cameras.js';
import type { FrameEncoder } from './gateway/frame.js';
import type { SourceFactory } from './gateway/frame-source.js';
import { type JanitorInput, janitorLogic } from './gateway/janitor.js';
import { LiveGateway } from './gateway/live-gateway.js';
import type { GatewayOptions } from './gateway/options.js';
import { MemoryOwnership } from './gateway/ownership.js';
import { Place } from './gateway/place.js';
import type { ArchiveFactory } from './gateway/recording.js';
import { EmbeddedRooms, type RoomBackend } from './gateway/room-backend.js';
import { loadSound, type SoundLoader } from './gateway/room-sound.js';
import { Rooms } from './gateway/rooms.js';
import { Sessions } from './gateway/sessions.js';
import { Switchboard } from './gateway/switchboard.js';
import { Telemetry } from './gateway/telemetry.js';
import { callWebhook, fencedWebhook } from './gateway/webhook.js';
import { encodeChunk } from './grpc/audio-service.js';
import { type GrpcCameraOptions, grpcCameraDrivers } from './grpc/camera-source.js';
import { type GrpcChannel, type GrpcChannelOptions, GrpcConnector } from './grpc/channel.js';
import { describeReason } from './otp/exit-reason.js';
import { type ChildSpec, dynamicSupervisor, type SupervisorOptions, supervisor } from './otp/index.js';
import type { System } from './otp/system.js';

export interface GatewayTreeParts {
  readonly options: GatewayOptions;
  readonly system: System;
  readonly sources: SourceFactory;
  readonly encode: FrameEncoder;
  /** Where recordings are kept. Default: cameras are not recorded. */
  readonly archives?: ArchiveFactory | undefined;
  /** In [0, 1). */
  readonly random: () => number;
  readonly grpcCameras?: GrpcCameraOptions | undefined;
  /** Who connects to others. Default: grpc-js. */
  readonly connector?: ChannelConnector<GrpcChannel, GrpcChannelOptions>;
  /** How third parties are told. Default: by HTTP. */
  readonly webhook?: typeof callWebhook;
  /** This gateway among several. Default: it is alone. */
  readonly cluster?: ClusterActor | undefined;
  /** What carries the audio of rooms. Default: a relay within this process. */
  readonly roomBackend?: RoomBackend;
  /** How the sound is fetched that somebody plays. Default: from a file of this machine, or over HTTP. */
  readonly sounds?: SoundLoader;
}

export interface GatewayTree {
  readonly clients: ClientManager;
  readonly sessions: Sessions;
  readonly cameras: Cameras;
  readonly rooms: Rooms;
  readonly board: Switchboard;
  readonly channels: Channels<GrpcChannel, GrpcChannelOptions>;
  readonly chronicle: Chronicle;
  /** What happens too often to be chronicled. */
  readonly telemetry: Telemetry;
  readonly live: LiveGateway;
  /** Makes any source that a camera of this gateway may have. */
  readonly sources: SourceFactory;
  /** The tree to start; `listeners` are started last and in this order, and stopped first and in the opposite one. */
  root(listeners: readonly ChildSpec[]): SupervisorOptions;
}

/** Makes the tables and says how their actors are started; nothing runs yet. */
export function gatewayTree(parts: GatewayTreeParts): GatewayTree {
  const { options, system, encode, random, cluster, connector = new GrpcConnector(parts.options.channels) } = parts;
  const chronicle = new Chronicle(system);
  const courier = new Place();
  const manager = new Place();
  const pool = new Place();
  const cameraSup = new Place();
  const roomSup = new Place();
  const sessionSup = new Place();
  const viewSup = new Place();

  const ownership = cluster ? new ClusterOwnership(() => cluster?.node, 'session.') : new MemoryOwnership();
  const clients = new ClientManager(() => manager.process);
  const board = new Switchboard(options, random);
  const telemetry = new Telemetry(system);
  board.calls.onEnded = (end) => telemetry.tell({ type: 'call.ended', ...end });
  const sessions = new Sessions({
    options,
    board,
    manager: clients,
    supervisor: () => sessionSup.ref,
    ownership,
    courier: new Courier(courier, fencedWebhook(parts.webhook ?? callWebhook, ownership)),
    note: (type, { process, nodeId }, reason, detail) =>
      chronicle.note({
        type,
        actor: process.path,
        kind: 'session',
        detail: { nodeId, ...detail },
        ...(reason === undefined ? {} : { reason: describeReason(reason) }),
      }),
  });
  const channels = new Channels<GrpcChannel, GrpcChannelOptions>(() => pool.process);
  const drivers = grpcCameraDrivers(channels, parts.grpcCameras);
  const sources: SourceFactory = (url, more, how) =>
    parts.sources(url, { ...drivers, ...(cluster ? { 'node:': cluster.farSource } : {}), ...more }, how);
  const cameras = new Cameras({
    options,
    sources: cluster ? cluster.ownedSources(sources) : sources,
    encode,
    random,
    supervisor: () => cameraSup.ref,
    note: (type, { id, process }, { reason, ...detail } = {}) =>
      chronicle.note({
        type,
        actor: process.path,
        kind: 'camera',
        ...(reason === undefined ? {} : { reason }),
        detail: { camera: id, ...detail },
      }),
    archives: parts.archives,
    recorderNote: (type, { cameraId, process }, { reason, ...detail } = {}) =>
      chronicle.note({
        type,
        actor: process.path,
        kind: 'recorder',
        ...(reason === undefined ? {} : { reason }),
        detail: { camera: cameraId, ...detail },
      }),
  });
  const far = cluster && new FarCameras(cameras, cluster.elsewhere);
  if (far) cluster?.share({ neighbours: board.neighbours, cameras, far });
  const rooms = new Rooms({
    options,
    backend: parts.roomBackend ?? new EmbeddedRooms(encodeChunk),
    encode: encodeChunk,
    load: parts.sounds ?? loadSound,
    supervisor: () => roomSup.ref,
    clock: system.clock,
    note: (type, about, reason, detail) =>
      chronicle.note({ type, ...about, detail, ...(reason === undefined ? {} : { reason }) }),
  });
  const live = new LiveGateway({
    options,
    system,
    manager: clients,
    sessions,
    cameraTable: cameras,
    rooms,
    board,
    channels,
    chronicle,
    telemetry,
    views: () => viewSup.ref,
    ...(cluster ? { cluster: () => cluster.view(), far } : {}),
  });

  const managerInput = (): ClientManagerInput => ({
    clientsMax: options.limits.clients,
    streamsPerClientMax: options.limits.streamsPerClient,
    adopt: () => sessions.registrations(),
  });
  const channelsInput = (): ChannelsInput<GrpcChannel, GrpcChannelOptions> => ({
    connector,
    limits: { ...options.channels, channelsMax: options.limits.channels },
    last: () => live.draining,
    note: (type, { id, target, calls }, reason) =>
      chronicle.note({ type, actor: pool.process?.path ?? '', kind: 'channel', reason, detail: { id, target, calls } }),
  });
  const core: SupervisorOptions = {
    strategy: 'rest_for_one',
    intensity: 10,
    period: 60,
    children: [
      ...(cluster ? [{ id: 'cluster', shutdown: CLUSTER_SHUTDOWN_MS, start: cluster.start }] : []),
      { id: 'courier', shutdown: COURIER_SHUTDOWN_MS, start: courier.starts(courierLogic) },
      { id: 'clients', start: manager.starts(clientManagerLogic, managerInput) },
      { id: 'topics', start: board.startTopics },
      { id: 'services', start: board.startServices },
      { id: 'calls', start: board.startCalls },
      // A second more than its calls have to come to their end.
      { id: 'channels', shutdown: options.channels.closeMs + 1_000, start: pool.starts(channelsLogic, channelsInput) },
      ...(cluster ? [{ id: 'neighbours', type: 'supervisor' as const, start: board.startNeighbours }] : []),
    ],
  };
  const cameraOptions = (): SupervisorOptions => ({
    children: options.cameras.flatMap((camera) => cameras.specs(camera)),
    parallelStop: true,
    intensity: 100,
    period: 60,
  });
  const janitorInput = (): JanitorInput => ({ sweepMs: options.services.sweepMs, sweep: () => live.cleanUp() });
  const views: ChildSpec = { id: 'views', type: 'supervisor', start: viewSup.starts(dynamicSupervisor()) };

  const root = (listeners: readonly ChildSpec[]): SupervisorOptions => ({
    strategy: 'rest_for_one',
    intensity: 10,
    period: 60,
    children: [
      { id: 'core', type: 'supervisor', start: { logic: supervisor(core) } },
      { id: 'cameras', type: 'supervisor', start: cameraSup.starts(supervisor(cameraOptions)) },
      { id: 'rooms', type: 'supervisor', start: roomSup.starts(dynamicSupervisor()) },
      { id: 'sessions', type: 'supervisor', start: sessionSup.starts(dynamicSupervisor()) },
      { id: 'janitor', start: new Place().starts(janitorLogic, janitorInput) },
      {
        id: 'listeners',
        type: 'supervisor',
        start: { logic: supervisor({ intensity: 10, period: 60, children: [views, ...listeners] }) },
      },
    ],
  });
  return { clients, sessions, cameras, rooms, board, channels, chronicle, telemetry, live, sources, root };
}
