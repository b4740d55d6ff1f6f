/**
 * What a device can upload over a round trip of 40 ms, in frames of 100 KiB: to a plain grpc-js server, and to the gateway.
 * The device is the same grpc-js client; the way between is a TCP proxy that takes 20 ms in each direction.
 *
 *     npm run -s bench -- upload
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { encodeFrame } from '../../src/grpc/frame-codec.js';
import { FRAMING_BYTES } from '../../src/grpc/wire-format.js';
import { median, Peer, wait } from '../peer.js';
import { PUBLISH } from './method.js';
import type { UploadAsks } from './server.js';

const ROUNDS = 3;
const RUN_IN_MS = 1_000;
const MEASURE_MS = 3_000;
const ONE_WAY_MS = 20;

const rates: Record<'plain' | 'sluice', number[]> = { plain: [], sluice: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  for (const kind of ['plain', 'sluice'] as const) rates[kind].push(await upload(kind));
}
console.table([
  { server: 'plain grpc-js', 'MB/s': median(rates.plain).toFixed(2), '×': '1.0' },
  {
    server: 'sluice',
    'MB/s': median(rates.sluice).toFixed(2),
    '×': (median(rates.sluice) / median(rates.plain)).toFixed(1),
  },
]);

/** @returns megabytes a second that have reached the server. */
async function upload(kind: string): Promise<number> {
  const server = new Peer<UploadAsks>(new URL('./server.js', import.meta.url), [kind]);
  let carried = 0;
  const proxy = await slowLink(await server.ask('listen'), (bytes) => {
    carried += bytes;
  });
  const client = new Client(`127.0.0.1:${proxy.port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(
    PUBLISH,
    (message) => message,
    (message) => message,
  );
  call.on('error', () => {});
  call.resume();
  const picture = Buffer.alloc(100 * 1024, 7);
  const frame = { cameraId: 'device', seq: 0, timestampMs: 0, contentType: 'image/jpeg', key: true, picture };
  const message = encodeFrame(frame).subarray(FRAMING_BYTES);
  const send = (): void => {
    while (call.write(message));
    call.once('drain', send);
  };
  send();
  await wait(RUN_IN_MS);
  const before = carried;
  const beganMs = performance.now();
  await wait(MEASURE_MS);
  const rate = (carried - before) / (performance.now() - beganMs) / 1000;
  call.cancel();
  client.close();
  proxy.close();
  await server.end();
  return rate;
}

async function slowLink(port: number, onCarried: (bytes: number) => void) {
  const sockets = new Set<Socket>();
  const carry = (from: Socket, to: Socket, onBytes: (bytes: number) => void): void => {
    sockets.add(from);
    from.setNoDelay(true);
    from.on('error', () => {});
    from.on('data', (bytes) =>
      setTimeout(() => {
        if (to.destroyed) return;
        to.write(bytes);
        onBytes(bytes.length);
      }, ONE_WAY_MS),
    );
  };
  const listener = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    carry(near, far, onCarried);
    carry(far, near, () => {});
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (listener.address() as AddressInfo).port, close };
}
