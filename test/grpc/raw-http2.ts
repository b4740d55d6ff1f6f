/**
 * Calls made by hand: gRPC's five bytes on a stream of node:http2, and below that HTTP/2's frames on a socket. What comes back
 * is told as it came.
 */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RawAnswer {
  /** The gRPC status; undefined where the stream ended without one. */
  readonly status: number | undefined;
  readonly details: string;
  readonly httpStatus: number | undefined;
  /** The code of the RST_STREAM that ended it; 0 in order. */
  readonly reset: number;
  readonly body: Buffer;
}

/** A message in gRPC's framing. `length` and `flag` may lie. */
export function framed(message: Uint8Array, { flag = 0, length = message.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** The messages of a body. */
export function unframed(body: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const length = body.readUInt32BE(at + 1);
    messages.push(body.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return messages;
}

/** `windowBytes`: how much of a stream the server may send before it is read; default 64 KiB. */
export function openSession(address: string, windowBytes?: number): ClientHttp2Session {
  const settings = windowBytes === undefined ? {} : { settings: { initialWindowSize: windowBytes } };
  const session = connect(`http://${address}`, settings);
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

export function openCall(session: ClientHttp2Session, path: string, headers: object = {}): ClientHttp2Stream {
  const stream = session.request(
    { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers },
    { endStream: false },
  );
  stream.on('error', () => {});
  return stream;
}

/** Resolves when the answer is complete, and closes the stream then, whatever was still to be said. To be called at once: what came before is not heard. */
export async function answerOf(stream: ClientHttp2Stream): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  const all: IncomingHttpHeaders = {};
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('response', (headers) => Object.assign(all, headers));
  stream.on('trailers', (headers) => Object.assign(all, headers));
  stream.on('end', () => {
    // Behind the end without a status comes the server's reset.
    if (all['grpc-status'] !== undefined || Number(all[':status']) !== 200) stream.close();
  });
  // Not `once`, which takes an error before it for a failure of its own.
  if (!stream.closed) await new Promise((resolve) => stream.on('close', resolve));
  const status = all['grpc-status'];
  return {
    status: status === undefined ? undefined : Number(status),
    details: decoded(String(all['grpc-message'] ?? '')),
    httpStatus: all[':status'] === undefined ? undefined : Number(all[':status']),
    reset: stream.rstCode ?? 0,
    body: Buffer.concat(chunks),
  };
}

/** grpc-js does not encode the path that it says is not there. */
function decoded(message: string): string {
  try {
    return decodeURI(message);
  } catch {
    return message;
  }
}

/** A call with these bytes as its body, half-closed behind them. */
export function call(
  session: ClientHttp2Session,
  path: string,
  body: Buffer,
  headers: object = {},
): Promise<RawAnswer> {
  const stream = openCall(session, path, headers);
  const answer = answerOf(stream);
  stream.end(body);
  return answer;
}

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
};

/** One frame of HTTP/2. */
export function http2Frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = new Uint8Array(),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** Header fields as literals without indexing, which need no table. */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), hpackText(name), hpackText(value)]),
  );
}

function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let left = bytes.length - 127;
  for (; left >= 128; left >>= 7) length.push((left & 127) | 128);
  return Buffer.concat([Buffer.from([...length, left]), bytes]);
}

/** A TCP connection to an address; closed with the test. */
export async function openSocket(address: string): Promise<Socket> {
  const at = address.lastIndexOf(':');
  const socket = connectTcp(Number(address.slice(at + 1)), address.slice(0, at));
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}
