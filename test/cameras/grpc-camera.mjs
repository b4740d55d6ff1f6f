/**
 * A gRPC camera server in a process of its own, which misbehaves when it is told to and counts what it sees: its calls, how
 * many of them live at once for each camera, and which were cancelled. It talks to the test over IPC.
 *
 * Before grpc-js stands a TCP listener of its own that forwards bytes, so that connections can be reset, or go dark.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';

const METHOD = {
  path: '/sluice.v1.Camera/ProduceCameraStream',
  requestStream: false,
  responseStream: true,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
};

/** What the next `times` calls get, whatever they ask for; then it is a good camera again. */
let fault = { kind: 'none', times: 0 };
let everyMs = 5;
let dark = false;
const live = new Map();
const open = new Set();
const links = new Set();
const seen = { calls: 0, live: 0, mostLive: 0, cancelled: 0, ended: 0, connections: 0, accepted: 0, tokens: [] };

function tell() {
  process.send({ ...seen, connections: links.size });
}

function frame(camera, seq) {
  const text = (tag, value) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  };
  // The number of the frame is in its data; `seq` is the gateway's to give.
  return Buffer.concat([
    text(0x0a, camera),
    Buffer.from([0x10, 1]),
    text(0x22, 'image/jpeg'),
    text(0x2a, `${camera} ${seq}`),
  ]);
}

function begin(call, camera) {
  seen.calls += 1;
  seen.live += 1;
  live.set(camera, (live.get(camera) ?? 0) + 1);
  seen.mostLive = Math.max(seen.mostLive, live.get(camera));
  open.add(call);
  let over = false;
  const end = (what) => {
    if (over) return;
    over = true;
    seen[what] += 1;
    seen.live -= 1;
    live.set(camera, live.get(camera) - 1);
    open.delete(call);
    tell();
  };
  call.on('cancelled', () => end('cancelled'));
  return end;
}

function produce(call) {
  // Begun and reset in one breath: grpc-js says so at once, and not as an event.
  if (call.cancelled) {
    seen.calls += 1;
    seen.cancelled += 1;
    tell();
    return;
  }
  const camera = String(call.metadata.get('x-camera-id')[0] ?? 'only');
  seen.tokens.push(String(call.metadata.get('authorization')[0] ?? ''));
  const end = begin(call, camera);
  const now = fault.times > 0 ? fault.kind : 'none';
  if (fault.times > 0) fault.times -= 1;
  if (now in status) {
    end('ended');
    const details = `no, ${call.metadata.get('authorization')[0] ?? 'nobody'}`;
    call.emit('error', Object.assign(new Error(details), { code: status[now], details }));
    return;
  }
  if (now === 'end') {
    end('ended');
    call.end();
    return;
  }
  tell();
  if (now === 'mute') return;
  let seq = 0;
  const timer = setInterval(() => {
    seq += 1;
    call.write(frame(camera, seq));
    if (now === 'one') clearInterval(timer);
    if (now === 'garbage') call.write(Buffer.from([0x2a, 0xff]));
    if (now === 'reset' && seq === 2) for (const { outer } of links) outer.resetAndDestroy();
    if (now === 'endLater' && seq === 2) {
      end('ended');
      call.end();
    }
  }, everyMs);
  call.on('cancelled', () => clearInterval(timer));
  call.on('finish', () => clearInterval(timer));
}

const server = new Server();
server.addService({ produceCameraStream: METHOD }, { produceCameraStream: produce });
const inner = await new Promise((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  ),
);

const front = createServer((outer) => {
  const link = { outer, socket: connect(inner, '127.0.0.1') };
  links.add(link);
  seen.accepted += 1;
  const gone = () => {
    links.delete(link);
    outer.destroy();
    link.socket.destroy();
    tell();
  };
  for (const [from, to] of [
    [outer, link.socket],
    [link.socket, outer],
  ]) {
    from.on('data', (bytes) => {
      if (!dark) to.write(bytes);
    });
    from.on('error', () => {});
    from.on('close', gone);
  }
  tell();
});
front.listen(Number(process.argv[2] ?? 0), '127.0.0.1');
await once(front, 'listening');

process.on('message', (order) => {
  if (order.fault) fault = order.fault;
  if (order.everyMs) everyMs = order.everyMs;
  if (order.dark !== undefined) dark = order.dark;
  if (order.reset) for (const { outer } of links) outer.resetAndDestroy();
  process.send({ done: order.number, ...seen, connections: links.size });
});
process.on('disconnect', () => process.exit(0));
process.send({ port: front.address().port });
