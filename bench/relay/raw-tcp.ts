/**
 * No relay: the bytes of each message to the socket of each viewer, without HTTP/2, flow control or a way to end. It is here
 * as the floor, which is what the operating system takes of the process that sends: no server can be cheaper, and the ratio
 * of another one to it is the most that it can be beaten by.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import { encodeFrame } from '../../src/grpc/frame-codec.js';
import { CAMERA, type Contender } from './contender.js';
import { material } from './material.js';

export class RawTcp implements Contender {
  readonly #viewers = new Set<Socket>();
  #seq = 0;
  #delivered = 0;

  async listen(): Promise<number> {
    const take = (socket: Socket): void => {
      socket.on('error', () => {});
      socket.on('close', () => this.#viewers.delete(socket));
      socket.resume();
      this.#viewers.add(socket);
    };
    const options = { noDelay: true };
    const server = material
      ? createSecureServer({ ...options, ...material, ALPNProtocols: ['h2'] }, take)
      : createServer(options, take);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1_024, resolve));
    return (server.address() as AddressInfo).port;
  }

  viewers(): number {
    return this.#viewers.size;
  }

  publish(picture: Buffer): void {
    this.#seq += 1;
    const message = encodeFrame({
      cameraId: CAMERA,
      seq: this.#seq,
      timestampMs: Date.now(),
      contentType: 'image/jpeg',
      key: true,
      picture,
    });
    for (const viewer of this.#viewers) viewer.write(message, this.#written);
  }

  delivered(): number {
    return this.#delivered;
  }

  dropped(): number {
    return 0;
  }

  readonly #written = (): void => {
    this.#delivered += 1;
  };
}
