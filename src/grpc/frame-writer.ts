/** Writes frames to one viewer's call, each as it was encoded once for all of them. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Frame } from '../gateway/frame.js';
import type { FrameWire } from '../gateway/transport.js';
import { messageWriter } from './message-writer.js';

/** `done` comes when the HTTP/2 stream has taken the frame, and with an error when the call has ended before. */
export function frameWriter<Request>(call: ServerWritableStream<Request, Frame>): FrameWire['write'] {
  const writer = messageWriter<Frame>(call, (frame) => frame.message);
  return (frame, done) => writer.write(frame, done);
}
