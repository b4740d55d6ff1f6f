/**
 * HTTP/2's limits of a grpc-js server, all of them said. grpc-js takes only the number of streams; the others are where it
 * keeps the options of the HTTP/2 servers that it makes. A grpc-js that keeps them elsewhere has Node's own, which are
 * near; a test fails then.
 *
 * Floods are ended by nghttp2 itself: a peer that makes it owe 1,000 answers to PING or SETTINGS, or that resets streams
 * faster than 1,000 at once and 33 per second, loses its connection.
 *
 * There is a gap besides. grpc-js answers a stream without looking whether it is still there, when the path is unknown or
 * the content type is wrong; of a peer that opens and resets at once, that is an exception nobody catches.
 */
import type { Http2Server, SecureServerOptions, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** A backstop: the gateway's own limits refuse at once, this one makes peers wait in silence. */
export const STREAMS_PER_CONNECTION_MAX = 1000;

const OPTIONS = {
  /** Name-value pairs of one request. */
  maxHeaderListPairs: 128,
  /** PINGs of ours that are not answered. */
  maxOutstandingPings: 10,
  /** Entries of one SETTINGS frame. */
  maxSettings: 32,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 1000,
  /** A connection that is no HTTP/2. Milliseconds. */
  unknownProtocolTimeout: 10_000,
  settings: {
    /** A stream whose request has more bytes of headers is reset with ENHANCE_YOUR_CALM. */
    maxHeaderListSize: 16 * 1024,
    maxConcurrentStreams: STREAMS_PER_CONNECTION_MAX,
    enablePush: false,
  },
} satisfies SecureServerOptions;

/** What is looked for behind grpc-js's public API. */
interface Inside {
  readonly commonServerOptions?: { settings?: object };
  readonly http2Servers?: ReadonlyMap<Http2Server, unknown>;
}

/** To be called before the server makes its first HTTP/2 server. @returns whether this grpc-js takes the limits. */
export function setHttp2Limits(server: Server): boolean {
  const { commonServerOptions } = server as unknown as Inside;
  if (typeof commonServerOptions !== 'object') return false;
  const settings = { ...OPTIONS.settings, ...commonServerOptions.settings };
  Object.assign(commonServerOptions, OPTIONS, { settings });
  return true;
}

type OnStream = (stream: ServerHttp2Stream, ...rest: unknown[]) => void;

/** Keeps streams that are gone already from grpc-js. To be called once the server has its HTTP/2 servers. */
export function guardStreams(server: Server): boolean {
  const { http2Servers } = server as unknown as Inside;
  if (!(http2Servers instanceof Map)) return false;
  for (const http2Server of http2Servers.keys()) {
    const emitter = http2Server as Http2Server;
    const listeners = emitter.listeners('stream') as OnStream[];
    emitter.removeAllListeners('stream');
    for (const listener of listeners) {
      emitter.on('stream', (stream, ...rest) => {
        if (stream.destroyed || stream.closed) return;
        listener(stream, ...rest);
      });
    }
  }
  return true;
}
