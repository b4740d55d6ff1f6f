/** All cameras by id, as children of one dynamic supervisor. */
import type { AnyActorRef } from 'xstate';
import type { OverflowPolicy } from '../flow/outbox.js';
import { isOverflowPolicy, OVERFLOW_POLICIES } from '../flow/outbox.js';
import type { ChildSpec } from '../otp/child-spec.js';
import type { Backoff } from '../otp/restart-backoff.js';
import { childrenOf } from '../otp/supervisor.js';
import { deleteChild, startChild, terminateChild } from '../otp/supervisor-api.js';
import { Camera, type CameraParts, cameraLogic } from './camera.js';
import { restarting } from './camera-refusals.js';
import { type FedSource, isFed } from './fed-source.js';
import type { FrameEncoder } from './frame.js';
import { type FrameFunction, Processing } from './frame-processor.js';
import type { FrameResource } from './frame-resource.js';
import type { SourceFactory } from './frame-source.js';
import { GatewayError } from './gateway-error.js';
import type { CameraOptions, GatewayOptions } from './options.js';
import { Publisher, type PublisherOptions } from './publisher.js';
import type { RecorderParts } from './recorder.js';
import { Recorders, recorderId } from './recorders.js';
import type { ArchiveFactory, RecordingArchive } from './recording.js';
import { type PlayerOptions, RecordingPlayer } from './recording-player.js';
import type { FrameWire, WatchOptions } from './transport.js';
import { Turn } from './turn.js';
import { Viewer } from './viewer.js';
import type { CameraView } from './views.js';

export interface CamerasParts {
  readonly options: GatewayOptions;
  readonly sources: SourceFactory;
  readonly encode: FrameEncoder;
  readonly random: () => number;
  readonly supervisor: () => AnyActorRef | undefined;
  readonly note: CameraParts['note'];
  /** Where recordings are kept. Default: cameras are not recorded. */
  readonly archives?: ArchiveFactory | undefined;
  readonly recorderNote: RecorderParts['note'];
}

/** How long a camera may take to close its source when it is asked to end. */
const SHUTDOWN_MS = 6_000;

/** One camera that crashes again and again waits longer and longer, and never spends the restarts of all cameras. */
const CRASH_BACKOFF: Backoff = { initialMs: 50, factor: 2, maxMs: 10_000, resetAfterMs: 60_000 };

export class Cameras {
  readonly #parts: CamerasParts;
  readonly #byId = new Map<string, Camera>();
  /** The host's functions by camera; they outlive its crashes. */
  readonly #processing = new Map<string, Set<Processing>>();
  /** Whose turn it is with a source, from the start of a camera until it has given it back. */
  readonly #turns = new Map<string, Turn>();
  /** How cameras that have crashed looked last, until they are started again. */
  readonly #crashed = new Map<string, CameraView>();
  /** The recorders of those that are recorded. */
  readonly recorders: Recorders;

  constructor(parts: CamerasParts) {
    this.#parts = parts;
    this.recorders = new Recorders({
      archives: parts.archives,
      find: (id) => this.#byId.get(id),
      random: parts.random,
      queueBytes: parts.options.stream.queueBytes,
      note: parts.recorderNote,
    });
  }

  /** Cameras that live or wait to be started again. */
  get size(): number {
    return this.#byId.size + this.#waiting().size;
  }

  get viewers(): number {
    let viewers = 0;
    for (const camera of this.#byId.values()) viewers += camera.viewers;
    return viewers;
  }

  /** The cameras that live now. */
  all(): readonly Camera[] {
    return [...this.#byId.values()];
  }

  /** Every camera, those that wait to be started again included: their state is `restarting`. */
  views(): readonly CameraView[] {
    const waiting = [...this.#waiting().values()].map((last) => ({ ...last, state: 'restarting', viewers: 0 }));
    return [...this.all().map((camera) => camera.view()), ...waiting].map((view) => {
      const recording = this.recorders.view(view.id);
      return recording ? { ...view, recording } : view;
    });
  }

  /**
   * The camera of this id. Throws `camera_not_found` naming it, or `camera_failed` while it waits to be started again after
   * a crash.
   */
  get(id: string): Camera {
    const camera = this.#byId.get(id);
    if (camera) return camera;
    if (!this.#waiting().has(id)) {
      throw new GatewayError('camera_not_found', `camera_not_found: there is no camera "${id}"`);
    }
    throw new GatewayError('camera_failed', `camera_failed: camera "${id}" has crashed and is being started again`, {
      retryAfterMs: CRASH_BACKOFF.initialMs,
    });
  }

  /** How a camera, and its recorder where it is recorded, are started. */
  specs(options: CameraOptions): readonly ChildSpec[] {
    const recorder = this.recorders.spec(options);
    return recorder ? [this.spec(options), recorder] : [this.spec(options)];
  }

  /** How a camera is started. The source is made first: a wrong URL fails here, in one line, and starts nothing. */
  spec(options: CameraOptions): ChildSpec {
    const source = this.#parts.sources(options.source, {}, options);
    return {
      id: childId(options.id),
      shutdown: SHUTDOWN_MS,
      backoff: CRASH_BACKOFF,
      start: ({ spawn }) => {
        const { encode, random, note } = this.#parts;
        const turn = new Turn(this.#turns.get(options.id));
        this.#turns.set(options.id, turn);
        turn.whenOver(() => this.#turns.get(options.id) === turn && this.#turns.delete(options.id));
        const camera = new Camera({ options, source, turn, encode, jitter: random(), note });
        const ref = spawn(cameraLogic, camera.input, camera);
        this.#byId.set(options.id, camera);
        this.#crashed.delete(options.id);
        for (const processing of this.#processing.get(options.id) ?? []) processing.begin(camera);
        camera.process.scope.acquire('camera_entry', () => {
          if (this.#byId.get(options.id) === camera) this.#forget(camera);
          turn.end();
        });
        return ref;
      },
    };
  }

  #forget(camera: Camera): void {
    this.#byId.delete(camera.id);
    this.#crashed.set(camera.id, camera.view());
  }

  /** Those that have crashed and will be started again; that is the supervisor's to know, and what it does not is forgotten. */
  #waiting(): ReadonlyMap<string, CameraView> {
    if (this.#crashed.size === 0) return this.#crashed;
    const supervisor = this.#parts.supervisor();
    const children = supervisor ? childrenOf(supervisor) : [];
    const ids = new Set(children.filter(({ state }) => state === 'restarting').map(({ spec }) => spec.id));
    for (const id of this.#crashed.keys()) if (!ids.has(childId(id))) this.#crashed.delete(id);
    return this.#crashed;
  }

  /** Adds a camera to a running gateway. */
  async add(options: CameraOptions): Promise<void> {
    const { supervisor, options: gateway } = this.#parts;
    const parent = supervisor();
    if (this.size >= gateway.limits.cameras) {
      throw new GatewayError('max_cameras_reached', `max_cameras_reached: ${gateway.limits.cameras} cameras at most`);
    }
    const answer = parent && (await startChild(parent, this.spec(options)).catch(restarting));
    if (!answer || answer.error) {
      throw new GatewayError(
        'camera_exists',
        `camera_exists: camera "${options.id}" (${answer?.error.code ?? 'noproc'})`,
      );
    }
    const recorder = this.recorders.spec(options);
    if (recorder) await startChild(parent, recorder).catch(restarting);
  }

  /**
   * Takes a camera away: its viewers are told, its source is closed, and nothing of it is ever tried again. Resolves when it
   * is gone. Throws `camera_not_found` where there is none of this id.
   */
  async remove(id: string): Promise<void> {
    const parent = this.#parts.supervisor();
    if (parent) await this.#removeRecorder(parent, id);
    const answer = parent && (await terminateChild(parent, childId(id)).catch(restarting));
    if (!answer || answer.error) {
      throw new GatewayError('camera_not_found', `camera_not_found: there is no camera "${id}"`);
    }
    await deleteChild(parent, childId(id)).catch(restarting);
    for (const processing of this.#processing.get(id) ?? []) processing.end();
    this.#processing.delete(id);
  }

  /** First, so that its last segment is complete. */
  async #removeRecorder(parent: AnyActorRef, id: string): Promise<void> {
    await terminateChild(parent, recorderId(id)).catch(restarting);
    await deleteChild(parent, recorderId(id)).catch(restarting);
    this.recorders.forget(id);
  }

  /** Whether pictures come from this camera now, or came until a moment ago and its source is still open. */
  isCameraConnected(id: string): boolean {
    return this.#byId.get(id)?.connected ?? false;
  }

  /**
   * Shows every frame of this camera to a function of the host's, which keeps an on-demand camera open like a viewer. What
   * it throws or rejects with is noted as `frame.failed`, and the next frame comes. Given with something to load, that is held
   * by the camera and disposed of with it. @returns its undo.
   */
  process<T = never>(id: string, fn: FrameFunction | FrameResource<T>): () => void {
    const camera = this.get(id);
    const processing = new Processing(
      fn as FrameFunction | FrameResource<unknown>,
      this.#parts.options.stream.queueBytes,
    );
    const all = this.#processing.get(id) ?? new Set();
    this.#processing.set(id, all.add(processing));
    processing.begin(camera);
    return () => {
      processing.end();
      if (all.delete(processing) && all.size === 0) this.#processing.delete(id);
    };
  }

  /** The source of this camera, where it is one that takes what is published. Throws where it is not. */
  fed(cameraId: string): FedSource {
    const { source } = this.get(cameraId);
    if (isFed(source)) return source;
    throw new GatewayError(
      'invalid_argument',
      `camera_id: expected a camera whose source is push:, but camera "${cameraId}" has its own (${source.kind})`,
    );
  }

  /** A publisher for this camera, not yet started. */
  publisher(cameraId: string, options: Pick<PublisherOptions, 'wire' | 'nodeId' | 'onSuperseded'>): Publisher {
    return new Publisher({
      ...options,
      cameraId,
      source: this.fed(cameraId),
      inactivityMs: this.#parts.options.session.inactivityMs,
      onBegun: () => this.#byId.get(cameraId)?.retryNow(),
    });
  }

  /** A viewer as it was asked for, or a player of what was recorded: checked and not yet started. */
  viewer(
    request: WatchOptions,
    to: { readonly wire: FrameWire; readonly nodeId: string; readonly onClosed?: () => void },
  ): Viewer | RecordingPlayer {
    if (request.fromMs !== undefined) return this.#player(request, request.fromMs, to);
    const camera = this.get(request.cameraId);
    const { limits, stream } = this.#parts.options;
    if (camera.viewers >= limits.viewersPerCamera) {
      throw new GatewayError(
        'max_viewers_reached',
        `max_viewers_reached: camera "${camera.id}" has ${camera.viewers} viewers, its most`,
      );
    }
    return new Viewer({
      camera,
      ...to,
      maxFps: request.maxFps ?? 0,
      policy: policyOf(request.overflow, camera.options.overflow),
      queueFrames: camera.options.queueFrames,
      queueBytes: stream.queueBytes,
    });
  }

  #player(
    { cameraId, maxFps = 0, speed = 1 }: WatchOptions,
    fromMs: number,
    to: Pick<PlayerOptions, 'wire' | 'nodeId' | 'onClosed'>,
  ): RecordingPlayer {
    const archive = this.recorded(cameraId);
    if (!archive.recordings.some(({ toMs }) => toMs >= fromMs)) {
      throw new GatewayError('not_found', `not_found: nothing was recorded of camera "${cameraId}" since ${fromMs}`);
    }
    const { encode, options } = this.#parts;
    const { stallMs } = options.stream;
    return new RecordingPlayer({ cameraId, archive, encode, ...to, fromMs, speed, maxFps, stallMs });
  }

  /** What was recorded of this camera. Throws where there is none of this id, or it is not recorded. */
  recorded(cameraId: string): RecordingArchive {
    if (!this.recorders.has(cameraId)) this.get(cameraId);
    return this.recorders.archive(cameraId);
  }
}

function policyOf(asked: string | undefined, byDefault: OverflowPolicy): OverflowPolicy {
  if (asked === undefined || asked === '') return byDefault;
  if (isOverflowPolicy(asked)) return asked;
  throw new GatewayError(
    'invalid_argument',
    `overflow: expected one of ${OVERFLOW_POLICIES.join(', ')}, got "${asked}"`,
  );
}

function childId(id: string): string {
  return `camera:${id}`;
}
