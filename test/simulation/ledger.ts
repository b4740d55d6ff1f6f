/**
 * The ledger of pictures. Whoever makes pictures (an attempt at a source, a publisher) numbers them; the gateway's encoder is
 * the simulation's, so that every frame is seen as it is made. Each picture becomes one frame at most, in its order, and none
 * of somebody who is over: deleted means gone.
 */
import type { FrameEncoder } from '../../src/gateway/frame.js';
import type { Breach } from './wires.js';

/** A picture is a JPEG as far as a recorder looks at one; what it shows is a text. */
const HEAD = Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 0x0b, 8, 0, 4, 0, 4, 1]);
const END = Buffer.from([0xff, 0xd9]);

/** Who made this picture, and which of its pictures it is; `undefined` for what is not whole. */
export function readPicture(picture: Buffer): { readonly label: string; readonly nth: number } | undefined {
  const end = picture.length - END.length;
  if (!picture.subarray(0, HEAD.length).equals(HEAD) || !picture.subarray(end).equals(END)) return undefined;
  const [, label = '', nth] = /^(.*) picture (\d+)$/.exec(picture.toString('latin1', HEAD.length, end)) ?? [];
  return nth === undefined ? undefined : { label, nth: Number(nth) };
}

/** Somebody who makes pictures. */
export class Maker {
  readonly label: string;
  /** Pictures made, and how many of them became frames. */
  made = 0;
  framed = 0;
  /** The last that did. */
  last = 0;
  /** Nothing of it may become a frame any more. */
  over = false;

  constructor(label: string) {
    this.label = label;
  }

  /** Its next picture. */
  next(): Buffer {
    this.made += 1;
    const picture = Buffer.concat([HEAD, Buffer.from(`${this.label} picture ${this.made}`, 'latin1'), END]);
    pictures.add(picture);
    return picture;
  }
}

/** Frames are handed on by reference: a picture that is none of these was read from a disk. */
const pictures = new WeakSet<Buffer>();

export class Ledger {
  /** Told of each frame as it is made. */
  readonly onFrame: ((cameraId: string) => void)[] = [];
  readonly #breach: Breach;
  readonly #makers = new Map<string, Maker>();
  readonly #frames = new Map<string, number>();

  constructor(breach: Breach) {
    this.#breach = breach;
  }

  maker(label: string): Maker {
    const maker = new Maker(label);
    this.#makers.set(label, maker);
    return maker;
  }

  /** Bytes of a frame on the wire: now little, now more than half of what may wait. */
  sizeOf(seq: number): number {
    return 100 + (seq % 7) * 80;
  }

  readonly encode: FrameEncoder = ({ cameraId, seq, picture }) => {
    // What is played was a frame before, and is looked at by whoever plays it.
    if (!pictures.has(picture)) return Buffer.alloc(this.sizeOf(seq));
    const { label = '', nth = 0 } = readPicture(picture) ?? {};
    const maker = this.#makers.get(label);
    if (!maker) this.#breach(`camera "${cameraId}" made frame ${seq} of nobody's picture`);
    else {
      if (maker.over) this.#breach(`I-attempt: frame ${seq} of "${cameraId}" is of ${label}, which is over`);
      if (nth <= maker.last) this.#breach(`I-order: picture ${nth} of ${label} became a frame after ${maker.last}`);
      maker.last = nth;
      maker.framed += 1;
    }
    const before = this.#frames.get(cameraId) ?? 0;
    // A camera that was started anew counts anew.
    if (seq !== before + 1 && seq !== 1) this.#breach(`I-order: frame ${seq} of "${cameraId}" follows ${before}`);
    this.#frames.set(cameraId, seq);
    for (const told of this.onFrame) told(cameraId);
    return Buffer.alloc(this.sizeOf(seq));
  };
}
