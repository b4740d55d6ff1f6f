/** The process that takes an upload: a plain grpc-js server, or the gateway. `server.js KIND` */
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { BenchGateway } from '../gateway.js';
import { answer } from '../peer.js';
import { PUBLISH } from './method.js';

export interface UploadAsks {
  readonly listen: number;
}

const bytes = (value: Buffer): Buffer => value;

answer({
  listen: async (): Promise<number> => {
    if (process.argv[2] === 'sluice') {
      return (await BenchGateway.start({ cameras: [{ id: 'device', source: 'push:' }] })).server.port;
    }
    const server = new Server();
    const method = {
      path: PUBLISH,
      requestStream: true,
      responseStream: true,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    server.addService(
      { publish: method },
      { publish: (call: ServerDuplexStream<Buffer, Buffer>) => void call.resume() },
    );
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  },
});
