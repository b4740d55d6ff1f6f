/**
 * A camera as an actor: the chart of `machines/camera.ts` over a source. The picture path (source → encode once → fan-out)
 * never touches the chart; the chart learns of the first picture, of staleness, of failure, and of whether anybody watches.
 */
import { type CameraEvent, type CameraInput, cameraMachine, pauseMs } from '../../machines/camera.js';
import { FrameRate } from '../flow/frame-rate.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { Process, ProcessBody } from '../otp/process.js';
import type { Held } from '../otp/scope.js';
import { Audience, type FrameConsumer } from './audience.js';
import { bodyOf, stateText } from './body.js';
import { type CameraNote, type CameraNoteDetail, cameraState } from './camera-words.js';
import { dataAges, linkState } from './data-age.js';
import type { Frame, FrameEncoder, Picture } from './frame.js';
import type { FrameSource, SourceError, SourceListener } from './frame-source.js';
import type { CameraOptions } from './options.js';
import { SilenceWatch } from './silence.js';
import { nextFrame } from './snapshot.js';
import type { Turn } from './turn.js';
import type { CameraView } from './views.js';

export type { FrameConsumer } from './audience.js';

export interface CameraParts {
  readonly options: CameraOptions;
  readonly source: FrameSource;
  /** A camera of this id that there was before may still be giving the source back. */
  readonly turn: Turn;
  readonly encode: FrameEncoder;
  /** In [0, 1): spreads the slow retries of many cameras. */
  readonly jitter: number;
  /** What happened that people ask about, for the chronicle. */
  readonly note: (type: CameraNote, camera: Camera, what?: CameraNoteDetail) => void;
}

/** How long closing an attempt may take before a stopping camera ends without it. */
const CLOSE_MS = 5_000;

const SOURCE_FAILED: ExitReason = { shutdown: 'source_failed' };

export class Camera implements ProcessBody {
  readonly #parts: CameraParts;
  readonly #audience = new Audience();
  readonly #rate: FrameRate;
  #process: Process | undefined;
  /** The one attempt, and the closing of the one before; never both. */
  #attempt: Held | undefined;
  #closing = false;
  #silence: SilenceWatch | undefined;
  #attempts = 0;
  #seq = 0;
  #last: Frame | undefined;
  #lastAtMs = 0;
  #delivered = false;
  #stale = false;
  #answered = false;
  /** What went wrong with the one attempt, and what went wrong last. */
  #fault: string | undefined;
  #lastError: string | undefined;

  constructor(parts: CameraParts) {
    this.#parts = parts;
    this.#rate = new FrameRate(parts.source.keepsRate ? undefined : parts.options.fps);
  }

  attach(process: Process): void {
    this.#process = process;
    // Before anything is given back: a source that does not close must not keep the viewers of a dead camera waiting.
    process.scope.signal.addEventListener('abort', () => this.endViewers(), { once: true });
    if (!this.options.onDemand) process.system.post(process.ref, { type: 'demand.began' });
  }

  get id(): string {
    return this.options.id;
  }

  get options(): CameraOptions {
    return this.#parts.options;
  }

  get process(): Process {
    return this.#process as Process;
  }

  note(type: CameraNote, what?: CameraNoteDetail): void {
    this.#parts.note(type, this, what);
  }

  get source(): FrameSource {
    return this.#parts.source;
  }

  /** What it waits for may be there now: the pause before the next attempt is over, if it was in one. */
  retryNow(): void {
    this.#post({ type: 'camera.retry' });
  }

  get viewers(): number {
    return this.#audience.viewers;
  }

  /** Frames of its source, over all attempts. */
  get frames(): number {
    return this.#seq;
  }

  get connected(): boolean {
    return this.#state.startsWith('alive.live');
  }

  get input(): CameraInput {
    const { connectMs, firstFrameMs, lingerMs, retry } = this.options;
    const { jitter } = this.#parts;
    return { connectMs, firstFrameMs, lingerMs, staleLimitMs: firstFrameMs, closeMs: CLOSE_MS, retry, jitter };
  }

  /** Takes frames from now on. @returns the undo, which may be called any number of times. */
  join(consumer: FrameConsumer): () => void {
    // A camera that was killed stays in the table until its source is closed. Its other viewers were told at once.
    if (!this.process.alive) {
      this.process.system.defer(() => consumer.cameraEnded(SOURCE_FAILED));
      return () => {};
    }
    const leave = this.#audience.join(consumer);
    if (this.#audience.size === 1) this.#demand('demand.began');
    return () => {
      if (leave() && this.#audience.size === 0) this.#demand('demand.ended');
    };
  }

  /** The last frame while the camera is live, else the next one. Opens an on-demand camera. */
  snapshot(timeoutMs: number): Promise<Frame> {
    if (this.#last && this.connected && !this.#stale) return Promise.resolve(this.#last);
    return nextFrame(this, timeoutMs);
  }

  view(): CameraView {
    const { clock } = this.process.system;
    const state = linkState(this.#attempt !== undefined && this.#answered, this.#delivered && !this.#stale);
    return {
      id: this.id,
      state: cameraState(this.#state),
      source: this.#parts.source.label,
      viewers: this.viewers,
      frames: this.#seq,
      skipped: this.#rate.skipped + (this.#parts.source.skipped ?? 0),
      attempts: this.#attempts,
      ...(this.#seq > 0 ? { dataAgeMs: Math.round(clock.now() - this.#lastAtMs) } : {}),
      data: dataAges(clock.now(), state, { inAtMs: this.#lastAtMs || undefined, outAtMs: this.#audience.servedAtMs }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  // Effects of the chart

  openAttempt(): void {
    if (this.#attempt || this.#closing) throw new Error(`camera "${this.id}": a second attempt while one is alive`);
    this.#attempts += 1;
    this.#answered = this.#delivered = this.#stale = false;
    this.#fault = undefined;
    const { clock } = this.process.system;
    const { source, turn } = this.#parts;
    const open = () => source.open(this.#listener(this.#attempts), { clock });
    const attempt = turn.open(open);
    this.#attempt = this.process.scope.acquire('source', async () => {
      await attempt.close();
      this.note('camera.closed', { attempt: this.#attempts });
    });
  }

  /** Closes the attempt; `attempt.closed` follows when it is gone. Asked again meanwhile, it follows once. */
  closeAttempt(): void {
    if (this.#closing) return;
    this.#silence?.stop();
    const attempt = this.#attempt;
    this.#attempt = this.#last = undefined;
    this.#closing = true;
    const closed = (): void => {
      this.#closing = false;
      this.#post({ type: 'attempt.closed' });
    };
    if (attempt) void this.#parts.turn.closing(attempt.release()).then(closed);
    else closed();
  }

  announceRetry(delayMs: number): void {
    this.#lastError = this.#why;
    this.note('camera.retrying', { reason: this.#lastError, attempt: this.#attempts, delayMs });
  }

  announceDisconnect(): void {
    this.note('camera.disconnected', { reason: this.#why, attempt: this.#attempts });
  }

  endViewers(): void {
    this.#audience.end(SOURCE_FAILED);
  }

  // The picture path

  /** Reports of an attempt that is no longer the one are dropped: deleted means gone. */
  #listener(attempt: number): SourceListener {
    const current = (): boolean => this.#attempt !== undefined && attempt === this.#attempts && this.process.alive;
    return {
      opened: () => {
        if (!current()) return;
        this.#answered = true;
        this.#send({ type: 'source.opened' });
      },
      picture: (picture) => current() && this.#picture(picture),
      failed: (error) => {
        if (current()) this.#failed(error);
      },
    };
  }

  /** @returns whether it became a frame. */
  #picture(picture: Picture): boolean {
    const { clock } = this.process.system;
    this.#lastAtMs = clock.now();
    if (!this.#rate.admit(this.#lastAtMs)) return false;
    this.#seq += 1;
    const frame = {
      cameraId: this.id,
      seq: this.#seq,
      timestampMs: Math.round(picture.timestampMs ?? clock.wallMs()),
      contentType: picture.contentType,
      key: picture.key ?? true,
      picture: picture.data,
    };
    this.#last = { ...frame, message: this.#parts.encode(frame) };
    if (!this.#delivered) this.#firstPicture();
    else if (this.#stale) {
      this.#stale = false;
      this.#fault = undefined;
      this.#send({ type: 'pictures.resumed' });
    }
    this.#audience.publish(this.#last, this.#lastAtMs);
    return true;
  }

  #firstPicture(): void {
    this.#answered = this.#delivered = true;
    this.#lastError = undefined;
    this.#send({ type: 'source.opened' });
    this.#send({ type: 'source.delivered' });
    this.#watchForSilence();
  }

  #watchForSilence(): void {
    const limitMs = this.options.staleMs + (this.options.stillMs ?? 0);
    const silent = (): void => {
      this.#stale = true;
      this.#lastError = this.#fault = `no picture for ${limitMs} ms`;
      this.#send({ type: 'pictures.ceased' });
    };
    this.#silence = new SilenceWatch(this.process, { limitMs, lastAtMs: () => this.#lastAtMs, silent });
  }

  #failed(error: SourceError): void {
    this.#lastError = this.#fault = error.message;
    this.#send({ type: 'source.failed', final: error.final });
  }

  /** Why the attempt failed: in the source's words, or by what it did not do in time. */
  get #why(): string {
    const { connectMs, firstFrameMs } = this.options;
    return (
      this.#fault ??
      (this.#answered ? `no first picture within ${firstFrameMs} ms` : `no answer within ${connectMs} ms`)
    );
  }

  // In its turn, not at once: a camera that has failed ends a newcomer, who must have been given its undo by then.
  #demand(type: 'demand.began' | 'demand.ended'): void {
    if (this.options.onDemand || this.#state === 'alive.failed') this.#post({ type });
  }

  #send(event: CameraEvent): void {
    if (this.process.alive) this.process.ref.send(event);
  }

  #post(event: CameraEvent): void {
    this.process.system.post(this.process.ref, event);
  }

  get #state(): string {
    return stateText((this.process.ref.getSnapshot() as { value?: unknown }).value);
  }
}

export const cameraLogic = cameraMachine.provide({
  actions: {
    openAttempt: ({ self }) => bodyOf<Camera>(self).openAttempt(),
    closeAttempt: ({ self }) => bodyOf<Camera>(self).closeAttempt(),
    announceDisconnect: ({ self }) => bodyOf<Camera>(self).announceDisconnect(),
    announceRetry: ({ self, context }) => bodyOf<Camera>(self).announceRetry(pauseMs(context)),
    endViewers: ({ self }) => bodyOf<Camera>(self).endViewers(),
  },
});
