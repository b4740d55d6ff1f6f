/**
 * A source whose pictures are made anew on their way to the camera: smaller, or of another quality. Made once, and shared by all
 * viewers. Pictures above the camera's rate are left out before, because to make what nobody sees is the dearest way to
 * skip it; so this source keeps the rate itself.
 *
 * A picture that cannot be read is left out and counted, and the next one comes. Without `sharp` the attempt fails for good.
 */
import { FrameRate } from '../flow/frame-rate.js';
import { isFed } from '../gateway/fed-source.js';
import type { Picture } from '../gateway/frame.js';
import {
  type FrameSource,
  type SourceAttempt,
  type SourceContext,
  SourceError,
  type SourceListener,
} from '../gateway/frame-source.js';
import type { Clock } from '../otp/clock.js';
import type { JpegLine, JpegShape, JpegWorks } from './jpeg-works.js';

export interface JpegSourceOptions {
  readonly works: JpegWorks;
  readonly shape: JpegShape;
  readonly fps?: number | undefined;
}

/** The source with its pictures made anew. Who publishes into it still does. */
export function jpegSource(source: FrameSource, options: JpegSourceOptions): FrameSource {
  const remade = new JpegSource(source, options);
  return isFed(source) ? Object.assign(remade, { feed: source.feed.bind(source) }) : remade;
}

class JpegSource implements FrameSource {
  readonly keepsRate = true;
  readonly #source: FrameSource;
  readonly #options: JpegSourceOptions;
  readonly #rate: FrameRate;
  /** Left out by attempts that are over, and by the one that is not. */
  #leftOut = 0;
  #current: RemadePictures | undefined;

  constructor(source: FrameSource, options: JpegSourceOptions) {
    this.#source = source;
    this.#options = options;
    this.#rate = new FrameRate(options.fps);
  }

  get kind(): string {
    return this.#source.kind;
  }

  get label(): string {
    return this.#source.label;
  }

  get skipped(): number {
    return (this.#source.skipped ?? 0) + this.#rate.skipped + this.#leftOut + (this.#current?.leftOut ?? 0);
  }

  open(listener: SourceListener, context: SourceContext): SourceAttempt {
    const { works, shape } = this.#options;
    this.#leftOut += this.#current?.leftOut ?? 0;
    const pictures = new RemadePictures(listener, { line: works.line(shape), rate: this.#rate, clock: context.clock });
    this.#current = pictures;
    const attempt = this.#source.open(pictures, context);
    return { close: () => pictures.close(attempt) };
  }
}

interface RemadeParts {
  readonly line: JpegLine;
  readonly rate: FrameRate;
  readonly clock: Clock;
}

class RemadePictures implements SourceListener {
  readonly #listener: SourceListener;
  readonly #parts: RemadeParts;
  #unreadable = 0;
  #ended = false;

  constructor(listener: SourceListener, parts: RemadeParts) {
    this.#listener = listener;
    this.#parts = parts;
  }

  get leftOut(): number {
    return this.#unreadable + this.#parts.line.late;
  }

  opened(): void {
    this.#listener.opened();
  }

  picture(picture: Picture): boolean {
    const { line, rate, clock } = this.#parts;
    if (!rate.admit(clock.now())) return false;
    // Of the moment when it came, however long it takes.
    const timestampMs = picture.timestampMs ?? clock.wallMs();
    line.push({
      picture: picture.data,
      made: (data) => {
        if (!this.#ended) this.#listener.picture({ ...picture, contentType: 'image/jpeg', data, timestampMs });
      },
      failed: (error) => {
        if (error instanceof SourceError) this.failed(error);
        else this.#unreadable += 1;
      },
    });
    return true;
  }

  failed(error: SourceError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.failed(error);
  }

  async close(attempt: SourceAttempt): Promise<void> {
    this.#ended = true;
    await Promise.all([attempt.close(), this.#parts.line.end()]);
  }
}
