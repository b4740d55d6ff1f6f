/**
 * A picture as it is stored: a JPEG of the quality that is wanted, and how large it is. It is made anew on the threads of
 * `sharp`; without sharp, or with quality 0, it is stored as it comes. What comes out larger than it went in is stored as it
 * came: it was of that quality already.
 */
import type { Frame } from '../gateway/frame.js';
import { SourceError } from '../gateway/frame-source.js';
import type { StoredPicture } from '../gateway/recording.js';
import type { JpegWorks } from './jpeg-works.js';
import { PICTURE_BYTES_MAX, type PictureSize } from './recording-matroska.js';

const SOI = 0xd8;
const SOS = 0xda;

export class PicturesAsStored {
  readonly #works: JpegWorks;
  readonly #quality: number;
  #asTheyCome: boolean;

  constructor(works: JpegWorks, quality: number) {
    this.#works = works;
    this.#quality = quality;
    this.#asTheyCome = quality === 0;
  }

  /** `undefined` for one that is no picture or cannot be stored. `kept` is told once that there is no sharp. */
  async make({ picture }: Pick<Frame, 'picture'>, kept: (why: string) => void): Promise<StoredPicture | undefined> {
    const data = this.#asTheyCome ? picture : await this.#remade(picture, kept);
    const size = data && data.length <= PICTURE_BYTES_MAX ? jpegSize(data) : undefined;
    return size && { data, ...size };
  }

  async #remade(picture: Buffer, kept: (why: string) => void): Promise<Buffer> {
    try {
      const made = await this.#works.make(picture, { quality: this.#quality });
      return made.length < picture.length || !jpegSize(picture) ? made : picture;
    } catch (error) {
      // One that sharp cannot read may still be one that a player can.
      if (!(error instanceof SourceError) || this.#asTheyCome) return picture;
      this.#asTheyCome = true;
      kept(error.message);
      return picture;
    }
  }
}

/** How large a JPEG is, by its frame header; `undefined` for what is none. */
export function jpegSize(bytes: Buffer): PictureSize | undefined {
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== SOI) return undefined;
  for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) at += 1;
    else if (marker === SOS) return undefined;
    else if (isFrameHeader(marker)) {
      const size = { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
      return size.width > 0 && size.height > 0 ? size : undefined;
    } else at += 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}

function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
