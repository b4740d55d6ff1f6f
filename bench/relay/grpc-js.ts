/** A relay as a good engineer writes it by hand on grpc-js; naive, or encoding each frame once for all viewers. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { CAMERA, type Contender, WATCH } from './contender.js';
import { material } from './material.js';

interface Message {
  readonly cameraId: string;
  readonly seq: number;
  readonly timestampMs: number;
  readonly contentType: string;
  readonly data: Buffer;
  readonly key: boolean;
}

/** The codec that most servers on grpc-js have: its own proto-loader. */
export function protoLoader(): (typeName: string) => Record<
  string,
  {
    responseSerialize(value: object): Buffer;
    responseDeserialize(bytes: Buffer): never;
    requestSerialize(value: object): Buffer;
    requestDeserialize(bytes: Buffer): never;
  }
> {
  const require = createRequire(createRequire(import.meta.url).resolve('@grpc/grpc-js'));
  const { loadSync } = require('@grpc/proto-loader');
  const folder = fileURLToPath(new URL('../../../../proto', import.meta.url));
  return (typeName) =>
    loadSync(['sluice/v1/gateway.proto', 'sluice/v1/audio.proto'], { includeDirs: [folder], longs: Number })[typeName];
}

/** Of a server on this machine: with TLS where the run is. */
export function serverCredentials(): ServerCredentials {
  if (!material) return ServerCredentials.createInsecure();
  const pair = { cert_chain: Buffer.from(material.cert), private_key: Buffer.from(material.key) };
  return ServerCredentials.createSsl(null, [pair]);
}

export class GrpcJsRelay implements Contender {
  readonly #viewers = new Set<ServerWritableStream<Buffer, Message | Buffer>>();
  readonly #encode = protoLoader()('sluice.v1.Gateway')['Watch']?.responseSerialize as (message: object) => Buffer;
  readonly #once: boolean;
  #seq = 0;
  #delivered = 0;

  /** @param once each frame is encoded once and its bytes handed through, instead of for each viewer. */
  constructor(once: boolean) {
    this.#once = once;
  }

  async listen(): Promise<number> {
    const server = new Server({ 'grpc.max_receive_message_length': -1 });
    const method = {
      path: WATCH,
      requestStream: false,
      responseStream: true,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: this.#once ? (bytes: Buffer) => bytes : this.#encode,
      responseDeserialize: (bytes: Buffer) => bytes,
    };
    server.addService(
      { watch: method },
      {
        watch: (call: ServerWritableStream<Buffer, Message | Buffer>) => {
          this.#viewers.add(call);
          call.on('error', () => {});
          call.on('cancelled', () => this.#viewers.delete(call));
        },
      },
    );
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', serverCredentials(), (error, port) => (error ? reject(error) : resolve(port)));
    });
  }

  viewers(): number {
    return this.#viewers.size;
  }

  publish(picture: Buffer): void {
    this.#seq += 1;
    const frame = {
      cameraId: CAMERA,
      seq: this.#seq,
      timestampMs: Date.now(),
      contentType: 'image/jpeg',
      data: picture,
      key: true,
    };
    const message = this.#once ? this.#encode(frame) : frame;
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
