/**
 * The one picture that is in the hands of the disk: made as it is to be stored, then written. While nothing may be written, or
 * it belongs into the next segment, it is held here, and the chart is told that it waits.
 */
import type { Arrival } from './recorder-intake.js';
import type { RecorderSegments } from './recorder-segments.js';
import type { StoredPicture } from './recording.js';

export interface HandParts {
  readonly segments: RecorderSegments;
  /** Asks the disk for something when it has done what it was asked for before. */
  readonly ask: (work: () => Promise<void>) => void;
  /** A picture waits, and nothing may be written. */
  readonly began: () => void;
  /** A picture waits for the next segment. */
  readonly due: () => void;
}

interface InHand {
  readonly arrival: Arrival;
  readonly done: () => void;
  stored?: StoredPicture | undefined;
}

export class RecorderHand {
  readonly #parts: HandParts;
  #inHand: InHand | undefined;
  #writing = false;
  #busy = false;
  #unfit = 0;

  constructor(parts: HandParts) {
    this.#parts = parts;
  }

  /** Pictures left out, because they are of no kind that can be stored. */
  get unfit(): number {
    return this.#unfit;
  }

  /** Takes the next; not before `done` was called for the one before, or that was forgotten. */
  take(arrival: Arrival, done: () => void): void {
    this.#inHand = { arrival, done };
    this.#work();
  }

  /** Pictures may be written from now on. */
  begin(): void {
    this.#writing = true;
    this.#work();
  }

  /** No more than the one that is being written; the next is held. */
  hold(): void {
    this.#writing = false;
  }

  forget(): void {
    this.#inHand = undefined;
    this.#writing = false;
  }

  #work(): void {
    const inHand = this.#inHand;
    if (!inHand || this.#busy) return;
    if (!this.#writing) {
      this.#parts.began();
      return;
    }
    this.#busy = true;
    this.#parts.ask(async () => {
      try {
        if (!(await this.#write(inHand))) return;
      } finally {
        this.#busy = false;
      }
      // Forgotten meanwhile.
      if (this.#inHand !== inHand) return;
      this.#inHand = undefined;
      inHand.done();
    });
  }

  /** @returns false when it has to wait for the next segment. */
  async #write(inHand: InHand): Promise<boolean> {
    const { segments, due } = this.#parts;
    inHand.stored ??= await segments.stored(inHand.arrival);
    // Making it has taken its time, and meanwhile the recorder may have been told to stop.
    if (!this.#writing) return false;
    const { stored, arrival } = inHand;
    if (!stored) {
      this.#unfit += 1;
      return true;
    }
    if (segments.due(stored, arrival.atMs)) {
      due();
      return false;
    }
    await segments.write(stored, arrival.atMs);
    return true;
  }
}
