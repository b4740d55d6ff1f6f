/**
 * Writes frames to one viewer's call. This is the seam for a faster way: the frame already holds gRPC's framing, so that it
 * could go to the HTTP/2 stream as it is. Today it goes through grpc-js's public API, which frames it once more.
 */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Frame } from '../gateway/frame.js';
import type { FrameWire } from '../gateway/transport.js';

/** `done` comes when the HTTP/2 stream has taken the frame. Of a call that was cancelled meanwhile it may never come. */
export function frameWriter<Request>(call: ServerWritableStream<Request, Frame>): FrameWire['write'] {
  return (frame, done) => void call.write(frame, done);
}
