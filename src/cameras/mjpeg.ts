/**
 * The `http://` and `https://` driver: one GET, and pictures for as long as the response goes on. A live source does not end, so
 * the end of the response is a failure. The response is always read as fast as it comes: a camera that is not read
 * stalls, and what is too much for a viewer is dropped at the viewer.
 */
import { type FrameSource, type SourceAttempt, SourceError, type SourceListener } from '../gateway/frame-source.js';
import { MjpegParser, type ParserLimits } from './mjpeg-parser.js';
import { type HttpTarget, httpTarget, MjpegRequest } from './mjpeg-request.js';

/** Makes the driver of one URL. Throws a `GatewayError` for a URL that cannot be used. */
export function mjpegSource(url: URL, limits: ParserLimits = {}): FrameSource {
  const target = httpTarget(url);
  return { kind: 'mjpeg', label: target.label, open: (listener) => openMjpeg(target, limits, listener) };
}

function openMjpeg(target: HttpTarget, limits: ParserLimits, listener: SourceListener): SourceAttempt {
  let closed = false;
  const parser = new MjpegParser({
    ...limits,
    onPicture: (data) => {
      // One chunk may hold several pictures, and the first of them may be answered by a close.
      if (!closed) listener.picture({ contentType: 'image/jpeg', data });
    },
  });
  const request = new MjpegRequest(target, {
    answered: () => listener.opened(),
    bytes: (chunk) => parser.push(chunk),
    ended: () =>
      listener.failed(new SourceError(`${target.label}: the stream ended after ${parser.pictures} pictures`)),
    failed: (error) => listener.failed(error),
  });
  return {
    close: () => {
      closed = true;
      return request.close();
    },
  };
}
