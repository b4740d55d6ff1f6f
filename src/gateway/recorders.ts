/**
 * The recorders of all cameras that are recorded, and their archives. A recorder stands beside its camera under the same
 * supervisor, not under the camera: a disk's troubles must not end a camera, and a camera that crashes must not tear a segment.
 */
import type { ChildSpec } from '../otp/child-spec.js';
import type { Backoff } from '../otp/restart-backoff.js';
import type { Camera } from './camera.js';
import { GatewayError } from './gateway-error.js';
import type { CameraOptions } from './options.js';
import { Recorder, type RecorderParts, recorderLogic } from './recorder.js';
import type { RecordingsView, RecordingView } from './recorder-words.js';
import type { ArchiveFactory, RecordingArchive } from './recording.js';

export interface RecordersParts {
  /** Default: nothing is recorded. */
  readonly archives: ArchiveFactory | undefined;
  readonly find: (cameraId: string) => Camera | undefined;
  readonly random: () => number;
  readonly queueBytes: number;
  readonly note: RecorderParts['note'];
}

/** A second more than it has to finish its segment. */
const SHUTDOWN_MS = 5_000;
const CRASH_BACKOFF: Backoff = { initialMs: 50, factor: 2, maxMs: 10_000, resetAfterMs: 60_000 };

export class Recorders {
  readonly #parts: RecordersParts;
  readonly #archives = new Map<string, RecordingArchive>();
  readonly #live = new Map<string, Recorder>();
  /** The latest of each camera, until the disk has done what it was asked for. */
  readonly #latest = new Map<string, Recorder>();

  constructor(parts: RecordersParts) {
    this.#parts = parts;
  }

  /** Those that live now. */
  get size(): number {
    return this.#live.size;
  }

  /** Nothing where no camera is recorded. */
  get totals(): RecordingsView | undefined {
    if (this.#archives.size === 0) return undefined;
    const archives = [...this.#archives.values()];
    const free = [...this.#live.values()].flatMap((recorder) => recorder.view().freeBytes ?? []);
    return {
      freeBytes: free.length === 0 ? null : Math.min(...free),
      bytes: archives.reduce((sum, { bytes }) => sum + bytes, 0),
      segments: archives.reduce((sum, { size }) => sum + size, 0),
    };
  }

  /** How the recorder of this camera is started; `undefined` where it is not recorded. */
  spec(camera: CameraOptions): ChildSpec | undefined {
    const { record } = camera;
    const { archives, find, random, queueBytes, note } = this.#parts;
    if (!record || !archives) return undefined;
    const archive = archives(camera.id, record);
    this.#archives.set(camera.id, archive);
    return {
      id: recorderId(camera.id),
      shutdown: SHUTDOWN_MS,
      backoff: CRASH_BACKOFF,
      start: ({ spawn }) => {
        const recorder = new Recorder({
          camera,
          record,
          archive,
          before: this.#latest.get(camera.id)?.ended,
          find: () => find(camera.id),
          queueBytes,
          jitter: random(),
          note,
        });
        const ref = spawn(recorderLogic, recorder.input, recorder);
        this.#live.set(camera.id, recorder);
        this.#latest.set(camera.id, recorder);
        void recorder.ended.then(() => {
          if (this.#latest.get(camera.id) === recorder) this.#latest.delete(camera.id);
        });
        recorder.process.scope.acquire('recorder_entry', () => {
          if (this.#live.get(camera.id) === recorder) this.#live.delete(camera.id);
        });
        return ref;
      },
    };
  }

  /** The camera is gone for good. What was recorded of it stays on the disk. */
  forget(cameraId: string): void {
    this.#archives.delete(cameraId);
  }

  /** How the recorder of this camera is; `undefined` where it is not recorded. */
  view(cameraId: string): RecordingView | undefined {
    const recorder = this.#live.get(cameraId);
    if (recorder) return recorder.view();
    const archive = this.#archives.get(cameraId);
    if (!archive) return undefined;
    return { state: 'restarting', segments: archive.size, bytes: archive.bytes, frames: 0, drops: 0, skipped: 0 };
  }

  /** Whether this camera is recorded. */
  has(cameraId: string): boolean {
    return this.#archives.has(cameraId);
  }

  /** What was recorded of this camera. Throws `not_found` where it is not recorded. */
  archive(cameraId: string): RecordingArchive {
    const archive = this.#archives.get(cameraId);
    if (archive) return archive;
    throw new GatewayError('not_found', `not_found: camera "${cameraId}" is not recorded`);
  }
}

export function recorderId(cameraId: string): string {
  return `recorder:${cameraId}`;
}
