/** Who takes the frames of one camera: viewers, functions of the host's, its recorder. */
import { type Consumer, FanOut } from '../flow/fan-out.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { Frame } from './frame.js';

/** It keeps the camera open for as long as it has joined. */
export interface FrameConsumer extends Consumer<Frame> {
  /** Wants frames and is no viewer: it counts as none. */
  readonly unseen?: boolean;
  /** The camera will deliver no more. */
  cameraEnded(reason: ExitReason): void;
}

export class Audience {
  readonly #fanOut = new FanOut<Frame>();
  readonly #consumers = new Set<FrameConsumer>();
  #unseen = 0;
  /** When it was served last. */
  servedAtMs: number | undefined;

  /** All who take frames. */
  get size(): number {
    return this.#consumers.size;
  }

  get viewers(): number {
    return this.#consumers.size - this.#unseen;
  }

  /** @returns the undo, which may be called any number of times, and is true the first time. */
  join(consumer: FrameConsumer): () => boolean {
    const leave = this.#fanOut.join(consumer);
    if (consumer.unseen && !this.#consumers.has(consumer)) this.#unseen += 1;
    this.#consumers.add(consumer);
    return () => {
      leave();
      const left = this.#consumers.delete(consumer);
      if (left && consumer.unseen) this.#unseen -= 1;
      return left;
    };
  }

  publish(frame: Frame, nowMs: number): void {
    this.servedAtMs = nowMs;
    this.#fanOut.publish(frame);
  }

  /** Tells everybody that there will be no more. */
  end(reason: ExitReason): void {
    for (const consumer of [...this.#consumers]) consumer.cameraEnded(reason);
  }
}
