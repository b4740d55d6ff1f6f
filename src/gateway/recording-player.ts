/**
 * Somebody who watches what was recorded: the pictures of an archive, one by one, at the pace at which they came or as fast
 * as they are taken. Nothing is dropped and nothing waits: the next picture is read from the disk when the wire has taken the
 * one before. A pause in the recording is not waited for.
 *
 * It is a stream like a viewer's, with the same ways out; its camera need not be open for it, nor even live. It ends with
 * the last complete segment.
 */
import { FrameRate } from '../flow/frame-rate.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { Process } from '../otp/process.js';
import type { FrameEncoder } from './frame.js';
import type { RecordedPicture, RecordingArchive } from './recording.js';
import { SendWatch } from './send-watch.js';
import { StreamBody } from './stream.js';
import type { FrameWire } from './transport.js';
import type { StreamView } from './views.js';

export interface PlayerOptions {
  readonly cameraId: string;
  readonly archive: RecordingArchive;
  readonly encode: FrameEncoder;
  readonly wire: FrameWire;
  /** Empty for HTTP viewers, who are no clients. */
  readonly nodeId: string;
  readonly fromMs: number;
  /** 1: as it was; 2: twice as fast; 0: as fast as it is taken. */
  readonly speed: number;
  /** Of recorded time; 0: all of them. */
  readonly maxFps: number;
  /** How long one picture may take to be taken. */
  readonly stallMs: number;
  readonly onClosed?: () => void;
}

/** The longest that a picture is waited for: what is further away comes after a pause in the recording. */
const WAIT_MAX_MS = 2_000;

export class RecordingPlayer extends StreamBody {
  readonly kind = 'playback';
  readonly nodeId: string;
  readonly #options: PlayerOptions;
  readonly #rate: FrameRate;
  readonly #sendWatch: SendWatch;
  #over = false;
  #sent = 0;
  #playing: Promise<void> | undefined;
  /** Ends what is being waited for: a moment, or the wire. */
  #wake: (() => void) | undefined;
  /** When the next picture is due, and what moment of the recording that is. */
  #due: { readonly nowMs: number; readonly atMs: number } | undefined;

  constructor(options: PlayerOptions) {
    super();
    this.#options = options;
    this.nodeId = options.nodeId;
    this.#rate = new FrameRate(options.maxFps);
    this.#sendWatch = new SendWatch({
      timeoutMs: options.stallMs,
      owner: () => ({ scope: this.process.scope, clock: this.process.system.clock }),
      onStuck: () => this.send({ type: 'owner.lost', reason: { shutdown: 'slow_consumer' } }),
    });
  }

  override attach(process: Process): void {
    super.attach(process);
    // Its end waits until the file is closed.
    process.scope.acquire('playback', async () => {
      this.#stop();
      await this.#playing;
    });
  }

  begin(): void {
    if (!this.alive) return;
    this.send({ type: 'stream.opened' });
    this.#playing = this.#play().then(
      () => this.send({ type: 'stream.ended' }),
      (error: unknown) => this.failed(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override view(state: string): StreamView {
    return { ...super.view(state), cameraId: this.#options.cameraId };
  }

  override figures(): Pick<StreamView, 'queued' | 'sent' | 'drops'> {
    return { queued: 0, sent: this.#sent, drops: 0 };
  }

  protected override close(reason: ExitReason): void {
    this.#stop();
    this.#options.wire.end(reason);
    this.#options.onClosed?.();
  }

  protected override drain(drained: () => void): void {
    this.#stop();
    void this.#playing?.then(drained);
  }

  #stop(): void {
    this.#over = true;
    this.#wake?.();
  }

  async #play(): Promise<void> {
    const { archive, fromMs } = this.#options;
    for await (const picture of archive.pictures(fromMs)) {
      if (this.#over) return;
      if (!this.#rate.admit(picture.atMs)) continue;
      await this.#moment(picture);
      if (!this.#over) await this.#write(picture);
      if (this.#over) return;
    }
  }

  /** Waits until this picture is due. */
  async #moment({ atMs }: RecordedPicture): Promise<void> {
    const { speed } = this.#options;
    if (speed === 0) return;
    const nowMs = this.process.system.clock.now();
    const due = this.#due ? this.#due.nowMs + (atMs - this.#due.atMs) / speed : nowMs;
    // Later than it should be, or after a pause: the pace begins anew from here.
    const waitMs = Math.min(Math.max(due - nowMs, 0), WAIT_MAX_MS);
    this.#due = { nowMs: Math.abs(due - nowMs) > WAIT_MAX_MS ? nowMs + waitMs : due, atMs };
    if (waitMs === 0) return;
    await this.#until((wake) => {
      const timer = this.process.scope.timer(waitMs, wake);
      return () => void timer.release();
    });
  }

  async #write({ atMs, data }: RecordedPicture): Promise<void> {
    const { cameraId, encode, wire } = this.#options;
    this.#sent += 1;
    const content = {
      cameraId,
      seq: this.#sent,
      timestampMs: atMs,
      contentType: 'image/jpeg',
      key: true,
      picture: data,
    };
    await this.#until((wake) => {
      const done = this.#sendWatch.begin((error) => {
        if (error) this.send({ type: 'send.failed', error });
        wake();
      });
      wire.write({ ...content, message: encode(content) }, done);
      return () => {};
    });
  }

  /** Waits for what `begin` begins, or for the end; then undoes it. */
  async #until(begin: (wake: () => void) => () => void): Promise<void> {
    let undo: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      undo = begin(resolve);
      if (this.#over) resolve();
    });
    this.#wake = undefined;
    undo?.();
  }
}
