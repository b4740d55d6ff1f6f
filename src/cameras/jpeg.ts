/**
 * Where a JPEG ends. Not at the next end marker: the thumbnail that a camera puts into the EXIF segment is a whole JPEG
 * with an end marker of its own, and a cut there gives a picture that no decoder takes. So this walks the markers, jumps
 * over segments by their lengths, and looks at single bytes only in the entropy-coded data, where `FF` is always escaped.
 *
 * A walk goes on where it stopped, so that a picture that comes in a thousand chunks is looked at once.
 * See https://www.w3.org/Graphics/JPEG/itu-t81.pdf, annex B.
 */

/** The picture goes on behind the bytes that are there. */
export const INCOMPLETE = -1;
/** The bytes are no JPEG, or one with a piece missing. */
export const BROKEN = -2;

export const START_OF_IMAGE = Buffer.from([0xff, 0xd8]);

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const TEM = 0x01;

export class JpegWalk {
  #at = 0;
  #inScan = false;

  /** Begins at the start marker of a picture, whose two bytes the caller has seen. */
  begin(startMarkerAt: number): void {
    this.#at = startMarkerAt + 2;
    this.#inScan = false;
  }

  /** How far the walk has come. After `BROKEN`, the place that did not make sense. */
  get at(): number {
    return this.#at;
  }

  /** Tells the walk that its bytes moved towards the beginning of the buffer. */
  shift(bytes: number): void {
    this.#at -= bytes;
  }

  /** Goes on over all that is there. The position behind the end marker, `INCOMPLETE` or `BROKEN`. */
  advance(bytes: Buffer): number {
    const end = bytes.length;
    for (;;) {
      if (this.#inScan && !this.#skipScan(bytes)) return INCOMPLETE;
      const at = this.#at;
      if (at + 2 > end) return INCOMPLETE;
      if (bytes[at] !== 0xff) return BROKEN;
      const marker = bytes[at + 1] as number;
      if (marker === EOI) return at + 2;
      if (marker === 0xff) {
        this.#at = at + 1; // a fill byte
      } else if (isAlone(marker)) {
        this.#at = at + 2;
      } else {
        if (marker === SOI || marker < 0xc0) return BROKEN;
        if (at + 4 > end) return INCOMPLETE;
        const length = bytes.readUInt16BE(at + 2);
        if (length < 2) return BROKEN;
        this.#at = at + 2 + length;
        this.#inScan = marker === SOS;
      }
    }
  }

  /** Goes to the marker that ends the entropy-coded data. False when it is not there yet. */
  #skipScan(bytes: Buffer): boolean {
    for (;;) {
      const found = bytes.indexOf(0xff, this.#at);
      if (found < 0) {
        this.#at = Math.max(this.#at, bytes.length);
        return false;
      }
      this.#at = found;
      if (found + 1 >= bytes.length) return false;
      const next = bytes[found + 1] as number;
      if (next === 0xff) this.#at = found + 1;
      else if (next === 0 || isRestart(next)) this.#at = found + 2;
      else break;
    }
    this.#inScan = false;
    return true;
  }
}

/** The end of the JPEG that starts at `start`, exclusive; `INCOMPLETE` or `BROKEN`. */
export function jpegEnd(bytes: Buffer, start = 0): number {
  if (bytes.length < start + 2) return INCOMPLETE;
  if (bytes[start] !== 0xff || bytes[start + 1] !== SOI) return BROKEN;
  const walk = new JpegWalk();
  walk.begin(start);
  return walk.advance(bytes);
}

/**
 * The end of the JPEG that lies in `start` to `end`, judged by its end marker alone; cameras pad a picture with zeros. -1
 * where there is no end marker. Line ends are not forgiven: a picture that lost two bytes ends in those of its part.
 */
export function endMarkerBefore(bytes: Buffer, end: number, start: number): number {
  let at = end;
  while (at > start && bytes[at - 1] === 0) at -= 1;
  return at - start >= 4 && bytes[at - 2] === 0xff && bytes[at - 1] === EOI ? at : -1;
}

/** What may stand between two pictures. */
export function isPadding(byte: number): boolean {
  return byte === 0 || byte === 0x0a || byte === 0x0d || byte === 0x20;
}

/** Markers without a segment. */
function isAlone(marker: number): boolean {
  return marker === TEM || isRestart(marker);
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}
