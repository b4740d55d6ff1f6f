/**
 * The gateway as its edges see it: gRPC, HTTP and hosts talk to this and to nothing below it. Every method that may be
 * refused throws a `GatewayError`.
 */
import type { Frame } from './frame.js';
import type { GatewayOptions } from './options.js';
import type { RecordingArchive } from './recording.js';
import type { AudioRooms } from './room-transport.js';
import type {
  CallOptions,
  CallWire,
  ControlHandle,
  ControlWire,
  FrameWire,
  Hello,
  PublishHandle,
  PublishOptions,
  PublishWire,
  StreamHandle,
  WatchOptions,
} from './transport.js';
import type {
  ActorDetail,
  ActorView,
  CallView,
  CameraView,
  CauseView,
  ChannelView,
  ClientView,
  ClusterView,
  GatewayEvent,
  LeaksView,
  RankedActor,
  RankQuery,
  Resources,
  RoomView,
  ServiceView,
  SessionView,
  StreamView,
  TopicView,
  TreeQuery,
  TreeRows,
  TreeView,
} from './views.js';

export interface Gateway {
  readonly options: GatewayOptions;
  readonly draining: boolean;

  /** A hello on a control stream. Resolves when the client is registered and welcomed. */
  connect(hello: Hello, wire: ControlWire): Promise<ControlHandle>;

  /**
   * Somebody watches a camera over gRPC. `nodeId` attaches the stream to that client; without one, or when no such client
   * is present, the call gets an implicit client of its own.
   */
  watch(request: WatchOptions, nodeId: string | undefined, wire: FrameWire): Promise<StreamHandle>;

  /**
   * Somebody publishes frames for a camera whose source is `push:`. `nodeId` as with `watch`. Who comes later for the same
   * camera takes the place of the one before.
   */
  publish(request: PublishOptions, nodeId: string | undefined, wire: PublishWire): Promise<PublishHandle>;

  /** Somebody calls a procedure outside Connect. `nodeId` as with `watch`. The answer comes on the wire. */
  call(request: CallOptions, nodeId: string | undefined, wire: CallWire): Promise<StreamHandle>;

  /** Somebody watches over HTTP: a viewer, but no client. */
  view(request: WatchOptions, wire: FrameWire): Promise<StreamHandle>;

  /** The next or the last frame of a camera. Opens an on-demand camera; `no_picture` after `timeoutMs`. */
  snapshot(cameraId: string, timeoutMs: number): Promise<Frame>;

  /** What was recorded of a camera. `camera_not_found`, or `not_found` for one that is not recorded. */
  recorded(cameraId: string): RecordingArchive;

  /** What the audio bridge asks for: joins, audio, and what is played. */
  readonly audio: AudioRooms;

  tree(): TreeView;
  actors(): readonly ActorView[];
  actor(id: string): ActorDetail | undefined;
  /** The part of the tree that somebody looks at. */
  treeRows(query: TreeQuery): TreeRows;
  /** The actors that stand out. */
  rankedActors(query: RankQuery): readonly RankedActor[];
  /** What is held and by whom, and what may never be. */
  leaks(): LeaksView;
  clients(): readonly ClientView[];
  sessions(): readonly SessionView[];
  streams(): readonly StreamView[];
  cameras(): readonly CameraView[];
  rooms(): readonly RoomView[];
  services(): readonly ServiceView[];
  calls(): readonly CallView[];
  topics(): readonly TopicView[];
  channels(): readonly ChannelView[];
  /** This gateway among the others; undefined where it is alone. */
  cluster(): ClusterView | undefined;
  resources(): Resources;
  /** From the last death of this actor back to the first failure; empty when it has not died. */
  why(id: string): readonly CauseView[];

  /** Events kept, the oldest first, after `afterId`. */
  events(afterId?: number): readonly GatewayEvent[];
  /** Calls `listener` for each event from now on; returns the undo. */
  onEvent(listener: (event: GatewayEvent) => void): () => void;

  /**
   * `stop`: in order; `kill`: at once; `restart`: killed, and started again by its supervisor.
   * @param why in the words of whoever asks; it stands in the event.
   */
  act(id: string, action: 'stop' | 'kill' | 'restart', why?: string): Promise<void>;
  /** Shuts the connection with this id: nobody gets it any more, its open calls have a while to end. `not_found`. */
  evict(id: string): void;
  /** Sweeps now; what was removed, by kind. */
  cleanUp(): Readonly<Record<string, number>>;
  /** Refuses newcomers and tells every session and viewer to go. Resolves when they have gone or the deadline has come. */
  drain(deadlineMs?: number): Promise<void>;
  /** Takes newcomers again; who has gone is gone. `draining` when the gateway is on its way to its end. */
  undrain(): void;
}
