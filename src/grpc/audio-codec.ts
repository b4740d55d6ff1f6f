/**
 * The wire form of an audio chunk, written by hand for the same reason as that of a frame (`frame-codec.ts`): a chunk is
 * encoded once for all who hear it, with gRPC's framing in the same buffer. Chunks are small and many: at 50 a second and
 * listener, what a generated codec allocates is a good part of the whole cost.
 */
import {
  delimitedBytes,
  EMPTY_BYTES,
  FRAMING_BYTES,
  framed,
  numberBytes,
  ProtobufReader,
  writeBytes,
  writeNumber,
  writeString,
} from './wire-format.js';

/** `sluice.v1.AudioChunk`. */
export interface AudioContent {
  /** PCM16, little-endian. */
  readonly pcm: Buffer;
  readonly sampleRate: number;
  readonly channels: number;
  readonly timestampMs: number;
  readonly userId: string;
  readonly trackId: number;
  /** The whole message that it came as, framing included; absent where there is more in it, or it was not given whole. */
  readonly message?: Buffer | undefined;
}

/** Protobuf's tags of AudioChunk: field number × 8 + wire type. */
const PCM_DATA = 0x0a;
const SAMPLE_RATE = 0x10;
const CHANNELS = 0x18;
const TIMESTAMP_MS = 0x20;
const USER_ID = 0x2a;
const TRACK_ID = 0x30;

/** Framing and protobuf in one buffer, ready for any number of listeners. */
export function encodeAudio(chunk: AudioContent): Buffer {
  const userBytes = Buffer.byteLength(chunk.userId);
  const bodyBytes =
    delimitedBytes(chunk.pcm.length) +
    numberBytes(chunk.sampleRate) +
    numberBytes(chunk.channels) +
    numberBytes(chunk.timestampMs) +
    delimitedBytes(userBytes) +
    numberBytes(chunk.trackId);

  const message = framed(bodyBytes);
  let at = writeBytes(message, FRAMING_BYTES, PCM_DATA, chunk.pcm);
  at = writeNumber(message, at, SAMPLE_RATE, chunk.sampleRate);
  at = writeNumber(message, at, CHANNELS, chunk.channels);
  at = writeNumber(message, at, TIMESTAMP_MS, chunk.timestampMs);
  at = writeString(message, at, USER_ID, chunk.userId, userBytes);
  writeNumber(message, at, TRACK_ID, chunk.trackId);
  return message;
}

/**
 * Reads the protobuf of one chunk. `pcm` is a view of `bytes`, not a copy. Unknown fields are skipped; throws an `Error` that
 * says what is wrong with a body that is cut off or is no protobuf.
 * @param from where the protobuf begins: 0, or behind gRPC's framing.
 * @param expectedUser whom it probably names.
 */
export function decodeAudio(bytes: Buffer, from = 0, expectedUser = ''): AudioContent {
  const reader = new ProtobufReader(bytes, 'audio chunk', from);
  // What is marked as compressed, or says what we do not know, is not ours to hand on.
  let whole = from === FRAMING_BYTES && bytes[0] === 0;
  let pcm: Buffer = EMPTY_BYTES;
  let sampleRate = 0;
  let channels = 0;
  let timestampMs = 0;
  let userId = '';
  let trackId = 0;
  while (!reader.atEnd) {
    const tag = reader.tag();
    switch (tag) {
      case PCM_DATA:
        pcm = reader.delimited();
        break;
      case SAMPLE_RATE:
        sampleRate = reader.int32();
        break;
      case CHANNELS:
        channels = reader.int32();
        break;
      case TIMESTAMP_MS:
        timestampMs = reader.int64('timestamp_ms');
        break;
      case USER_ID:
        userId = reader.text(expectedUser);
        break;
      case TRACK_ID:
        trackId = reader.int32();
        break;
      default:
        whole = false;
        reader.skip(tag, 0);
    }
  }
  return { pcm, sampleRate, channels, timestampMs, userId, trackId, message: whole ? bytes : undefined };
}
