// A gRPC service that was there already, on grpc-js alone, put under supervision in one line.
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { supervise, supervisionOf } from 'sluice/grpc';

const json = {
  requestSerialize: (value) => Buffer.from(JSON.stringify(value)),
  requestDeserialize: (bytes) => JSON.parse(bytes),
  responseSerialize: (value) => Buffer.from(JSON.stringify(value)),
  responseDeserialize: (bytes) => JSON.parse(bytes),
};
const thermometer = {
  read: { path: '/acme.Thermometer/Read', requestStream: false, responseStream: false, ...json },
  watch: { path: '/acme.Thermometer/Watch', requestStream: false, responseStream: true, ...json },
};

// The handlers as they were. `watch` never looks whether anybody is there still; with its signal it need not.
const handlers = {
  read(call, callback) {
    if (call.request.room === 'cellar') throw new Error('the cellar has no thermometer');
    callback(null, { degrees: 21 });
  },
  watch(call, { signal }) {
    const timer = setInterval(() => call.write({ degrees: 20 + Math.random() }), 20);
    signal.addEventListener('abort', () => clearInterval(timer));
  },
};

// The one line.
const service = supervise(handlers, { inactivityMs: 30_000, streamsMax: 1_000 });

const server = new Server();
server.addService(thermometer, service);
const port = await new Promise((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  ),
);
const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());

const read = (room) =>
  new Promise((resolve) => {
    const { path, requestSerialize, responseDeserialize } = thermometer.read;
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { room }, (error, answer) =>
      resolve(error ? error.details : `${answer.degrees} degrees`),
    );
  });
console.log('kitchen:', await read('kitchen'));
// A handler that throws is the crash of its call: the peer has a status, the log the error, and everybody else goes on.
console.log('cellar:', await read('cellar'));

const { path, requestSerialize, responseDeserialize } = thermometer.watch;
const watching = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { room: 'kitchen' });
watching.on('error', () => {});
await new Promise((resolve) => watching.once('data', resolve));
console.log('open:', supervisionOf(service).streams().length);
watching.cancel();
while (supervisionOf(service).streams().length > 0) await new Promise((resolve) => setTimeout(resolve, 5));

await supervisionOf(service).stop({ deadlineMs: 1_000 });
const { started, crashed, ended } = supervisionOf(service).counters();
console.log('started:', started, 'crashed:', crashed, 'ended:', ended);
console.log('left behind:', supervisionOf(service).census());
client.close();
server.forceShutdown();
