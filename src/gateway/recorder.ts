/**
 * A recorder as an actor: the chart of `machines/recorder.ts` over an archive. It is one more consumer of its camera, with a
 * queue of its own: a disk that is slow, full or gone loses pictures there, where they are counted, and delays nobody.
 *
 * What is asked of the disk is asked in one line, so that a segment is closed behind its last picture and never beside it.
 * Only the look at how much room there is goes past that line: a disk that hangs must not hide it.
 */
import { type RecorderEvent, type RecorderInput, recorderMachine, recorderPauseMs } from '../../machines/recorder.js';
import type { Process, ProcessBody } from '../otp/process.js';
import { bodyOf, stateText } from './body.js';
import type { Camera } from './camera.js';
import { DiskGuard } from './disk-guard.js';
import type { CameraOptions } from './options.js';
import { RecorderHand } from './recorder-hand.js';
import { RecorderIntake } from './recorder-intake.js';
import { RecorderSegments } from './recorder-segments.js';
import { type RecorderNote, type RecorderNoteDetail, type RecordingView, recorderState } from './recorder-words.js';
import type { Recording, RecordingArchive, RecordOptions } from './recording.js';
import { SilenceWatch } from './silence.js';

export interface RecorderParts {
  readonly camera: CameraOptions;
  readonly record: RecordOptions;
  readonly archive: RecordingArchive;
  /** The recorder of this camera that there was before may still be at work on its last file. */
  readonly before?: Promise<void> | undefined;
  /** The camera that lives now; `undefined` while it is being started again. */
  readonly find: () => Camera | undefined;
  readonly queueBytes: number;
  /** In [0, 1). */
  readonly jitter: number;
  readonly note: (type: RecorderNote, recorder: Recorder, what?: RecorderNoteDetail) => void;
}

/** The rate on a disk that is nearly full. */
const SCARCE_FPS = 1;
const TIMES = { retryMs: 1_000, retryMaxMs: 30_000, finishMs: 4_000 };

export class Recorder implements ProcessBody {
  readonly #parts: RecorderParts;
  readonly #segments: RecorderSegments;
  readonly #hand: RecorderHand;
  #process: Process | undefined;
  #intake: RecorderIntake | undefined;
  #guard: DiskGuard | undefined;
  /** What is asked of the disk, in order. */
  #line: Promise<void>;
  #end: () => void = () => {};
  /** Resolves when it has ended and the disk has done what it was asked for. */
  readonly ended: Promise<void> = new Promise((resolve) => {
    this.#end = resolve;
  });
  #silence: SilenceWatch | undefined;
  /** The segment is being completed. */
  #finishing = false;
  /** What the disk said last, and why it was last left alone for a while. */
  #fault: string | undefined;
  #lastError: string | undefined;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#line = parts.before ?? Promise.resolve();
    const kept = (why: string): void => this.#note('recorder.qualityKept', { reason: why });
    this.#segments = new RecorderSegments({ ...parts, kept });
    this.#hand = new RecorderHand({
      segments: this.#segments,
      ask: (work) => this.#ask(work),
      began: () => this.#post({ type: 'frames.began' }),
      due: () => this.#post({ type: 'segment.due' }),
    });
  }

  attach(process: Process): void {
    this.#process = process;
    this.#intake = new RecorderIntake(process, {
      find: this.#parts.find,
      queueBytes: this.#parts.queueBytes,
      take: (arrival, done) => this.#hand.take(arrival, done),
      ended: () => this.#post({ type: 'frames.ceased' }),
    });
    // However it ends: the camera goes on without it, and the file is closed, whole or not.
    process.scope.acquire('recorder', async () => {
      this.leaveCamera();
      await this.#line;
      await this.#segments.abandon();
      await this.#parts.archive.close();
      this.#end();
    });
    this.#guard = new DiskGuard(process, {
      free: () => this.#parts.archive.free(),
      minFreeBytes: this.#parts.record.minFreeBytes,
      changed: (level) => this.#post({ type: `disk.${level}` }),
      // As often as that, what is kept grows older.
      looked: () => this.#ask(() => this.#retain()),
      failed: (error) => this.#failed(error),
    });
  }

  get process(): Process {
    return this.#process as Process;
  }

  get cameraId(): string {
    return this.#parts.camera.id;
  }

  /** That of all recordings, in which its camera has one of its own. */
  get folder(): string {
    return this.#parts.record.dir;
  }

  get input(): RecorderInput {
    return { ...TIMES, jitter: this.#parts.jitter };
  }

  view(): RecordingView {
    const { archive } = this.#parts;
    const { value } = this.process.ref.getSnapshot() as { value?: unknown };
    const freeBytes = this.#guard?.freeBytes;
    return {
      state: recorderState(stateText(value)),
      segments: archive.size,
      bytes: archive.bytes,
      frames: this.#segments.frames,
      drops: this.#intake?.drops ?? 0,
      skipped: this.#hand.unfit + (this.#intake?.skipped ?? 0),
      ...(freeBytes === undefined ? {} : { freeBytes }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  // Effects of the chart

  openArchive(): void {
    this.#ask(async () => {
      const mended = await this.#parts.archive.open();
      if (mended.repaired + mended.removed > 0) this.#note('recorder.recovered', { ...mended });
      await this.#retain();
      await this.#guard?.look();
      this.#post({ type: 'archive.opened' });
    });
  }

  joinCamera(): void {
    this.#intake?.begin();
  }

  leaveCamera(): void {
    this.#intake?.end();
    this.#silence?.stop();
    this.#hand.forget();
    this.#segments.endSession();
  }

  beginSegment(): void {
    const { staleMs, stillMs = 0 } = this.#parts.camera;
    this.#silence = new SilenceWatch(this.process, {
      limitMs: staleMs + stillMs,
      lastAtMs: () => this.#intake?.lastAtMs ?? 0,
      silent: () => this.#post({ type: 'frames.ceased' }),
    });
    this.#hand.begin();
  }

  /** Completes the segment; `segment.closed` follows. Asked again meanwhile, it follows once. */
  finishSegment(): void {
    this.#hand.hold();
    this.#silence?.stop();
    if (this.#finishing) return;
    this.#finishing = true;
    this.#ask(async () => {
      try {
        const recording = await this.#segments.finish();
        if (recording) this.#completed(recording);
        await this.#retain();
      } finally {
        this.#finishing = false;
      }
      this.#post({ type: 'segment.closed' });
    });
  }

  #completed({ id, frames, bytes }: Recording): void {
    this.#lastError = undefined;
    this.#note('recorder.segment', { segment: id, frames, bytes });
  }

  abandonSegment(): void {
    this.#ask(async () => {
      await this.#segments.abandon();
      this.#post({ type: 'segment.closed' });
    });
  }

  endSession(): void {
    this.#segments.endSession();
  }

  /** Something about how much room there is. */
  announce(type: RecorderNote): void {
    this.#note(type, this.#room);
  }

  degrade(): void {
    this.#intake?.limit(SCARCE_FPS);
    this.#note('recorder.degraded', { ...this.#room, fps: SCARCE_FPS });
  }

  restoreRate(): void {
    this.#intake?.limit(undefined);
  }

  announceRetry(delayMs: number): void {
    this.#lastError = this.#fault;
    this.#note('recorder.retrying', { reason: this.#lastError, delayMs });
  }

  // The disk

  /** Asks the disk for something when it has done what it was asked for before. */
  #ask(work: () => Promise<void>): void {
    this.#line = this.#line.then(work).catch((error: unknown) => this.#failed(error));
  }

  async #retain(): Promise<void> {
    const gone = await this.#parts.archive.retain(this.process.system.clock.wallMs());
    const [oldest] = gone;
    if (oldest) this.#note('recorder.removed', { segments: gone.length, oldest: oldest.id });
  }

  #failed(error: unknown): void {
    this.#fault = error instanceof Error ? error.message : String(error);
    this.#post({ type: 'disk.failed' });
  }

  get #room(): RecorderNoteDetail {
    return { freeBytes: this.#guard?.freeBytes, minFreeBytes: this.#parts.record.minFreeBytes };
  }

  #note(type: RecorderNote, what?: RecorderNoteDetail): void {
    this.#parts.note(type, this, what);
  }

  #post(event: RecorderEvent): void {
    this.process.system.post(this.process.ref, event);
  }
}

export const recorderLogic = recorderMachine.provide({
  actions: {
    openArchive: ({ self }) => bodyOf<Recorder>(self).openArchive(),
    joinCamera: ({ self }) => bodyOf<Recorder>(self).joinCamera(),
    leaveCamera: ({ self }) => bodyOf<Recorder>(self).leaveCamera(),
    beginSegment: ({ self }) => bodyOf<Recorder>(self).beginSegment(),
    finishSegment: ({ self }) => bodyOf<Recorder>(self).finishSegment(),
    abandonSegment: ({ self }) => bodyOf<Recorder>(self).abandonSegment(),
    endSession: ({ self }) => bodyOf<Recorder>(self).endSession(),
    warnOfDisk: ({ self }) => bodyOf<Recorder>(self).announce('recorder.diskLow'),
    degrade: ({ self }) => bodyOf<Recorder>(self).degrade(),
    restoreRate: ({ self }) => bodyOf<Recorder>(self).restoreRate(),
    announcePause: ({ self }) => bodyOf<Recorder>(self).announce('recorder.paused'),
    announceResume: ({ self }) => bodyOf<Recorder>(self).announce('recorder.resumed'),
    announceRetry: ({ self, context }) => bodyOf<Recorder>(self).announceRetry(recorderPauseMs(context)),
  },
});
