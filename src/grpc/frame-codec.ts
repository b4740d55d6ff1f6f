/**
 * The wire form of a frame, written by hand: a frame is encoded once and shared by all its viewers, so what counts is one
 * allocation that already holds gRPC's framing, which a generated codec cannot give. It says the same as the generated
 * code, in both directions; the tests hold the two against each other.
 *
 * `seq` and `timestamp_ms` are 64 bits on the wire and safe integers here: what does not fit is an error, not a rounding.
 */
import type { Frame } from '../gateway/frame.js';

/** What a frame says, without the message that says it. */
export type FrameContent = Omit<Frame, 'message'>;

/** gRPC's framing before each message: one byte "compressed", four bytes length. */
export const FRAMING_BYTES = 5;

/** Protobuf's tags of Frame: field number × 8 + wire type. Each is one byte. */
const CAMERA_ID = 0x0a;
const SEQ = 0x10;
const TIMESTAMP_MS = 0x18;
const CONTENT_TYPE = 0x22;
const DATA = 0x2a;
const KEY = 0x30;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** Unknown groups nested deeper than this are an error: the reader must not recurse as deep as a stranger likes. */
const GROUP_DEPTH_MAX = 32;

/** Makes `Frame.message`: framing and protobuf in one buffer. Fields at their default are left out, as proto3 does. */
export function encodeFrame(frame: FrameContent): Buffer {
  const idBytes = Buffer.byteLength(frame.cameraId);
  const typeBytes = Buffer.byteLength(frame.contentType);
  const dataBytes = frame.picture.length;
  const bodyBytes =
    delimitedBytes(idBytes) +
    numberBytes(frame.seq) +
    numberBytes(frame.timestampMs) +
    delimitedBytes(typeBytes) +
    delimitedBytes(dataBytes) +
    (frame.key ? 2 : 0);

  const message = Buffer.allocUnsafe(FRAMING_BYTES + bodyBytes);
  message[0] = 0;
  message.writeUInt32BE(bodyBytes, 1);
  let at = writeString(message, FRAMING_BYTES, CAMERA_ID, frame.cameraId, idBytes);
  at = writeNumber(message, at, SEQ, frame.seq);
  at = writeNumber(message, at, TIMESTAMP_MS, frame.timestampMs);
  at = writeString(message, at, CONTENT_TYPE, frame.contentType, typeBytes);
  if (dataBytes > 0) {
    message[at++] = DATA;
    at = writeVarint(message, at, dataBytes);
    at += frame.picture.copy(message, at);
  }
  if (frame.key) {
    message[at++] = KEY;
    message[at++] = 1;
  }
  return message;
}

/**
 * Reads the protobuf of one frame, without gRPC's framing. `picture` is a view of `body`, not a copy. Unknown fields are
 * skipped; throws an `Error` that says what is wrong with a body that is cut off or is no protobuf.
 */
export function decodeFrame(body: Buffer): FrameContent {
  const reader = new Reader(body);
  let cameraId = '';
  let seq = 0;
  let timestampMs = 0;
  let contentType = '';
  let key = false;
  let picture: Buffer = EMPTY;
  while (!reader.atEnd) {
    const tag = reader.tag();
    switch (tag) {
      case CAMERA_ID:
        cameraId = reader.delimited().toString();
        break;
      case SEQ:
        seq = toSafeInteger(reader.varint(), 'seq');
        break;
      case TIMESTAMP_MS:
        timestampMs = toSafeInteger(BigInt.asIntN(64, BigInt(reader.varint())), 'timestamp_ms');
        break;
      case CONTENT_TYPE:
        contentType = reader.delimited().toString();
        break;
      case DATA:
        picture = reader.delimited();
        break;
      case KEY:
        key = BigInt(reader.varint()) !== 0n;
        break;
      default:
        reader.skip(tag, 0);
    }
  }
  return { cameraId, seq, timestampMs, contentType, key, picture };
}

const EMPTY = Buffer.alloc(0);

function delimitedBytes(length: number): number {
  return length === 0 ? 0 : 1 + varintBytes(length) + length;
}

function numberBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** A negative number goes as its 64-bit two's complement, which takes ten bytes. */
function varintBytes(value: number): number {
  if (value < 0) return 10;
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

function writeString(to: Buffer, at: number, tag: number, text: string, bytes: number): number {
  if (bytes === 0) return at;
  to[at++] = tag;
  at = writeVarint(to, at, bytes);
  return at + to.write(text, at, bytes);
}

function writeNumber(to: Buffer, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  to[at++] = tag;
  return writeVarint(to, at, value);
}

function writeVarint(to: Buffer, at: number, value: number): number {
  if (value < 0) return writeNegative(to, at, value);
  let rest = value;
  while (rest >= 0x80) {
    to[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  to[at++] = rest;
  return at;
}

function writeNegative(to: Buffer, at: number, value: number): number {
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    to[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  to[at++] = Number(rest);
  return at;
}

function toSafeInteger(value: number | bigint, field: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new Error(`frame: ${field} must be a safe integer, but was ${value}`);
}

class Reader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get atEnd(): boolean {
    return this.#at >= this.#body.length;
  }

  /** Field number 0 does not exist, and a tag never needs more than 32 bits. */
  tag(): number {
    const tag = Number(this.varint());
    if (tag < 8 || tag > 0xffff_ffff) throw new Error(`frame: there is no field with the tag ${tag}`);
    return tag;
  }

  /** A number as long as it is a safe integer, a bigint of 64 bits beyond. */
  varint(): number | bigint {
    let value = 0;
    let scale = 1;
    // Seven bytes hold 49 bits, which arithmetic on numbers does exactly.
    for (let read = 0; read < 7; read++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    let wide = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      wide |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, wide);
    }
    throw new Error('frame: a varint is longer than ten bytes');
  }

  /** A view of what a length-delimited field holds. */
  delimited(): Buffer {
    const from = this.#at;
    const length = Number(this.varint());
    const start = this.#at;
    if (length > this.#body.length - start) {
      throw new Error(
        `frame: the field at byte ${from} has ${length} bytes, but only ${this.#body.length - start} came`,
      );
    }
    this.#at = start + length;
    return this.#body.subarray(start, this.#at);
  }

  skip(tag: number, depth: number): void {
    switch (tag % 8) {
      case VARINT:
        this.varint();
        break;
      case FIXED64:
        this.#advance(8);
        break;
      case LENGTH_DELIMITED:
        this.delimited();
        break;
      case GROUP_START:
        this.#skipGroup(tag, depth);
        break;
      case FIXED32:
        this.#advance(4);
        break;
      default:
        throw new Error(`frame: wire type ${tag % 8} in the tag ${tag} is not protobuf`);
    }
  }

  #skipGroup(start: number, depth: number): void {
    if (depth >= GROUP_DEPTH_MAX) throw new Error(`frame: groups are nested deeper than ${GROUP_DEPTH_MAX}`);
    for (;;) {
      const tag = this.tag();
      if (tag === start + GROUP_END - GROUP_START) return;
      this.skip(tag, depth + 1);
    }
  }

  #byte(): number {
    const byte = this.#body[this.#at++];
    if (byte === undefined) throw new Error(`frame: cut off after ${this.#body.length} bytes`);
    return byte;
  }

  #advance(bytes: number): void {
    this.#at += bytes;
    if (this.#at > this.#body.length) throw new Error(`frame: cut off after ${this.#body.length} bytes`);
  }
}
