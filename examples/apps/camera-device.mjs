// A camera that several gateways know, with a gRPC port of its own. It is read by one of them at a time: whoever comes with a higher
// token takes the place of who was there, and who comes with a lower one has lost the camera and does not know it yet.
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { callOwner, TokenReceiver } from 'sluice/cluster';
import { encodeFrame } from 'sluice/grpc';

const FRAME_MS = 40;
/** `encodeFrame` writes gRPC's framing before the message; grpc-js writes its own. */
const FRAMING_BYTES = 5;

/** The highest token of each camera. */
const tokens = new TokenReceiver();
/** Who reads which camera. */
const readers = new Map();

const service = {
  produceCameraStream: {
    path: '/sluice.v1.Camera/ProduceCameraStream',
    requestStream: false,
    responseStream: true,
    requestDeserialize: () => ({}),
    responseSerialize: (frame) => encodeFrame(frame).subarray(FRAMING_BYTES),
  },
};

let seq = 0;

function produceCameraStream(call) {
  const cameraId = String(call.metadata.get('x-camera-id')[0] ?? 'camera');
  const owner = callOwner(call.metadata);
  const name = owner ? `${owner.key} ${owner.token.era}.${owner.token.rev}` : cameraId;
  // Not one of the statuses that a gateway takes as the last word: it may own the camera again one day.
  const refuse = (details) => call.emit('error', { code: status.ABORTED, details });
  if (owner && !tokens.admits(owner.key, owner.token)) {
    console.log(`refused ${name} (${tokens.refused})`);
    refuse('a newer owner has this camera');
    return;
  }
  readers.get(cameraId)?.();
  console.log(`reading ${name}`);

  const timer = setInterval(() => {
    seq += 1;
    const picture = Buffer.from(`picture ${seq}`);
    call.write({ cameraId, seq, timestampMs: Date.now(), contentType: 'image/jpeg', key: true, picture });
  }, FRAME_MS);
  const end = () => {
    if (readers.get(cameraId) !== leave) return;
    readers.delete(cameraId);
    clearInterval(timer);
    console.log(`ended ${name}`);
  };
  const leave = () => {
    end();
    refuse('a newer owner has taken this camera');
  };
  readers.set(cameraId, leave);
  call.on('cancelled', end);
  call.on('close', end);
}

const server = new Server();
server.addService(service, { produceCameraStream });
server.bindAsync(`127.0.0.1:${process.env.PORT ?? 9090}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`listening on 127.0.0.1:${port}`);
});
