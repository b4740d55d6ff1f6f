import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AudioContent, decodeAudio, encodeAudio } from '../../src/grpc/audio-codec.js';
import { AudioChunkSchema } from '../../src/grpc/gen/sluice/v1/audio_pb.js';
import { FRAMING_BYTES } from '../../src/grpc/wire-format.js';

const int32 = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, 1, -1, 16_000, 127, 128, -(2 ** 31), 2 ** 31 - 1),
);

const content: fc.Arbitrary<AudioContent> = fc.record({
  pcm: fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes)),
  sampleRate: int32,
  channels: int32,
  timestampMs: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
  userId: fc.string({ unit: 'grapheme' }),
  trackId: int32,
});

const body = (message: Buffer): Buffer => message.subarray(FRAMING_BYTES);

const asGenerated = ({ pcm, timestampMs, ...same }: AudioContent) =>
  create(AudioChunkSchema, { ...same, pcmData: new Uint8Array(pcm), timestampMs: BigInt(timestampMs) });

const sample: AudioContent = {
  pcm: Buffer.alloc(640, 7),
  sampleRate: 16_000,
  channels: 1,
  timestampMs: 1_700_000_000_000,
  userId: 'ann',
  trackId: 2,
};

describe('an encoded audio chunk', () => {
  it('is byte for byte what the generated code writes, behind the framing', () => {
    fc.assert(
      fc.property(content, (chunk) => {
        const message = encodeAudio(chunk);
        expect(body(message)).toEqual(Buffer.from(toBinary(AudioChunkSchema, asGenerated(chunk))));
        expect(message[0]).toBe(0);
        expect(message.readUInt32BE(1)).toBe(message.length - FRAMING_BYTES);
      }),
    );
  });
});

describe('an audio chunk that is read', () => {
  it('is what was written, by us or by the generated code', () => {
    fc.assert(
      fc.property(content, (chunk) => {
        expect(decodeAudio(body(encodeAudio(chunk)))).toEqual(chunk);
        expect(decodeAudio(body(encodeAudio(chunk)), 0, chunk.userId)).toEqual(chunk);
        expect(decodeAudio(body(encodeAudio(chunk)), 0, `${chunk.userId}\u0000`.slice(1))).toEqual(chunk);
        expect(decodeAudio(Buffer.from(toBinary(AudioChunkSchema, asGenerated(chunk))))).toEqual(chunk);
      }),
    );
  });

  it('shares the bytes of the sound with the message', () => {
    const encoded = body(encodeAudio(sample));
    expect(decodeAudio(encoded).pcm.buffer).toBe(encoded.buffer);
  });

  it('can be handed on as it came, with its framing, unless there is more in it than we know', () => {
    const message = encodeAudio(sample);
    expect(decodeAudio(message, FRAMING_BYTES)).toEqual({ ...sample, message });
    expect(decodeAudio(message, FRAMING_BYTES).message?.buffer).toBe(message.buffer);
    expect(decodeAudio(body(message)).message).toBe(undefined);
    expect(decodeAudio(Buffer.concat([message, Buffer.from([0x38, 1])]), FRAMING_BYTES).message).toBe(undefined);
    const compressed = Buffer.from(message);
    compressed[0] = 1;
    expect(decodeAudio(compressed, FRAMING_BYTES).message).toBe(undefined);
  });

  it('is refused when it is cut off inside a field, and is never wrong sound', () => {
    const whole = body(encodeAudio(sample));
    for (let length = 0; length < whole.length; length++) {
      const ours = attempt(() => decodeAudio(whole.subarray(0, length)));
      const theirs = attempt(() => fromBinary(AudioChunkSchema, whole.subarray(0, length)));
      if ('made' in ours)
        expect('made' in theirs && decodeAudio(again(theirs.made)), `cut at ${length}`).toEqual(ours.made);
      else expect('thrown' in theirs && ours.thrown.message, `cut at ${length}`).toMatch(/^audio chunk: /);
    }
  });

  it('is read or refused by name, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (random) => {
        const read = attempt(() => decodeAudio(Buffer.from(random)));
        if ('thrown' in read) expect(read.thrown.message).toMatch(/^audio chunk: /);
      }),
      { numRuns: 2_000 },
    );
  });

  it('skips what a later version may add, and keeps the last of a field that comes twice', () => {
    const later = Buffer.from([0x38, 1, 0x42, 2, 0xaa, 0xbb]);
    const twice = Buffer.concat([body(encodeAudio({ ...sample, trackId: 9 })), later, body(encodeAudio(sample))]);
    expect(decodeAudio(twice)).toEqual(sample);
  });
});

function attempt<T>(run: () => T): { readonly made: T } | { readonly thrown: Error } {
  try {
    return { made: run() };
  } catch (thrown) {
    return { thrown: thrown as Error };
  }
}

function again(chunk: ReturnType<typeof asGenerated>): Buffer {
  return Buffer.from(toBinary(AudioChunkSchema, chunk));
}
