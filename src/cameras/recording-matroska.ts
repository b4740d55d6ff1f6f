/**
 * How a segment lies in its file: Matroska (https://www.rfc-editor.org/rfc/rfc9559.html) with JPEG pictures, the subset that
 * a recording needs. Each picture is a cluster of its own with a head of fixed size that carries its time and its length.
 * So a picture is one write; a file that a crash cut off is whole up to the last head whose picture is there; and
 * pictures may come at any pace. Players need nothing more than the header: the list of places to jump to (cues), the
 * duration and the size are filled in when the segment is complete.
 *
 * Everything here is bytes to and from numbers; files are elsewhere.
 */

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** A place to jump to. */
export interface Cue {
  readonly atMs: number;
  /** Where the picture's head begins in the file. */
  readonly at: number;
}

/** Larger pictures are not recorded. The heads have room for 256 MiB. */
export const PICTURE_BYTES_MAX = 64 * 1024 * 1024;

const VOID = 0xec;
const SEEK_HEAD = 0x114d9b74;
const CUES = 0x1c53bb6b;
const CLUSTER = 0x1f43b675;
const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;

/** Dates are counted from here, in nanoseconds. */
const EPOCH_MS = Date.UTC(2001, 0, 1);

/** An element: its id, the length of its body in the fewest bytes, its body. */
function element(id: number, ...body: readonly Buffer[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([idBytes(id), sizeBytes(content.length), content]);
}

function idBytes(id: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0));
}

function sizeBytes(length: number): Buffer {
  if (length < 0x7f) return Buffer.from([0x80 | length]);
  return size32(length);
}

function size32(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(0x10000000 + length);
  return bytes;
}

function uint(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}

const byte = (value: number): Buffer => Buffer.from([value]);
const text = (value: string): Buffer => Buffer.from(value, 'latin1');

const EBML = element(
  0x1a45dfa3,
  element(0x4286, byte(1)),
  element(0x42f7, byte(1)),
  element(0x42f2, byte(4)),
  element(0x42f3, byte(8)),
  element(0x4282, text('matroska')),
  element(0x4287, byte(4)),
  element(0x4285, byte(2)),
);
/** The segment's own head: eight bytes of length, at first "unknown". */
const SEGMENT = Buffer.from('1853806701ffffffffffffff', 'hex');
const SIZE_AT = EBML.length + 4;
/** Positions within a segment are counted from here. */
const BODY_AT = EBML.length + SEGMENT.length;
const SEEK_HEAD_BYTES = 26;
/** As long as a list of contents that names the cues, whose place it keeps. */
const NO_SEEK_HEAD = element(VOID, Buffer.alloc(SEEK_HEAD_BYTES - 2));
const INFO_AT = BODY_AT + SEEK_HEAD_BYTES;

/** The date and the duration stand first in it, so that where they are is known. */
function info(startMs: number, durationMs: number): Buffer {
  const date = Buffer.alloc(8);
  date.writeBigInt64BE(BigInt(startMs - EPOCH_MS) * 1_000_000n);
  return element(
    0x1549a966,
    element(0x4461, date),
    element(0x4489, float(durationMs)),
    element(0x2ad7b1, uint(1_000_000)),
    element(0x4d80, text('sluice')),
    element(0x5741, text('sluice')),
  );
}

function tracks({ width, height }: PictureSize): Buffer {
  const video = element(0xe0, element(0xb0, uint(width)), element(0xba, uint(height)));
  return element(
    0x1654ae6b,
    element(
      0xae,
      element(0xd7, byte(1)),
      element(0x73c5, byte(1)),
      element(0x83, byte(1)),
      element(0x9c, byte(0)),
      element(0x86, text('V_MJPEG')),
      video,
    ),
  );
}

/** Where the first picture's head begins. */
export const HEADER_BYTES: number = headerOf(0, { width: 1, height: 1 }).length;

/** What a file begins with. It is a whole file already, of no pictures and no known duration. */
export function headerOf(startMs: number, size: PictureSize): Buffer {
  return Buffer.concat([EBML, SEGMENT, NO_SEEK_HEAD, info(startMs, 0), tracks(size)]);
}

/** When the recording began, in milliseconds since 1970; `undefined` where this is none of our headers. */
export function startOf(header: Buffer): number | undefined {
  if (header.length < HEADER_BYTES || !header.subarray(0, EBML.length).equals(EBML)) return undefined;
  const dateAt = INFO_AT + 5 + 3;
  return Number(header.readBigInt64BE(dateAt) / 1_000_000n) + EPOCH_MS;
}

/** Bytes before each picture. */
export const FRAME_HEAD_BYTES = 27;

/** The head of a picture that comes `atMs` milliseconds after the first. */
export function frameHead(atMs: number, pictureBytes: number): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(CLUSTER, 0);
  head.writeUInt32BE(0x10000000 + FRAME_HEAD_BYTES - 8 + pictureBytes, 4);
  head[8] = TIMESTAMP;
  head[9] = 0x88;
  head.writeBigUInt64BE(BigInt(atMs), 10);
  head[18] = SIMPLE_BLOCK;
  head.writeUInt32BE(0x10000000 + 4 + pictureBytes, 19);
  // Track 1, at the cluster's own time, and a picture that needs no other.
  head[23] = 0x81;
  head[26] = 0x80;
  return head;
}

/** `undefined` where no picture begins: the end, or something that does not make sense. */
export function readFrameHead(head: Buffer): { readonly atMs: number; readonly pictureBytes: number } | undefined {
  if (head.length < FRAME_HEAD_BYTES) return undefined;
  const pictureBytes = head.readUInt32BE(19) - 0x10000000 - 4;
  if (pictureBytes < 0 || pictureBytes > PICTURE_BYTES_MAX) return undefined;
  const atMs = Number(head.readBigUInt64BE(10));
  return Number.isSafeInteger(atMs) && head.subarray(0, FRAME_HEAD_BYTES).equals(frameHead(atMs, pictureBytes))
    ? { atMs, pictureBytes }
    : undefined;
}

/** What is written at which place when a segment is complete: first what stands behind the pictures, then what points to it. */
export function completion(
  cues: readonly Cue[],
  { endAt, startMs, durationMs }: { readonly endAt: number; readonly startMs: number; readonly durationMs: number },
): readonly { readonly at: number; readonly bytes: Buffer }[] {
  const points = cues.map(({ atMs, at }) =>
    element(0xbb, element(0xb3, uint(atMs)), element(0xb7, element(0xf7, byte(1)), element(0xf1, uint(at - BODY_AT)))),
  );
  const list = element(CUES, ...points);
  const seekHead = element(
    SEEK_HEAD,
    element(0x4dbb, element(0x53ab, idBytes(CUES)), element(0x53ac, uint(endAt - BODY_AT))),
  );
  const size = uint(endAt + list.length - BODY_AT);
  size[0] = 0x01;
  return [
    { at: endAt, bytes: list },
    { at: BODY_AT, bytes: seekHead },
    { at: INFO_AT, bytes: info(startMs, durationMs) },
    { at: SIZE_AT, bytes: size },
  ];
}
