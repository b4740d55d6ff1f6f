/**
 * An archive whose disk does what the test says: it answers, fails, and has as much room as it is told. Segments are opened,
 * completed and abandoned when the test lets them, and it knows when they are misused.
 */
import { expect } from 'vitest';
import type {
  Mended,
  OpenSegment,
  Recording,
  RecordingArchive,
  StoredPicture,
} from '../../../src/gateway/recording.js';

/** Something that was asked of the disk and is not done. */
interface Asked {
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

export class HeldArchive implements RecordingArchive {
  readonly recordings: readonly Recording[] = [];
  readonly size = 0;
  readonly bytes = 0;
  freeBytes = 1e9;
  /** The disk fails whenever it is asked. */
  broken = false;
  /** The next picture does not fit into the open segment. */
  fits = true;
  /** Whether segments are being completed: then `retain` is held too, for where there was none to complete. */
  completing: () => boolean = () => false;
  readonly openSegments = new Set<OpenSegment>();
  readonly #asked: Asked[] = [];

  get held(): number {
    return this.#asked.length;
  }

  /** The disk has done the first thing that it was asked for. */
  async done(): Promise<void> {
    await this.#next((asked) => asked.done());
  }

  async fail(): Promise<void> {
    await this.#next((asked) => asked.fail(new Error('input/output error')));
  }

  /** Gives everything back, now and from now on. */
  release(): void {
    this.completing = () => false;
    for (const asked of this.#asked.splice(0)) asked.done();
    this.#released = true;
  }

  #released = false;

  open(): Promise<Mended> {
    return this.#hold(() => ({ repaired: 0, removed: 0 }));
  }

  async free(): Promise<number> {
    this.#work();
    return this.freeBytes;
  }

  async stored(): Promise<StoredPicture> {
    return { data: Buffer.from('picture'), width: 1, height: 1 };
  }

  async begin(_first: StoredPicture, atMs: number): Promise<OpenSegment> {
    expect(this.openSegments.size, 'open segments when another is begun').toBe(0);
    const segment: OpenSegment = {
      fromMs: atMs,
      bytes: 1,
      session: 'session',
      fits: () => this.fits,
      write: async () => {
        expect(this.openSegments.has(segment), 'a write behind the end').toBe(true);
        this.#work();
      },
      finish: () =>
        this.#hold(() => {
          this.openSegments.delete(segment);
          return { id: 'segment', fromMs: atMs, toMs: atMs, frames: 1, bytes: 1, session: 'session' };
        }),
      abandon: () => this.#hold(() => void this.openSegments.delete(segment)),
    };
    this.openSegments.add(segment);
    return segment;
  }

  async retain(): Promise<readonly Recording[]> {
    return this.completing() && this.openSegments.size === 0 ? this.#hold(() => []) : [];
  }

  async *pictures(): AsyncGenerator<never, void, undefined> {}

  file(): undefined {
    return undefined;
  }

  async close(): Promise<void> {}

  #work(): void {
    if (this.broken) throw new Error('input/output error');
  }

  #hold<T>(answer: () => T): Promise<T> {
    if (this.#released) return Promise.resolve(answer());
    return new Promise((resolve, reject) => {
      this.#asked.push({ done: () => resolve(answer()), fail: reject });
    });
  }

  /** What is asked of the disk comes in a line of promises: it may be a moment until it is asked. */
  async #next(what: (asked: Asked) => void): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const asked = this.#asked.shift();
    if (asked) what(asked);
  }
}
