/**
 * The side of a recorder that faces its camera: one more consumer, with a queue of its own. What the disk is too slow for is
 * dropped here, the oldest first, and counted. A camera that is not there, or has given up, is looked for again every second
 * for as long as the recorder wants pictures.
 */
import { FrameRate } from '../flow/frame-rate.js';
import { Outbox } from '../flow/outbox.js';
import type { Process } from '../otp/process.js';
import type { Held } from '../otp/scope.js';
import type { Camera, FrameConsumer } from './camera.js';
import type { Frame } from './frame.js';

/**
 * A frame and when it came, in milliseconds since 1970 by this gateway's clock: the clocks of cameras are wrong by years.
 */
export interface Arrival {
  readonly frame: Frame;
  readonly atMs: number;
}

export interface IntakeParts {
  /** The camera that lives now; `undefined` while it is being started again. */
  readonly find: () => Camera | undefined;
  readonly queueBytes: number;
  /** Takes one; the next follows when `done` was called. */
  readonly take: (arrival: Arrival, done: () => void) => void;
  /** The camera will deliver no more, for now. */
  readonly ended: () => void;
}

/** Pictures that wait for the disk, which may be busy for seconds with putting a segment in its place. */
const QUEUE_FRAMES = 100;
const REJOIN_MS = 1_000;

export class RecorderIntake implements FrameConsumer {
  readonly unseen = true;
  readonly #process: Process;
  readonly #parts: IntakeParts;
  #outbox: Outbox<Arrival> | undefined;
  #leave: (() => void) | undefined;
  #rejoin: Held | undefined;
  #rate: FrameRate | undefined;
  #lastAtMs = 0;
  #drops = 0;
  #skipped = 0;

  constructor(process: Process, parts: IntakeParts) {
    this.#process = process;
    this.#parts = parts;
  }

  /** Dropped because the disk was too slow. */
  get drops(): number {
    return this.#drops + (this.#outbox?.drops ?? 0);
  }

  /** Left out because there is little room. */
  get skipped(): number {
    return this.#skipped + (this.#rate?.skipped ?? 0);
  }

  /** When a frame came last, by the clock of the process. */
  get lastAtMs(): number {
    return this.#lastAtMs;
  }

  /** Takes frames from the camera, as soon as there is one. */
  begin(): void {
    this.#outbox = new Outbox<Arrival>({
      policy: 'drop_oldest',
      framesMax: QUEUE_FRAMES,
      bytesMax: this.#parts.queueBytes,
      sizeOf: ({ frame }) => frame.picture.length,
      write: (arrival, done) => this.#parts.take(arrival, done),
      onEdge: () => {},
    });
    this.#join();
  }

  /** Takes no more, and forgets those that wait. Idempotent. */
  end(): void {
    this.#leave?.();
    this.#leave = undefined;
    void this.#rejoin?.release();
    this.#drops = this.drops;
    this.#outbox?.close();
    this.#outbox = undefined;
  }

  /** From now on so many frames in a second; without a rate all of them. */
  limit(fps: number | undefined): void {
    this.#skipped = this.skipped;
    this.#rate = fps === undefined ? undefined : new FrameRate(fps);
  }

  push(frame: Frame): void {
    const { clock } = this.#process.system;
    this.#lastAtMs = clock.now();
    if (this.#rate?.admit(this.#lastAtMs) === false) return;
    this.#outbox?.push({ frame, atMs: Math.round(clock.wallMs()) });
  }

  cameraEnded(): void {
    if (!this.#leave) return;
    this.#leave();
    this.#leave = undefined;
    this.#parts.ended();
    this.#lookAgain();
  }

  #join(): void {
    const camera = this.#parts.find();
    if (camera) this.#leave = camera.join(this);
    else this.#lookAgain();
  }

  #lookAgain(): void {
    this.#rejoin = this.#process.scope.timer(REJOIN_MS, () => this.#join());
  }
}
