import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame, FRAMING_BYTES, type FrameContent } from '../../src/grpc/frame-codec.js';
import { FrameSchema } from '../../src/grpc/gen/sluice/v1/frame_pb.js';

const content: fc.Arbitrary<FrameContent> = fc.record({
  cameraId: fc.string({ unit: 'grapheme' }),
  seq: fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 127, 128, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER)),
  timestampMs: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
  contentType: fc.string({ unit: 'grapheme' }),
  key: fc.boolean(),
  picture: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
});

const body = (message: Buffer): Buffer => message.subarray(FRAMING_BYTES);

const asGenerated = (frame: FrameContent) =>
  create(FrameSchema, {
    cameraId: frame.cameraId,
    seq: BigInt(frame.seq),
    timestampMs: BigInt(frame.timestampMs),
    contentType: frame.contentType,
    key: frame.key,
    data: new Uint8Array(frame.picture),
  });

const sample: FrameContent = {
  cameraId: 'front',
  seq: 7,
  timestampMs: 1_700_000_000_000,
  contentType: 'image/jpeg',
  key: true,
  picture: Buffer.from('a picture'),
};

describe('an encoded frame', () => {
  it('is byte for byte what the generated code writes', () => {
    fc.assert(
      fc.property(content, (frame) => {
        expect(body(encodeFrame(frame))).toEqual(Buffer.from(toBinary(FrameSchema, asGenerated(frame))));
      }),
    );
  });

  it("begins with gRPC's framing: not compressed, and the length of what follows", () => {
    const message = encodeFrame(sample);
    expect(message[0]).toBe(0);
    expect(message.readUInt32BE(1)).toBe(message.length - FRAMING_BYTES);
  });

  it('is empty when every field is at its default', () => {
    const nothing = { cameraId: '', seq: 0, timestampMs: 0, contentType: '', key: false, picture: Buffer.alloc(0) };
    expect(encodeFrame(nothing)).toEqual(Buffer.alloc(FRAMING_BYTES));
    expect(decodeFrame(Buffer.alloc(0))).toEqual(nothing);
  });
});

describe('a frame that is read', () => {
  it('is what was written', () => {
    fc.assert(
      fc.property(content, (frame) => {
        expect(decodeFrame(body(encodeFrame(frame)))).toEqual(frame);
      }),
    );
  });

  it('shares the bytes of the picture with the message', () => {
    const encoded = body(encodeFrame(sample));
    expect(decodeFrame(encoded).picture.buffer).toBe(encoded.buffer);
  });

  it('keeps the last of a field that comes twice, and takes fields in any order', () => {
    const twice = Buffer.concat([body(encodeFrame({ ...sample, seq: 9 })), body(encodeFrame(sample))]);
    expect(decodeFrame(twice)).toEqual(sample);
    const reversed = Buffer.concat([Buffer.from([0x30, 1]), Buffer.from([0x10, 7])]);
    expect(decodeFrame(reversed)).toMatchObject({ seq: 7, key: true });
  });

  it('skips fields that it does not know, of every wire type', () => {
    const varint = [0x38, 0xff, 0x01];
    const fixed64 = [0x41, 1, 2, 3, 4, 5, 6, 7, 8];
    const delimited = [0x4a, 2, 0xaa, 0xbb];
    const group = [0x53, ...varint, 0x5b, ...fixed64, 0x5c, 0x54];
    const fixed32 = [0x65, 1, 2, 3, 4];
    const wideTag = [0x80, 0x80, 0x80, 0x80, 0x01, 0];
    const knownNumberOtherType = [0x12, 1, 0];
    const stranger = Buffer.from([varint, fixed64, delimited, group, fixed32, wideTag, knownNumberOtherType].flat());
    expect(decodeFrame(Buffer.concat([stranger, body(encodeFrame(sample)), stranger]))).toEqual(sample);
  });
});

describe('a body that is no frame', () => {
  it('is an error wherever it is cut off inside a field, and never wrong data', () => {
    const whole = body(encodeFrame(sample));
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.subarray(0, length);
      const generated = read(() => toBinary(FrameSchema, fromBinary(FrameSchema, cut)));
      if (generated === undefined) expect(() => decodeFrame(cut), `cut at ${length}`).toThrow(/^frame: /);
      else expect(toBinary(FrameSchema, asGenerated(decodeFrame(cut))), `cut at ${length}`).toEqual(generated);
    }
  });

  it('is read or refused, but never crashes the reader with anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeFrame(Buffer.from(bytes));
        } catch (error) {
          expect((error as Error).message).toMatch(/^frame: /);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [
      'a seq beyond the safe integers',
      [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      /seq must be a safe integer/,
    ],
    ['a varint of eleven bytes', [0x38, ...Array(10).fill(0x80), 0x01], /longer than ten bytes/],
    ['field number 0', [0x02, 0], /no field/],
    ['wire type 7', [0x3f], /wire type 7/],
    ['groups without an end', Array(100).fill(0x53), /nested deeper/],
  ])('is refused for %s', (_what, bytes, message) => {
    expect(() => decodeFrame(Buffer.from(bytes))).toThrow(message);
  });
});

/** What `decode` makes, or nothing when it throws. */
function read<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
