/**
 * A gateway small enough to hold in one hand: the interface that the HTTP side is written against, with what a test wants
 * to see in it. The same routes are tested with the real gateway elsewhere.
 */
import { EventLog } from '../../src/gateway/event-log.js';
import type { Frame } from '../../src/gateway/frame.js';
import type { Gateway } from '../../src/gateway/gateway.js';
import { GatewayError } from '../../src/gateway/gateway-error.js';
import type { RecordingArchive } from '../../src/gateway/recording.js';
import type { FrameWire, StreamHandle, WatchOptions } from '../../src/gateway/transport.js';
import type {
  ActorDetail,
  ActorView,
  CameraView,
  ClientView,
  GatewayEvent,
  LeaksView,
  RankedActor,
  RankQuery,
  Resources,
  TopicView,
  TreeQuery,
  TreeRows,
  TreeView,
} from '../../src/gateway/views.js';
import type { ExitReason } from '../../src/otp/exit-reason.js';

/** One viewer as the gateway sees it. */
export class Viewer implements StreamHandle {
  readonly id = 'stream:http-1';
  readonly request: WatchOptions;
  readonly left: Promise<string>;
  readonly #wire: FrameWire;
  #leave: (how: string) => void = () => {};

  constructor(request: WatchOptions, wire: FrameWire) {
    this.request = request;
    this.#wire = wire;
    this.left = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  /** Resolves when the wire has taken the frame; rejects when it failed. */
  show(frame: Frame): Promise<void> {
    return new Promise((resolve, reject) => this.#wire.write(frame, (error) => (error ? reject(error) : resolve())));
  }

  end(reason: ExitReason): void {
    this.#wire.end(reason);
  }

  peerCancelled = (): void => this.#leave('cancelled');
  peerHalfClosed = (): void => this.#leave('half-closed');
  failed = (): void => this.#leave('failed');
  deadlineExceeded = (): void => this.#leave('deadline');
}

export class GatewayDouble implements Gateway {
  readonly log = new EventLog<GatewayEvent>({ capacity: 500 });
  readonly acts: string[] = [];
  readonly viewers: Viewer[] = [];
  /** What is recorded of the camera "front". */
  archive: RecordingArchive | undefined;
  clientList: ClientView[] = [];
  draining = false;
  asked = 0;
  readonly options: Gateway['options'] = {
    node: { id: 'node-1', realm: 'default' },
    limits: {
      clients: 10,
      streamsPerClient: 16,
      cameras: 10,
      viewersPerCamera: 10,
      calls: 10,
      services: 10,
      topicsPerClient: 10,
      channels: 10,
    },
    services: { ttlMs: 1, sweepMs: 1 },
    channels: { connectMs: 1, waitMs: 1, idleMs: 1, closeMs: 1, keepalive: { timeMs: 1, timeoutMs: 1 } },
    calls: { timeoutMs: 1, attempts: 1, choice: 'round_robin' },
    session: { graceMs: 60_000, attachMs: 30_000, inactivityMs: 30_000, heartbeatMs: 5000, tokenTtlMs: 600_000 },
    app: { graceMs: 5_000, attempts: 2, webhookTimeoutMs: 10_000, slowLaneMs: 30_000 },
    stream: { queueFrames: 1, queueBytes: 1, overflow: 'drop_newest', maxAgeMs: 1, sendTimeoutMs: 1, stallMs: 1 },
    shutdown: { deadlineMs: 1 },
    cameras: [],
  };

  event(type: string, reason = 'killed', padding = 0): GatewayEvent {
    const detail = { padding: 'x'.repeat(padding) };
    return this.log.append({ atMs: 1, type, actor: 'sluice/cameras/camera:front', kind: 'camera', reason, detail });
  }

  connect(): never {
    throw new Error('not over HTTP');
  }

  watch(): never {
    throw new Error('not over HTTP');
  }

  publish(): never {
    throw new Error('not over HTTP');
  }

  get audio(): never {
    throw new Error('not over HTTP');
  }

  call(): never {
    throw new Error('not over HTTP');
  }

  async view(request: WatchOptions, wire: FrameWire): Promise<StreamHandle> {
    this.#cameraNamed(request.cameraId);
    const viewer = new Viewer(request, wire);
    this.viewers.push(viewer);
    this.#viewerCame(viewer);
    return viewer;
  }

  #viewerCame: (viewer: Viewer) => void = () => {};

  /** The next viewer that attaches. */
  nextViewer(): Promise<Viewer> {
    return new Promise((resolve) => {
      this.#viewerCame = resolve;
    });
  }

  recorded(cameraId: string): RecordingArchive {
    if (cameraId === 'front' && this.archive) return this.archive;
    throw new GatewayError('not_found', `not_found: camera "${cameraId}" is not recorded`);
  }

  async snapshot(cameraId: string, timeoutMs: number): Promise<Frame> {
    this.#cameraNamed(cameraId);
    if (cameraId === 'dark') throw new GatewayError('no_picture', `camera dark: no picture within ${timeoutMs} ms`);
    return frameOf(1, Buffer.from([0xff, 0xd8, 1, 2, 3, 0xff, 0xd9]), cameraId === 'evil' ? EVIL_TYPE : 'image/jpeg');
  }

  #cameraNamed(id: string): void {
    this.asked += 1;
    if (!this.cameras().some((camera) => camera.id === id)) {
      throw new GatewayError('camera_not_found', `camera: there is none with the id ${id}`);
    }
  }

  tree = (): TreeView => ({
    ...actorView('sluice', 'supervisor'),
    strategy: 'rest_for_one',
    children: [
      {
        ...actorView('sluice/cameras', 'supervisor'),
        children: ['front', 'back'].map((id) => ({
          ...actorView(`sluice/cameras/camera:${id}`, 'camera'),
          children: [],
        })),
      },
    ],
  });

  actors = (): readonly ActorView[] => [
    actorView('sluice', 'supervisor'),
    actorView('sluice/cameras/camera:front', 'camera'),
  ];
  actor = (id: string): ActorDetail | undefined => {
    this.asked += 1;
    const view = this.actors().find((actor) => actor.id === id);
    return view && { ...view, memoryBytes: 1, activeStates: [], watchedBy: [], watches: [] };
  };
  treeRows = ({ from }: TreeQuery): TreeRows => ({ rows: [], total: 0, from });
  rankedActors = ({ limit }: RankQuery): readonly RankedActor[] =>
    this.actors()
      .slice(0, limit)
      .map((view) => ({ ...view, memoryBytes: 1 }));
  leaks = (): LeaksView => ({ census: {}, holdings: [], holdingsTotal: 0, orphans: [], invariants: [] });

  clients = (): readonly ClientView[] => this.clientList;
  sessions = (): readonly never[] => [];
  streams = (): readonly never[] => [];
  cameras = (): readonly CameraView[] =>
    ['front', 'back', 'dark', 'evil'].map((id) => ({
      id,
      state: 'live',
      source: 'clip:demo',
      viewers: 1,
      frames: 2,
      skipped: 0,
      attempts: 1,
    }));

  rooms = (): readonly never[] => [];
  services = (): readonly never[] => [];
  calls = (): readonly never[] => [];
  channels = (): readonly never[] => [];
  cluster = (): undefined => undefined;
  topics = (): readonly TopicView[] => [{ id: 'weather.*', state: 'subscribed', subscribers: 2 }];

  resources = (): Resources => ({
    memory: { rss: 1, heapUsed: 1, external: 1, arrayBuffers: 1 },
    cpu: { userMs: 1, systemMs: 1 },
    eventLoop: { utilization: 0 },
    actors: { total: 5, byKind: { camera: 2 } },
    clients: 3,
    client_streams: 3,
    streams: 3,
    sessions: 3,
    rooms: 0,
    cameras: 2,
    viewers: 1,
    services: 0,
    calls: 0,
    topics: 2,
    channels: 0,
    workers: 1,
    monitors: 6,
    timers: 2,
    handles: 4,
    orphans: 0,
    limits: { clients: 10 },
    uptimeSeconds: 12,
  });

  why = (id: string) => [{ actor: id, reason: 'killed', atMs: 1 }];
  events = (afterId?: number): readonly GatewayEvent[] => this.log.since(afterId);
  onEvent = (listener: (event: GatewayEvent) => void): (() => void) => this.log.listen(listener);

  evict = (id: string): void => {
    if (id !== 'camera-7:50051#3') throw new GatewayError('not_found', `not_found: there is no connection "${id}"`);
    this.acts.push(`evict ${id}`);
  };
  undrain = (): void => {
    this.draining = false;
    this.acts.push('undrain');
  };

  async act(id: string, action: 'stop' | 'kill' | 'restart', why?: string): Promise<void> {
    this.asked += 1;
    if (!this.actor(id)) throw new GatewayError('actor_not_found', `actor: there is none with the id ${id}`);
    this.acts.push(`${action} ${id}${why === undefined ? '' : ` because ${why}`}`);
  }

  cleanUp = (): Readonly<Record<string, number>> => ({ session: 2 });

  async drain(deadlineMs?: number): Promise<void> {
    this.draining = true;
    this.acts.push(`drain ${deadlineMs}`);
  }
}

const EVIL_TYPE = 'text/html\r\nSet-Cookie: a=b';

export function frameOf(seq: number, picture: Buffer, contentType = 'image/jpeg'): Frame {
  return { cameraId: 'front', seq, timestampMs: 1000 + seq, contentType, key: true, picture, message: Buffer.alloc(0) };
}

function actorView(id: string, kind: string): ActorView {
  return { id, kind, state: 'running', restarts: 0, startedAtMs: 1, holds: {}, monitors: 0, mailbox: 0 };
}
