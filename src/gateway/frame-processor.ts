/**
 * A function of the host's that sees every frame of a camera: a detector, a counter, a writer of its own. It is a consumer
 * like any viewer, with the queue of the camera before it, so that a slow one loses frames, the oldest first, and delays
 * nobody. It has one frame at a time; where it gives a promise, the next follows when that has settled.
 *
 * A frame that it fails at is skipped: the failure is noted (`frame.failed`, the first at once, then a second's worth at a
 * time, so that a function which is simply wrong does not fill the log at 30 frames per second), and the next frame comes.
 */
import { Outbox } from '../flow/outbox.js';
import type { Camera, FrameConsumer } from './camera.js';
import type { Frame } from './frame.js';
import { type FrameResource, HeldResource } from './frame-resource.js';

/** `signal` is aborted when the frames end: the camera is gone, or the host has taken its function back. */
export type FrameFunction = (frame: Frame, signal: AbortSignal) => unknown;

const NOTE_EVERY_MS = 1_000;

class FrameProcessor implements FrameConsumer {
  readonly #camera: Camera;
  readonly #process: FrameFunction;
  readonly #outbox: Outbox<Frame>;
  readonly #abort = new AbortController();
  #leave: (() => void) | undefined;
  #failures = 0;
  #notedAtMs = Number.NEGATIVE_INFINITY;

  constructor(camera: Camera, process: FrameFunction, queueBytes: number) {
    this.#camera = camera;
    this.#process = process;
    this.#outbox = new Outbox<Frame>({
      policy: 'drop_oldest',
      framesMax: camera.options.queueFrames,
      bytesMax: queueBytes,
      sizeOf: (frame) => frame.message.length,
      write: (frame, done) => void this.#take(frame).then(() => done()),
      onEdge: () => {},
    });
    this.#leave = camera.join(this);
  }

  push(frame: Frame): void {
    this.#outbox.push(frame);
  }

  cameraEnded(): void {
    this.end();
  }

  /** Takes no more frames. What it is busy with comes to its own end. Idempotent. */
  end(): void {
    this.#outbox.close();
    this.#leave?.();
    this.#leave = undefined;
    this.#abort.abort();
  }

  async #take(frame: Frame): Promise<void> {
    try {
      await this.#process(frame, this.#abort.signal);
    } catch (thrown) {
      this.#failed(frame, thrown);
    }
  }

  #failed({ seq }: Frame, thrown: unknown): void {
    this.#failures += 1;
    const nowMs = this.#camera.process.system.clock.now();
    if (nowMs - this.#notedAtMs < NOTE_EVERY_MS) return;
    this.#notedAtMs = nowMs;
    const reason = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    // How many it failed at since this was last said, this one included.
    this.#camera.note('frame.failed', { reason, seq, failures: this.#failures });
    this.#failures = 0;
  }
}

/** A function of the host's over the lives of its camera: a new one is begun with after each crash. */
export class Processing {
  readonly #given: FrameFunction | FrameResource<unknown>;
  readonly #queueBytes: number;
  #current: FrameProcessor | undefined;
  #resource: HeldResource<unknown> | undefined;

  constructor(given: FrameFunction | FrameResource<unknown>, queueBytes: number) {
    this.#given = given;
    this.#queueBytes = queueBytes;
  }

  begin(camera: Camera): void {
    this.end();
    this.#current = new FrameProcessor(camera, this.#functionFor(camera), this.#queueBytes);
  }

  end(): void {
    this.#current?.end();
    this.#current = undefined;
    this.#resource?.end();
    this.#resource = undefined;
  }

  #functionFor(camera: Camera): FrameFunction {
    if (typeof this.#given === 'function') return this.#given;
    const resource = new HeldResource(this.#given, camera.process.scope);
    this.#resource = resource;
    return (frame, signal) => resource.process(frame, signal);
  }
}
