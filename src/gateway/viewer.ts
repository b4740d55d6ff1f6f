/**
 * Somebody who watches a camera: a stream of frames through a bounded queue. Frames go from the camera to the wire without
 * touching a chart; the chart learns when the queue fills and drains.
 */
import { FrameRate } from '../flow/frame-rate.js';
import { Outbox, type OverflowPolicy } from '../flow/outbox.js';
import type { Clock } from '../otp/clock.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { Process } from '../otp/process.js';
import type { Camera, FrameConsumer } from './camera.js';
import { type DataAges, dataAges, momentOf, stateByAge } from './data-age.js';
import type { Frame } from './frame.js';
import { StreamBody, sentBy, type Traffic } from './stream.js';
import type { FrameWire } from './transport.js';
import type { StreamView } from './views.js';

export interface ViewerOptions {
  readonly camera: Camera;
  readonly wire: FrameWire;
  /** The client whose stream this is; empty for HTTP viewers, who are no clients. */
  readonly nodeId: string;
  readonly maxFps: number;
  readonly policy: OverflowPolicy;
  readonly queueFrames: number;
  readonly queueBytes: number;
  /** Called after the end, for an implicit client that lives as long as its calls. */
  readonly onClosed?: () => void;
}

export class Viewer extends StreamBody implements FrameConsumer {
  readonly kind = 'watch';
  readonly nodeId: string;
  readonly #options: ViewerOptions;
  readonly #outbox: Outbox<Frame>;
  /** Absent where every frame is within the rate: then the clock is not asked for each. */
  readonly #rate: FrameRate | undefined;
  #leave: (() => void) | undefined;
  #clock: Clock | undefined;
  /** Not a number before the first. Never nothing: V8 would make an object of each such number, for each frame and viewer. */
  #pushedAtMs = Number.NaN;
  #givenAtMs = Number.NaN;
  #pushing = false;

  constructor(options: ViewerOptions) {
    super();
    this.#options = options;
    this.nodeId = options.nodeId;
    if (options.maxFps > 0) this.#rate = new FrameRate(options.maxFps);
    this.#outbox = new Outbox<Frame>({
      policy: options.policy,
      framesMax: options.queueFrames,
      bytesMax: options.queueBytes,
      sizeOf: (frame) => frame.message.length,
      write: (frame, done) => {
        // Nearly every frame is given at once, and the clock was asked for it already.
        this.#givenAtMs = this.#pushing ? this.#pushedAtMs : this.#nowMs;
        options.wire.write(frame, done);
      },
      onEdge: this.onEdge,
    });
  }

  override attach(process: Process): void {
    super.attach(process);
    this.#clock = process.system.clock;
  }

  get #nowMs(): number {
    return (this.#clock as Clock).now();
  }

  /** Begins to watch. */
  begin(): void {
    if (!this.alive) return;
    this.send({ type: 'stream.opened' });
    this.#leave = this.#options.camera.join(this);
  }

  push(frame: Frame): void {
    this.#pushedAtMs = this.#nowMs;
    if (this.#rate && !this.#rate.admit(this.#pushedAtMs)) return;
    this.#pushing = true;
    this.#outbox.push(frame);
    this.#pushing = false;
  }

  /** The camera will deliver no more. */
  cameraEnded(reason: ExitReason): void {
    this.send({ type: 'owner.lost', reason });
  }

  override view(state: string): StreamView {
    return { ...super.view(state), cameraId: this.#options.camera.id };
  }

  protected override close(reason: ExitReason): void {
    this.#leave?.();
    this.#outbox.close();
    this.#options.wire.end(reason);
    this.#options.onClosed?.();
  }

  protected override drain(drained: () => void): void {
    this.#leave?.();
    this.#outbox.whenIdle(drained);
  }

  override figures(): Pick<StreamView, 'queued' | 'sent' | 'drops'> {
    const { queued, sent, drops } = this.#outbox;
    return { queued, sent, drops };
  }

  /** In: its camera gave a frame. Out: its wire was given one, which it is only when it has taken the one before. */
  protected override data(nowMs: number): DataAges {
    const { staleMs, stillMs = 0 } = this.#options.camera.options;
    const [inAtMs, outAtMs] = [momentOf(this.#pushedAtMs), momentOf(this.#givenAtMs)];
    return dataAges(nowMs, stateByAge(nowMs, outAtMs, staleMs + stillMs), { inAtMs, outAtMs });
  }

  override traffic(): Traffic {
    return sentBy(this.#outbox);
  }
}
