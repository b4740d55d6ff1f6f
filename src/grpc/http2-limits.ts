/**
 * HTTP/2's limits of a grpc-js server, all of them said. grpc-js takes only the number of streams; the others are where it
 * keeps the options of the HTTP/2 servers that it makes. A grpc-js that keeps them elsewhere has Node's own, which are
 * near; a test fails then.
 *
 * Floods are ended by nghttp2 itself: a peer that makes it owe 1,000 answers to PING or SETTINGS, or that resets streams
 * faster than 1,000 at once and 33 per second, loses its connection.
 *
 * There is a gap besides. grpc-js writes every header that has an illegal character to stderr, in full, as often as a
 * stranger likes: a token with a slip in it, too. A call with such a header is refused before grpc-js sees it.
 */
import type { Http2Server, IncomingHttpHeaders, SecureServerOptions, ServerHttp2Stream } from 'node:http2';
import { status as Code, type Server } from '@grpc/grpc-js';

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

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => void;

/** Refuses streams with headers that grpc-js could not use. To be called once the server has its HTTP/2 servers. */
export function refuseIllegalHeaders(server: Server): boolean {
  const { http2Servers } = server as unknown as Inside;
  if (!(http2Servers instanceof Map)) return false;
  for (const http2Server of http2Servers.keys()) {
    const emitter = http2Server as Http2Server;
    const listeners = emitter.listeners('stream') as OnStream[];
    emitter.removeAllListeners('stream');
    for (const listener of listeners) {
      emitter.on('stream', (stream, headers, ...rest) => {
        if (Object.keys(headers).every((name) => isLegal(name, headers[name]))) listener(stream, headers, ...rest);
        else stream.respond(ILLEGAL_HEADER, { endStream: true });
      });
    }
  }
  return true;
}

const LEGAL_NAME = /^[:0-9a-z_.-]+$/;
const LEGAL_VALUE = /^[ -~]*$/;

const ILLEGAL_HEADER = {
  ':status': 200,
  'content-type': 'application/grpc+proto',
  'grpc-status': Code.INVALID_ARGUMENT,
  'grpc-message': 'invalid_argument: metadata must be printable ASCII or have a name that ends in -bin',
};

function isLegal(name: string, value: string | string[] | undefined): boolean {
  if (name.startsWith(':')) return true;
  return LEGAL_NAME.test(name) && [value ?? ''].flat().every((one) => LEGAL_VALUE.test(one));
}
