#!/usr/bin/env node
/**
 * A device in a process of its own: it publishes a frame every few milliseconds until it is stopped, then half-closes and
 * prints the summary. `device.mjs ADDRESS CAMERA NAME [TOKEN]`; the frames say NAME and their number.
 */
import { createGatewayClient } from '../../dist/src/grpc/client.js';

const EVERY_MS = 10;
const [address, cameraId, name, token] = process.argv.slice(2);
const client = createGatewayClient(address, { token });
let sent = 0;
const sink = client.publish({
  message: ({ frames, bytes, dropped }) =>
    say({ frames: Number(frames), bytes: Number(bytes), dropped: Number(dropped) }),
  ended: ({ code, details }) => {
    say({ ended: code, details });
    clearInterval(timer);
    client.close();
  },
});
const timer = setInterval(() => {
  sent += 1;
  sink.send({ cameraId, picture: Buffer.from(`${name} ${sent}`) });
}, EVERY_MS);
process.once('SIGTERM', () => {
  clearInterval(timer);
  say({ sent });
  sink.halfClose();
});

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
