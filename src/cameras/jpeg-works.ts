/**
 * Where pictures are scaled and encoded anew: by `sharp`, on threads of its own, so that the event loop never waits. `sharp` is
 * an optional peer, loaded when the first picture is there to be made; without it there is one clear error that no retry mends.
 *
 * Everything is bounded. Only so many pictures are being made at once, fewer than Node has threads for files and names, so
 * that those go on. A customer has at most one here and one in waiting: a newer one takes the place of the one that waits,
 * which is late and dropped. So what waits is no more than a picture for each camera, and a camera's pictures stay in order.
 */
import { availableParallelism } from 'node:os';
import { SourceError } from '../gateway/frame-source.js';

export interface JpegShape {
  /** 1 to 100. */
  readonly quality: number;
  /** Larger pictures are scaled down to this many pixels; smaller ones stay as they are. */
  readonly width?: number | undefined;
}

/** What is used of sharp. */
export type Sharp = (
  picture: Buffer,
  options: { readonly failOn: 'truncated'; readonly limitInputPixels: number },
) => SharpPicture;

interface SharpPicture {
  resize(options: { readonly width: number; readonly withoutEnlargement: true }): SharpPicture;
  jpeg(options: { readonly quality: number }): SharpPicture;
  toBuffer(): Promise<Buffer>;
}

/** Node has four threads for everything that is slow; one is left to the others. */
const AT_ONCE_MAX = 3;
/** 100 megapixels: a picture that claims more is a bomb. */
const PIXELS_MAX = 100_000_000;

export class JpegWorks {
  readonly #load: () => Promise<{ readonly default: unknown }>;
  readonly #atOnce: number;
  #sharp: Promise<Sharp> | undefined;
  #running = 0;
  #runningMost = 0;
  /** Those who wait for a place, each once. */
  readonly #waiting: (() => void)[] = [];

  constructor(load: () => Promise<{ readonly default: unknown }> = () => import('sharp')) {
    this.#load = load;
    this.#atOnce = Math.min(AT_ONCE_MAX, availableParallelism());
  }

  /** The most pictures that were ever made at once. */
  get runningMost(): number {
    return this.#runningMost;
  }

  /** Makes one picture of another. Rejects for one that cannot be read; with a final `SourceError` where sharp is missing. */
  async make(picture: Buffer, { quality, width }: JpegShape): Promise<Buffer> {
    this.#sharp ??= this.#loaded();
    const sharp = await this.#sharp;
    if (this.#running >= this.#atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    this.#runningMost = Math.max(this.#runningMost, this.#running);
    try {
      const read = sharp(picture, { failOn: 'truncated', limitInputPixels: PIXELS_MAX });
      const scaled = width === undefined ? read : read.resize({ width, withoutEnlargement: true });
      return await scaled.jpeg({ quality }).toBuffer();
    } finally {
      // The place is handed on; it is free only when nobody waits.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  /** A line of pictures to be made, in order, for one customer. */
  line(shape: JpegShape): JpegLine {
    return new JpegLine(this, shape);
  }

  async #loaded(): Promise<Sharp> {
    try {
      return (await this.#load()).default as Sharp;
    } catch (cause) {
      const message =
        'jpeg: expected the package "sharp" to be installed (npm install sharp), and it could not be loaded';
      throw new SourceError(message, { final: true, cause });
    }
  }
}

/** A picture to be made, and who is told. */
interface Order {
  readonly picture: Buffer;
  readonly made: (picture: Buffer) => void;
  readonly failed: (error: unknown) => void;
}

export class JpegLine {
  readonly #works: JpegWorks;
  readonly #shape: JpegShape;
  #busy: Promise<void> | undefined;
  #next: Order | undefined;
  #late = 0;

  constructor(works: JpegWorks, shape: JpegShape) {
    this.#works = works;
    this.#shape = shape;
  }

  /** Pictures that were dropped because a newer one came before their turn. */
  get late(): number {
    return this.#late;
  }

  push(order: Order): void {
    if (this.#next) this.#late += 1;
    this.#next = order;
    this.#busy ??= this.#work();
  }

  /** Forgets what waits. Resolves when nothing is being made any more. */
  async end(): Promise<void> {
    this.#next = undefined;
    await this.#busy;
  }

  async #work(): Promise<void> {
    for (let order = this.#take(); order; order = this.#take()) {
      try {
        order.made(await this.#works.make(order.picture, this.#shape));
      } catch (error) {
        order.failed(error);
      }
    }
    this.#busy = undefined;
  }

  #take(): Order | undefined {
    const order = this.#next;
    this.#next = undefined;
    return order;
  }
}
