/**
 * The wire form of a frame, written by hand: a frame is encoded once and shared by all its viewers, so what counts is one
 * allocation that already holds gRPC's framing, which a generated codec cannot give. It says the same as the generated
 * code, in both directions; the tests hold the two against each other.
 *
 * `seq` and `timestamp_ms` are 64 bits on the wire and safe integers here: what does not fit is an error, not a rounding.
 */
import type { Frame } from '../gateway/frame.js';
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

export { FRAMING_BYTES } from './wire-format.js';

/** What a frame says, without the message that says it. */
export type FrameContent = Omit<Frame, 'message'>;

/** Protobuf's tags of Frame: field number × 8 + wire type. Each is one byte. */
const CAMERA_ID = 0x0a;
const SEQ = 0x10;
const TIMESTAMP_MS = 0x18;
const CONTENT_TYPE = 0x22;
const DATA = 0x2a;
const KEY = 0x30;

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

  const message = framed(bodyBytes);
  let at = writeString(message, FRAMING_BYTES, CAMERA_ID, frame.cameraId, idBytes);
  at = writeNumber(message, at, SEQ, frame.seq);
  at = writeNumber(message, at, TIMESTAMP_MS, frame.timestampMs);
  at = writeString(message, at, CONTENT_TYPE, frame.contentType, typeBytes);
  at = writeBytes(message, at, DATA, frame.picture);
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
  const reader = new ProtobufReader(body, 'frame');
  let cameraId = '';
  let seq = 0;
  let timestampMs = 0;
  let contentType = '';
  let key = false;
  let picture: Buffer = EMPTY_BYTES;
  while (!reader.atEnd) {
    const tag = reader.tag();
    switch (tag) {
      case CAMERA_ID:
        cameraId = reader.delimited().toString();
        break;
      case SEQ:
        seq = reader.uint64('seq');
        break;
      case TIMESTAMP_MS:
        timestampMs = reader.int64('timestamp_ms');
        break;
      case CONTENT_TYPE:
        contentType = reader.delimited().toString();
        break;
      case DATA:
        picture = reader.delimited();
        break;
      case KEY:
        key = reader.bool();
        break;
      default:
        reader.skip(tag, 0);
    }
  }
  return { cameraId, seq, timestampMs, contentType, key, picture };
}
