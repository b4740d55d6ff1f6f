/**
 * The process of the viewers: as many connections as there are viewers, each a bare HTTP/2 client that asks for the stream
 * and then only counts bytes. What it costs to receive must not decide what can be sent.
 */
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { answer } from '../peer.js';
import { CAMERA, WATCH } from './contender.js';

const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const WINDOW_UPDATE = 8;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const WINDOW_BYTES = 0x3fff_ffff;
/** Given back once so many bytes have come. */
const REFILL_BYTES = 128 * 1024 * 1024;

export interface SinkAsks {
  readonly open: undefined;
  readonly received: number;
}

let received = 0;

answer({
  open: async ({ port, viewers, tls }: { port: number; viewers: number; tls: boolean }) => {
    for (let n = 0; n < viewers; n += 1) {
      view(port, tls);
      // A listener's backlog is not endless.
      if (n % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
  received: () => received,
});

function view(port: number, tls: boolean): void {
  const to = { port, host: '127.0.0.1' };
  const socket = tls ? connectSecurely({ ...to, ALPNProtocols: ['h2'], rejectUnauthorized: false }) : connect(to);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  const initialWindow = Buffer.alloc(6);
  initialWindow.writeUInt16BE(4, 0);
  initialWindow.writeUInt32BE(WINDOW_BYTES, 2);
  // The request names the camera: field 1 of WatchRequest, behind gRPC's framing.
  const request = Buffer.from([0, 0, 0, 0, CAMERA.length + 2, 0x0a, CAMERA.length, ...Buffer.from(CAMERA)]);
  socket.write(
    Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      frame(SETTINGS, 0, 0, initialWindow),
      frame(WINDOW_UPDATE, 0, 0, uint32(WINDOW_BYTES - 65_535)),
      frame(SETTINGS, ACK, 0, Buffer.alloc(0)),
      frame(HEADERS, END_HEADERS, 1, requestHeaders()),
      frame(DATA, END_STREAM, 1, request),
    ]),
  );
  let unacknowledged = 0;
  socket.on('data', (bytes: Buffer) => {
    received += bytes.length;
    unacknowledged += bytes.length;
    if (unacknowledged < REFILL_BYTES) return;
    const refill = uint32(unacknowledged);
    unacknowledged = 0;
    socket.write(Buffer.concat([frame(WINDOW_UPDATE, 0, 0, refill), frame(WINDOW_UPDATE, 0, 1, refill)]));
  });
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK without compression: POST, http, path, authority, te and content-type. */
function requestHeaders(): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]),
    text(WATCH),
    Buffer.from([0x01]),
    text('localhost'),
    Buffer.from([0x00]),
    text('te'),
    text('trailers'),
    Buffer.from([0x0f, 0x10]),
    text('application/grpc'),
  ]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
