/** What the gateway shows of itself: plain data, as the HTTP API answers it. */
import type { ExitReason } from '../otp/exit-reason.js';
import type { DataAges } from './data-age.js';
import type { RecordingsView, RecordingView } from './recorder-words.js';

export type {
  ActorDetail,
  ActorView,
  InvariantView,
  LeaksView,
  RankedActor,
  RankQuery,
  RankSort,
  TreeQuery,
  TreeRow,
  TreeRows,
  TreeView,
} from './actor-views.js';

export interface ClientView {
  readonly id: string;
  readonly nodeId: string;
  readonly state: string;
  readonly implicit: boolean;
  readonly streams: number;
}

export interface SessionView {
  readonly id: string;
  readonly nodeId: string;
  readonly state: string;
}

export interface StreamView {
  readonly id: string;
  readonly kind: string;
  readonly nodeId: string;
  readonly cameraId?: string;
  readonly state: string;
  readonly queued: number;
  readonly sent: number;
  readonly drops: number;
  /** How old the data in it is; absent for a stream that need not carry any, as a client's control stream. */
  readonly data?: DataAges;
}

/** A pattern that somebody has subscribed to. */
export interface TopicView {
  /** The pattern. */
  readonly id: string;
  readonly state: string;
  readonly subscribers: number;
}

/** One provider of a procedure. */
export interface ServiceView {
  /** The procedure and who provides it: `add@calculator`. */
  readonly id: string;
  readonly procedure: string;
  readonly nodeId: string;
  /** `available`, or `absent` while the provider is in its grace. */
  readonly state: string;
  readonly ttlMs: number;
  /** When it is forgotten unless it is used or its provider is heard. */
  readonly expiresInMs: number;
}

/** A call that waits for its answer. */
export interface CallView {
  readonly id: string;
  readonly procedure: string;
  readonly state: string;
  /** The actor that called, and the client that was asked. */
  readonly caller: string;
  readonly provider: string;
  /** Which provider this is: 1 for the first. */
  readonly attempt: number;
  readonly ageMs: number;
}

/** A connection to somebody, shared by all who call it. */
export interface ChannelView {
  /** Its target and a number: `camera-7:50051#3`. */
  readonly id: string;
  readonly target: string;
  /** `connecting`, `busy`, `idle`, or `closing` while its last calls end. */
  readonly state: string;
  readonly leases: number;
  /** Calls open over it. */
  readonly calls: number;
  /** Who waits for it to connect. */
  readonly waiting: number;
  readonly ageMs: number;
}

export interface CameraView {
  readonly id: string;
  /** `idle`, `opening`, `live`, `stale`, `lingering`, `recovering`, `backingOff`, `releasing`, `failed`, `restarting`. */
  readonly state: string;
  readonly source: string;
  readonly viewers: number;
  readonly frames: number;
  /** Pictures that became no frame: above the camera's rate, or too late. */
  readonly skipped: number;
  readonly attempts: number;
  /** Age of the last frame in milliseconds; absent before the first. */
  readonly dataAgeMs?: number;
  /** How old the data is at its source and at its audience; absent while the camera is restarting. */
  readonly data?: DataAges;
  readonly lastError?: string;
  /** Where it is recorded. */
  readonly recording?: RecordingView;
}

/** One user in a room. */
export interface ParticipantView {
  /** Of this session. */
  readonly id: string;
  readonly userId: string;
  /** `attaching` until its stream is there, then `attached`. */
  readonly state: string;
  /** Of its stream. */
  readonly queued: number;
  readonly sent: number;
  readonly drops: number;
  /** What it plays. */
  readonly plays: number;
}

export interface RoomView {
  /** Its name. */
  readonly id: string;
  /** `opening`, `vacant`, `occupied`, `closing`. */
  readonly state: string;
  /** What carries its audio. */
  readonly backend: string;
  readonly participants: number;
  readonly users: readonly ParticipantView[];
}

/** Tells the chronicle what happened around rooms. `actor` is a path. */
export type RoomNote = (
  type: string,
  about: { readonly actor: string; readonly kind: string },
  reason: string | undefined,
  detail: Readonly<Record<string, unknown>>,
) => void;

export interface Resources {
  readonly memory: {
    readonly rss: number;
    readonly heapUsed: number;
    readonly external: number;
    readonly arrayBuffers: number;
  };
  readonly cpu: { readonly userMs: number; readonly systemMs: number };
  /** `utilization` since it was last asked: 0 idle, 1 never idle. */
  readonly eventLoop: { readonly utilization: number };
  readonly actors: { readonly total: number; readonly byKind: Readonly<Record<string, number>> };
  readonly clients: number;
  readonly client_streams: number;
  readonly streams: number;
  readonly sessions: number;
  readonly rooms: number;
  readonly cameras: number;
  readonly viewers: number;
  /** Registrations of procedures, calls that wait for their answers, and subscriptions to topics. */
  readonly services: number;
  readonly calls: number;
  readonly topics: number;
  /** Connections to others, those being made or shut included. */
  readonly channels: number;
  readonly workers: number;
  readonly monitors: number;
  readonly timers: number;
  readonly handles: number;
  readonly orphans: number;
  /** What is recorded; absent where nothing is. */
  readonly recordings?: RecordingsView;
  readonly limits: Readonly<Record<string, number>>;
  readonly uptimeSeconds: number;
  /** Gateways of the cluster, those among them that are not heard, and the keys that this one owns. Absent where it is alone. */
  readonly cluster?: { readonly members: number; readonly suspects: number; readonly keys: number };
}

/** This gateway among the others. */
export interface ClusterView {
  readonly node: string;
  /** `joining`, `up`, `fenced`, `halted`, `left`; `restarting` while its actor is not there. */
  readonly state: string;
  readonly engine: string;
  /** Keys that this node owns, and those that it knows of on all nodes. */
  readonly keys: number;
  readonly known: number;
  /** How long it may still act without another renewal. */
  readonly leaseMs: number;
  readonly members: readonly MemberView[];
  /** Cameras of this node that others watch: what went to each, and what was dropped because it is too slow. */
  readonly relays: readonly {
    readonly camera: string;
    readonly node: string;
    readonly sent: number;
    readonly dropped: number;
  }[];
  /** Pictures that came here after the right to take or to send them was lost. */
  readonly refused: number;
}

export interface MemberView {
  readonly id: string;
  /** `up`; `suspect`: its lease stands, but it was not heard lately. */
  readonly state: string;
  readonly inc: number;
  readonly addr: string;
  readonly keys: number;
  /** What it offers to the others, as far as is known here. */
  readonly procedures: number;
  readonly cameras: number;
}

/** Something that happened, as `/api/events` and the page show it. */
export interface GatewayEvent {
  /** Rises by one; an event stream resumes after it. */
  readonly id: number;
  readonly atMs: number;
  /** `process.started`, `process.down`, `process.restarted`, `camera.state`, … */
  readonly type: string;
  /** The path of the actor it is about. */
  readonly actor: string;
  readonly kind: string;
  /** In words, where something ended or failed. */
  readonly reason?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  /** How often the same (type, actor, reason) has happened lately, this time included; absent the first time. */
  readonly count?: number;
  /** When it happened first, where it has happened before. */
  readonly firstAtMs?: number;
}

/** One link of the chain from a death back to the first failure. */
export interface CauseView {
  readonly actor: string;
  readonly reason: string;
  readonly atMs: number;
}

export type { ExitReason };
