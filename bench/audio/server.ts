/** The process of one server under measurement. `server.js KIND` */
import { createSecureServer, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { BenchGateway } from '../gateway.js';
import { answer, meter } from '../peer.js';
import { protoLoader, serverCredentials } from '../relay/grpc-js.js';
import { material } from '../relay/material.js';
import { STREAM_AUDIO } from './contender.js';

export interface AudioAsks {
  readonly listen: number;
  readonly mark: undefined;
  readonly measure: { readonly cpuUs: number; readonly wallMs: number };
}

const LISTEN: Readonly<Record<string, () => Promise<number>>> = {
  naive: () => {
    const method = protoLoader()('sluice.v1.AudioBridge')['StreamAudio'];
    return grpcJs(
      method?.requestDeserialize as (bytes: Buffer) => never,
      method?.responseSerialize as (value: object) => Buffer,
    );
  },
  'pass-through': () =>
    grpcJs(
      (bytes) => bytes,
      (bytes) => bytes as Buffer,
    ),
  http2: ownHttp2,
  sluice: async () => (await BenchGateway.start({}, material)).server.port,
};

let measured = meter();

answer({
  listen: () => LISTEN[process.argv[2] ?? '']?.(),
  mark: () => {
    measured = meter();
  },
  measure: () => measured(),
});

/** Answers each chunk with itself, as good code on grpc-js does: it stops reading while it cannot write. */
function grpcJs(deserialize: (bytes: Buffer) => object, serialize: (value: object) => Buffer): Promise<number> {
  const server = new Server();
  const method = {
    path: STREAM_AUDIO,
    requestStream: true,
    responseStream: true,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
  server.addService(
    { streamAudio: method },
    {
      streamAudio: (call: ServerDuplexStream<object, object>) => {
        call.on('data', (chunk) => {
          if (call.write(chunk)) return;
          call.pause();
          call.once('drain', () => call.resume());
        });
        call.on('end', () => call.end());
        call.on('error', () => {});
      },
    },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', serverCredentials(), (error, port) => (error ? reject(error) : resolve(port)));
  });
}

async function ownHttp2(): Promise<number> {
  const server = material ? createSecureServer(material) : createServer();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('error', () => {});
    stream.on('data', (bytes) => {
      if (stream.write(bytes)) return;
      stream.pause();
      stream.once('drain', () => stream.resume());
    });
    stream.on('end', () => stream.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
