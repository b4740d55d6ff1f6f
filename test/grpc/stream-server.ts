/** A plain grpc-js server with one bidirectional method of bytes, and a client of bare HTTP/2 that sees what is on the wire. */
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { Server, ServerCredentials, type ServerDuplexStream, type ServerOptions } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { FRAMING_BYTES, framed } from '../../src/grpc/wire-format.js';

export type BytesCall = ServerDuplexStream<Buffer, Buffer>;

const PATH = '/test.Bytes/Stream';

/** What is written are messages with their framing; what is read are messages without. @returns the port. */
export async function serveStream(
  handle: (call: BytesCall) => void,
  options: ServerOptions = {},
  prepare: (server: Server) => void = () => {},
  deserialize = (bytes: Buffer): Buffer => bytes,
): Promise<number> {
  const server = new Server(options);
  const method = {
    path: PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: deserialize,
    responseSerialize: (message: Buffer) => message.subarray(FRAMING_BYTES),
    responseDeserialize: (bytes: Buffer) => bytes,
  };
  server.addService({ stream: method }, { stream: handle });
  prepare(server);
  onTestFinished(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

/** A message of so many bytes behind its framing. */
export function message(bytes: number, fill = 1): Buffer {
  return framed(bytes).fill(fill, FRAMING_BYTES);
}

export interface BareCall {
  readonly stream: ClientHttp2Stream;
  /** All that came, in order. */
  readonly received: () => Buffer;
  readonly headers: Promise<IncomingHttpHeaders>;
  /** Trailers of an orderly end; those of a trailers-only answer are its headers. */
  readonly trailers: Promise<IncomingHttpHeaders>;
  readonly closed: Promise<unknown>;
}

/** Opens the method. The stream reads as it comes; `pause` stops it. */
export function bareCall(port: number, headers: Record<string, string> = {}): BareCall {
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  session.on('error', () => {});
  const fixed = { ':method': 'POST', ':path': PATH, te: 'trailers', 'content-type': 'application/grpc' };
  const stream = session.request({ ...fixed, ...headers });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => {});
  return {
    stream,
    received: () => Buffer.concat(chunks),
    headers: once(stream, 'response').then(([first]) => first),
    trailers: once(stream, 'trailers').then(([last]) => last),
    closed: once(stream, 'close'),
  };
}
