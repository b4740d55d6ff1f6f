/** A relay that speaks gRPC by itself on node:http2: no grpc-js, one shared message, framed once. */
import { createSecureServer, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { encodeFrame } from '../../src/grpc/frame-codec.js';
import { CAMERA, type Contender } from './contender.js';
import { material } from './material.js';

export class OwnHttp2Relay implements Contender {
  readonly #viewers = new Set<ServerHttp2Stream>();
  #seq = 0;
  #delivered = 0;

  async listen(): Promise<number> {
    const server = material ? createSecureServer(material) : createServer();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.on('error', () => {});
      stream.on('close', () => this.#viewers.delete(stream));
      stream.resume();
      this.#viewers.add(stream);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
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
