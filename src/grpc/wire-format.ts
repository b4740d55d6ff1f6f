/**
 * What our hand-written codecs share: gRPC's framing, and the parts of protobuf's wire form that they use. Numbers of 64 bits
 * are safe integers here; fields at their default are left out, as proto3 does.
 */

/** gRPC's framing before each message: one byte "compressed", four bytes length. */
export const FRAMING_BYTES = 5;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** Unknown groups nested deeper than this are an error: the reader must not recurse as deep as a stranger likes. */
const GROUP_DEPTH_MAX = 32;

export const EMPTY_BYTES: Buffer = Buffer.alloc(0);

/** Small messages share slabs of so many bytes: Node's own of 8 KiB would be made anew for every dozen chunks of sound. */
const SLAB_BYTES = 64 * 1024;
const SMALL_BYTES = 4 * 1024;
let slab: Buffer = EMPTY_BYTES;
let slabAt = 0;

function allocate(bytes: number): Buffer {
  if (bytes > SMALL_BYTES) return Buffer.allocUnsafe(bytes);
  if (bytes > slab.length - slabAt) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    slabAt = 0;
  }
  const from = slabAt;
  slabAt += bytes;
  return slab.subarray(from, slabAt);
}

/** A buffer for a message of so many bytes, its framing already in place. */
export function framed(bodyBytes: number): Buffer {
  const message = allocate(FRAMING_BYTES + bodyBytes);
  message[0] = 0;
  message.writeUInt32BE(bodyBytes, 1);
  return message;
}

export function delimitedBytes(length: number): number {
  return length === 0 ? 0 : 1 + varintBytes(length) + length;
}

export function numberBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** A negative number goes as its 64-bit two's complement, which takes ten bytes. */
function varintBytes(value: number): number {
  if (value < 0) return 10;
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

export function writeString(to: Buffer, at: number, tag: number, text: string, bytes: number): number {
  if (bytes === 0) return at;
  to[at++] = tag;
  at = writeVarint(to, at, bytes);
  return at + to.write(text, at, bytes);
}

export function writeBytes(to: Buffer, at: number, tag: number, bytes: Buffer): number {
  if (bytes.length === 0) return at;
  to[at++] = tag;
  at = writeVarint(to, at, bytes.length);
  return at + bytes.copy(to, at);
}

export function writeNumber(to: Buffer, at: number, tag: number, value: number): number {
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

/** Reads a message field by field. What is wrong with it throws an `Error` that begins with the message's name. */
export class ProtobufReader {
  readonly #body: Buffer;
  readonly #name: string;
  readonly #from: number;
  #at: number;

  /** @param from where in `body` the message begins. */
  constructor(body: Buffer, name: string, from = 0) {
    this.#body = body;
    this.#name = name;
    this.#from = from;
    this.#at = from;
  }

  get atEnd(): boolean {
    return this.#at >= this.#body.length;
  }

  /** Field number 0 does not exist, and a tag never needs more than 32 bits. */
  tag(): number {
    const tag = Number(this.varint());
    if (tag < 8 || tag > 0xffff_ffff) throw new Error(`${this.#name}: there is no field with the tag ${tag}`);
    return tag;
  }

  bool(): boolean {
    return Number(this.varint()) !== 0;
  }

  /** As protobuf has it: what is wider loses its upper bits. */
  int32(): number {
    const value = this.varint();
    return typeof value === 'number' && value < 2 ** 31 ? value : Number(BigInt.asIntN(32, BigInt(value)));
  }

  /** A safe integer; what does not fit throws. */
  int64(field: string): number {
    const value = this.varint();
    // A number has 49 bits at most, and none of them is a sign.
    return typeof value === 'number' ? value : this.#safeInteger(BigInt.asIntN(64, value), field);
  }

  /** A safe integer; what does not fit throws. */
  uint64(field: string): number {
    return this.#safeInteger(this.varint(), field);
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
    throw new Error(`${this.#name}: a varint is longer than ten bytes`);
  }

  /** Text. Where it says what is expected, which is looked at as ASCII, that very string: to make one anew costs more. */
  text(expected = ''): string {
    const start = this.#delimit();
    const end = this.#at;
    return isAscii(this.#body, start, end, expected) ? expected : this.#body.toString('utf8', start, end);
  }

  /** A view of what a length-delimited field holds. */
  delimited(): Buffer {
    const start = this.#delimit();
    return this.#body.subarray(start, this.#at);
  }

  /** Goes behind what a length-delimited field holds. @returns where that begins. */
  #delimit(): number {
    const field = this.#at;
    const length = Number(this.varint());
    const start = this.#at;
    if (length > this.#body.length - start) {
      throw new Error(
        `${this.#name}: the field at byte ${field - this.#from} has ${length} bytes, but only ${this.#body.length - start} came`,
      );
    }
    this.#at = start + length;
    return start;
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
        throw new Error(`${this.#name}: wire type ${tag % 8} in the tag ${tag} is not protobuf`);
    }
  }

  #skipGroup(start: number, depth: number): void {
    if (depth >= GROUP_DEPTH_MAX) throw new Error(`${this.#name}: groups are nested deeper than ${GROUP_DEPTH_MAX}`);
    for (;;) {
      const tag = this.tag();
      if (tag === start + GROUP_END - GROUP_START) return;
      this.skip(tag, depth + 1);
    }
  }

  #safeInteger(value: number | bigint, field: string): number {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new Error(`${this.#name}: ${field} must be a safe integer, but was ${value}`);
  }

  #byte(): number {
    const byte = this.#body[this.#at++];
    if (byte === undefined) throw this.#cutOff();
    return byte;
  }

  #cutOff(): Error {
    return new Error(`${this.#name}: cut off after ${this.#body.length - this.#from} bytes`);
  }

  #advance(bytes: number): void {
    this.#at += bytes;
    if (this.#at > this.#body.length) throw this.#cutOff();
  }
}

function isAscii(bytes: Buffer, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = bytes[start + at] as number;
    if (byte >= 0x80 || byte !== text.charCodeAt(at)) return false;
  }
  return true;
}
