/**
 * The one place that reaches behind grpc-js's public API: the HTTP/2 stream under a server call. grpc-js has no way to end
 * a call whose peer does not read, because a status waits behind the data that the peer refuses to take; only a reset of
 * the stream itself gets through. Where a later grpc-js hides the stream elsewhere, `undefined` comes back and the call
 * waits for the peer or for keepalive, as plain grpc-js does.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { status as Code } from '@grpc/grpc-js';

/** The fields that are looked for: a call holds the stream, or another call that it wraps. */
interface Inner {
  readonly call?: unknown;
  readonly stream?: unknown;
  readonly nextCall?: unknown;
  readonly respond?: unknown;
}

/** The HTTP/2 stream of a call, or nothing when this grpc-js keeps it elsewhere. */
export function innerStream(call: object): ServerHttp2Stream | undefined {
  let inner = (call as Inner).call;
  // Each server interceptor wraps the call once more.
  while (isObject(inner)) {
    if (isHttp2Stream(inner.stream)) return inner.stream;
    inner = inner.nextCall;
  }
  return undefined;
}

/** Resets the stream of a call, with the HTTP/2 code that peers translate to the nearest gRPC status. */
export function resetCall(call: object, code: Code): void {
  const stream = innerStream(call);
  if (!stream || stream.destroyed || stream.closed) return;
  stream.close(RESET_CODE[code] ?? constants.NGHTTP2_CANCEL);
}

/**
 * Closes the stream of a call that has ended, if the peer has not by then. A peer that never says its last would keep it, as
 * one of those that its connection may have; and grpc-js may end a call without a status, when a message of it could not be
 * read while another was being answered.
 */
export function closeEnded(call: object): void {
  const stream = innerStream(call);
  if (!stream || stream.destroyed || stream.closed) return;
  const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;
  // Node closes with "no error" only what has been written to its end, and waits for that.
  const close = (): void => stream.close(stream.writableFinished ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR);
  const late = setTimeout(close, CLOSE_MS);
  stream.once('close', () => clearTimeout(late));
}

const CLOSE_MS = 1_000;

/** As in the gRPC protocol's table of HTTP/2 error codes. */
const RESET_CODE: Partial<Record<Code, number>> = {
  [Code.RESOURCE_EXHAUSTED]: constants.NGHTTP2_ENHANCE_YOUR_CALM,
  [Code.PERMISSION_DENIED]: constants.NGHTTP2_INADEQUATE_SECURITY,
  [Code.UNAVAILABLE]: constants.NGHTTP2_REFUSED_STREAM,
  [Code.INTERNAL]: constants.NGHTTP2_INTERNAL_ERROR,
};

function isObject(value: unknown): value is Inner {
  return typeof value === 'object' && value !== null;
}

function isHttp2Stream(value: unknown): value is ServerHttp2Stream {
  return isObject(value) && typeof value.respond === 'function';
}
