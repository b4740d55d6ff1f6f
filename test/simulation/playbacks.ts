/** The wire of somebody who plays what was recorded: whole pictures of that camera, in the order in which they came. */
import type { Frame } from '../../src/gateway/frame.js';
import type { Clock } from '../../src/otp/clock.js';
import { readPicture } from './ledger.js';
import { type Breach, type Reading, SimulatedFrames } from './wires.js';

export class SimulatedPlayback extends SimulatedFrames {
  readonly #cameraId: string;
  #lastMs: number;

  constructor(
    label: string,
    breach: Breach,
    reading: Reading,
    clock: Clock,
    { cameraId, fromMs }: { readonly cameraId: string; readonly fromMs: number },
  ) {
    super(label, breach, reading, clock);
    this.#cameraId = cameraId;
    this.#lastMs = fromMs - 1;
  }

  override write(frame: Frame, done: (error?: Error | null) => void): void {
    const picture = readPicture(frame.picture);
    if (!picture) this.breach(`I-torn: ${this.label} got a picture that is not whole`);
    else if (!picture.label.startsWith(`simulated:${this.#cameraId}#`))
      this.breach(`I-torn: ${this.label} got a picture of ${picture.label}`);
    if (frame.timestampMs <= this.#lastMs)
      this.breach(`I-order: ${this.label} got the picture of ${frame.timestampMs} after that of ${this.#lastMs}`);
    this.#lastMs = frame.timestampMs;
    super.write(frame, done);
  }
}
