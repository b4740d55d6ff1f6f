/**
 * Cuts a byte stream into JPEG pictures. Servers of "MJPEG" agree on little: most send multipart parts with a length, some
 * without, some send bare pictures one after the other, and the content type of the response says nothing reliable about
 * which. So the body alone is looked at. A picture begins at a start marker; what stands before it tells how it ends:
 *
 * - a part header with Content-Length: a jump, without looking at the bytes between, then the end marker is verified;
 * - anything else: a walk over the picture's own markers. Waiting for the next boundary instead would hold every picture
 *   back for one period, because most servers write the boundary only with the next picture.
 *
 * A picture that turns out broken is never emitted. The parser resynchronises at the next boundary or, in a stream without
 * boundaries, at the next start marker. A start marker without a part header before it may belong to a thumbnail
 * inside a damaged picture: what begins there counts only when a boundary or another picture follows it directly.
 *
 * The buffer is flat, grows with the largest picture, and never beyond its limit: a stream that fills it keeps the last half.
 * Positions are remembered across chunks; each byte is looked at once. Nothing here knows sockets.
 */
import { BROKEN, endMarkerBefore, INCOMPLETE, isPadding, JpegWalk, START_OF_IMAGE } from './jpeg.js';
import { partHeader } from './part-header.js';

/** The default limit of the parse buffer: 10 MiB, and with it the largest picture. */
export const PARSE_BUFFER_BYTES_MAX = 10 * 1024 * 1024;

/** The default of how much is taken at a time, and of what the buffer begins with. */
export const CHUNK_BYTES = 64 * 1024;
/** Between two pictures stand a boundary and a few header lines. More than this is something else. */
const GAP_BYTES_MAX = 8 * 1024;
/** A server whose first so many lengths were all wrong never gets them right; its pictures are walked. */
const LIES_MAX = 3;

export interface ParserLimits {
  /** The most that the buffer takes. Default `PARSE_BUFFER_BYTES_MAX`, at least 1024. */
  readonly bufferBytesMax?: number | undefined;
  /** What is taken at a time of a larger chunk, and what the buffer begins with. Default `CHUNK_BYTES`. */
  readonly chunkBytes?: number | undefined;
}

export interface MjpegParserOptions extends ParserLimits {
  /** Gets each whole picture, a copy of its own. */
  readonly onPicture: (picture: Buffer) => void;
}

type State =
  /** Looking for a start marker. `#read` is where the gap before it begins. */
  | 'searching'
  /** Lost, and looking for the next boundary. */
  | 'seekingBoundary'
  /** In a picture (it starts at `#read`) that ends at `#end`, by its header. */
  | 'jumping'
  /** In a picture whose markers are being walked. */
  | 'walking'
  /** Behind a picture that ends at `#end` and counts only if another follows. */
  | 'confirming';

export class MjpegParser {
  readonly #onPicture: (picture: Buffer) => void;
  readonly #bytesMax: number;
  readonly #chunkBytes: number;
  readonly #walk = new JpegWalk();
  #slab: Buffer;
  /** What is before this is done with. */
  #read = 0;
  /** Where the next chunk goes. */
  #write = 0;
  /** Searches go on here; between `#read` and `#write`. */
  #scan = 0;
  #end = 0;
  #state: State = 'searching';
  #boundary: Buffer | undefined;
  #doubtful = false;
  #lost = false;
  #lies = 0;
  #lengthsHold = false;
  #pictures = 0;
  #resyncs = 0;
  #torn = 0;

  constructor(options: MjpegParserOptions) {
    this.#onPicture = options.onPicture;
    this.#bytesMax = options.bufferBytesMax ?? PARSE_BUFFER_BYTES_MAX;
    if (!(this.#bytesMax >= 1024))
      throw new RangeError(`bufferBytesMax: expected at least 1024, got ${this.#bytesMax}`);
    this.#chunkBytes = Math.max(1024, options.chunkBytes ?? CHUNK_BYTES);
    this.#slab = Buffer.allocUnsafeSlow(Math.min(this.#chunkBytes, this.#bytesMax));
  }

  get pictures(): number {
    return this.#pictures;
  }

  /** How often the place in the stream was lost and searched for anew. */
  get resyncs(): number {
    return this.#resyncs;
  }

  /** Pictures that were begun and dropped because a piece was missing or wrong. */
  get torn(): number {
    return this.#torn;
  }

  /** What the buffer takes of memory; at most the limit. */
  get capacityBytes(): number {
    return this.#slab.length;
  }

  /** What waits in the buffer for its continuation. */
  get bufferedBytes(): number {
    return this.#write - this.#read;
  }

  /** Takes the next bytes, in chunks of any size; the chunk is not kept. */
  push(chunk: Buffer): void {
    for (let taken = 0; taken < chunk.length; ) {
      // In slices, so that one large chunk of small pictures does not make the buffer grow to its size.
      const room = this.#makeRoom(Math.min(chunk.length - taken, this.#chunkBytes));
      const copied = chunk.copy(this.#slab, this.#write, taken, taken + room);
      this.#write += copied;
      taken += copied;
      const bytes = this.#slab.subarray(0, this.#write);
      while (this.#step(bytes));
      if (this.#read === this.#write) this.#moveToFront();
    }
  }

  /** One step through what is there. False when it takes more bytes to go on. */
  #step(bytes: Buffer): boolean {
    switch (this.#state) {
      case 'searching':
        return this.#search(bytes);
      case 'seekingBoundary':
        return this.#seekBoundary(bytes);
      case 'jumping':
        return this.#jump(bytes);
      case 'walking':
        return this.#walkOn(bytes);
      case 'confirming':
        return this.#confirm(bytes);
    }
  }

  #search(bytes: Buffer): boolean {
    const found = bytes.indexOf(START_OF_IMAGE, this.#scan);
    const start = found < 0 ? Math.max(this.#scan, bytes.length - 1) : found;
    if (start - this.#read > GAP_BYTES_MAX) {
      this.#lose();
      this.#read = start - GAP_BYTES_MAX;
    }
    this.#scan = start;
    if (found < 0) return false;
    this.#begin(bytes, start);
    return true;
  }

  /** A start marker: what stands before it decides how the picture is read. */
  #begin(bytes: Buffer, start: number): void {
    const header = partHeader(bytes.toString('latin1', this.#read, start));
    const expected = header !== undefined || (!this.#lost && isAllPadding(bytes, this.#read, start));
    this.#read = start;
    if (!expected) this.#lose();
    if (header) this.#learnBoundary(header.boundary);
    this.#doubtful = !expected;
    const length = header?.length;
    if (length !== undefined && length >= 4 && length <= this.#bytesMax && this.#lies < LIES_MAX) {
      this.#end = start + length;
      this.#state = 'jumping';
    } else {
      this.#walk.begin(start);
      this.#state = 'walking';
    }
  }

  #jump(bytes: Buffer): boolean {
    if (bytes.length < this.#end) return false;
    const end = endMarkerBefore(bytes, this.#end, this.#read);
    if (end < 0) {
      if (!this.#lengthsHold) this.#lies += 1;
      this.#tear(this.#read + 2);
    } else {
      this.#lengthsHold = true;
      this.#lies = 0;
      this.#emit(bytes, end, this.#end);
    }
    return true;
  }

  #walkOn(bytes: Buffer): boolean {
    const end = this.#walk.advance(bytes);
    if (end === INCOMPLETE) return false;
    if (end === BROKEN) {
      // A picture cut short runs on into the next part before it stops making sense: that part is whole.
      const passed = this.#boundary ? bytes.subarray(this.#read, this.#walk.at).lastIndexOf(this.#boundary) : -1;
      this.#tear(passed < 0 ? this.#walk.at : this.#read + passed);
    } else if (this.#doubtful) {
      this.#end = end;
      this.#state = 'confirming';
    } else {
      this.#emit(bytes, end, end);
    }
    return true;
  }

  #confirm(bytes: Buffer): boolean {
    let next = this.#end;
    while (next < bytes.length && isPadding(bytes[next] as number)) next += 1;
    const tooFar = next - this.#end > GAP_BYTES_MAX;
    if (next + 2 > bytes.length && !tooFar) return false;
    const dashes = bytes[next] === 0x2d && bytes[next + 1] === 0x2d;
    const marker = bytes[next] === START_OF_IMAGE[0] && bytes[next + 1] === START_OF_IMAGE[1];
    if (!tooFar && (dashes || marker)) this.#emit(bytes, this.#end, this.#end);
    else this.#tear(this.#end);
    return true;
  }

  #seekBoundary(bytes: Buffer): boolean {
    const boundary = this.#boundary as Buffer;
    const found = bytes.indexOf(boundary, this.#scan);
    this.#read = found < 0 ? Math.max(this.#scan, bytes.length - boundary.length + 1) : found;
    this.#scan = this.#read;
    if (found < 0) return false;
    this.#state = 'searching';
    return true;
  }

  #emit(bytes: Buffer, end: number, next: number): void {
    // Not out of Node's pool: a picture that is kept would keep its neighbours in the pool too.
    const picture = Buffer.allocUnsafeSlow(end - this.#read);
    bytes.copy(picture, 0, this.#read, end);
    this.#read = this.#scan = next;
    this.#state = 'searching';
    this.#lost = false;
    this.#pictures += 1;
    this.#onPicture(picture);
  }

  /** Drops the picture that was begun. */
  #tear(resyncAt: number): void {
    this.#torn += 1;
    this.#lose();
    this.#resyncFrom(resyncAt);
  }

  #lose(): void {
    if (!this.#lost) this.#resyncs += 1;
    this.#lost = true;
  }

  #resyncFrom(at: number): void {
    this.#read = this.#scan = at;
    this.#state = this.#boundary ? 'seekingBoundary' : 'searching';
  }

  #learnBoundary(line: string): void {
    if (this.#boundary?.toString('latin1') !== line) this.#boundary = Buffer.from(line, 'latin1');
  }

  /** How many of `wanted` bytes can be written now; at least one. */
  #makeRoom(wanted: number): number {
    if (this.#slab.length - this.#write < wanted) {
      this.#moveToFront();
      if (this.#slab.length - this.#write < wanted) this.#grow(this.#write + wanted);
      if (this.#slab.length === this.#write) this.#keepLastHalf();
    }
    return Math.min(wanted, this.#slab.length - this.#write);
  }

  #keepLastHalf(): void {
    if (this.#state !== 'searching' && this.#state !== 'seekingBoundary') this.#torn += 1;
    this.#lose();
    this.#resyncFrom(this.#write - (this.#bytesMax >> 1));
    this.#moveToFront();
  }

  #moveToFront(): void {
    const by = this.#read;
    if (by === 0) return;
    this.#slab.copyWithin(0, by, this.#write);
    this.#walk.shift(by);
    this.#end -= by;
    this.#scan -= by;
    this.#write -= by;
    this.#read = 0;
  }

  #grow(bytesWanted: number): void {
    const length = Math.min(this.#bytesMax, Math.max(bytesWanted, 2 * this.#slab.length));
    if (length <= this.#slab.length) return;
    const grown = Buffer.allocUnsafeSlow(length);
    this.#slab.copy(grown, 0, 0, this.#write);
    this.#slab = grown;
  }
}

function isAllPadding(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (!isPadding(bytes[at] as number)) return false;
  return true;
}
