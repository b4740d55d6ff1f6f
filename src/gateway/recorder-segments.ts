/**
 * What is written into which segment. A segment ends when it is long enough, large enough, or its session is over; when the
 * pictures become of another size, because a file has one; and when the clock was set back, because time in a file goes on.
 */
import type { Arrival } from './recorder-intake.js';
import type { OpenSegment, Recording, RecordingArchive, RecordOptions, StoredPicture } from './recording.js';

export interface SegmentsParts {
  readonly archive: RecordingArchive;
  readonly record: RecordOptions;
  /** Pictures are stored as they come, and why; said once. */
  readonly kept: (why: string) => void;
}

export class RecorderSegments {
  readonly #parts: SegmentsParts;
  #open: OpenSegment | undefined;
  #session: { readonly sinceMs: number; readonly id: string } | undefined;
  #frames = 0;

  constructor(parts: SegmentsParts) {
    this.#parts = parts;
  }

  /** Pictures written. */
  get frames(): number {
    return this.#frames;
  }

  /** How a frame is stored; `undefined` for one that cannot be. */
  stored({ frame }: Arrival): Promise<StoredPicture | undefined> {
    return this.#parts.archive.stored(frame, this.#parts.kept);
  }

  /** Whether the open segment, if there is one, has to be finished before this picture. */
  due(picture: StoredPicture, atMs: number): boolean {
    if (!this.#open) return false;
    const ageMs = atMs - this.#open.fromMs;
    const long = ageMs >= this.#parts.record.segmentSeconds * 1_000;
    return long || ageMs < 0 || this.#sessionOver(atMs) || !this.#open.fits(picture);
  }

  async write(picture: StoredPicture, atMs: number): Promise<void> {
    this.#open ??= await this.#begin(picture, atMs);
    await this.#open.write(picture, atMs);
    this.#frames += 1;
  }

  /** What became of the open segment; `undefined` where there is none. One that cannot be finished stays, to be abandoned. */
  async finish(): Promise<Recording | undefined> {
    const recording = await this.#open?.finish();
    this.#open = undefined;
    return recording;
  }

  async abandon(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.abandon();
  }

  /** What comes next was not recorded without a break with what came before. */
  endSession(): void {
    this.#session = undefined;
  }

  async #begin(picture: StoredPicture, atMs: number): Promise<OpenSegment> {
    if (this.#sessionOver(atMs)) this.#session = undefined;
    const segment = await this.#parts.archive.begin(picture, atMs, this.#session?.id);
    this.#session ??= { sinceMs: segment.fromMs, id: segment.session };
    return segment;
  }

  #sessionOver(atMs: number): boolean {
    if (!this.#session) return false;
    const ageMs = atMs - this.#session.sinceMs;
    return ageMs < 0 || ageMs >= this.#parts.record.sessionMinutes * 60_000;
  }
}
