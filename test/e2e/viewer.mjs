#!/usr/bin/env node
/**
 * A viewer in a process of its own: a grpc-js client that watches a camera and prints a line of JSON for each thing it
 * sees. `viewer.mjs ADDRESS CAMERA [NODE_ID]`: with a node id it first says hello under it. Exit 0 when it leaves by
 * itself (SIGTERM), 3 when its stream was ended by the other side.
 */
import { createHash } from 'node:crypto';
import { createGatewayClient } from '../../dist/src/grpc/client.js';

const ENDED = 3;
const [address, cameraId, nodeId] = process.argv.slice(2);
const client = createGatewayClient(address);
let leaving = false;
const control = nodeId ? await hello() : undefined;
const frames = client.watch(
  { cameraId },
  {
    message: ({ seq, picture }) =>
      say({
        type: 'frame',
        seq: Number(seq),
        bytes: picture.length,
        whole: picture.subarray(0, 2).toString('hex') === 'ffd8' && picture.subarray(-2).toString('hex') === 'ffd9',
        digest: createHash('sha1').update(picture).digest('hex'),
      }),
    ended: ({ code, details }) => {
      say({ type: 'ended', code, details });
      process.exitCode = leaving ? 0 : ENDED;
      control?.cancel();
      client.close();
    },
  },
  { nodeId },
);
process.once('SIGTERM', () => {
  leaving = true;
  // Who has said hello says bye, or the gateway would wait for it to come back.
  if (control) control.send({ case: 'bye', value: { reason: 'leaving' } });
  else frames.cancel();
});

/** Resolves when the gateway has said welcome. */
function hello() {
  return new Promise((resolve) => {
    const stream = client.connect({
      message: ({ message }) => {
        say({
          type: message.case,
          ...(message.case === 'bye' && { reason: message.value.reason, reconnect: message.value.reconnect }),
        });
        if (message.case === 'welcome') resolve(stream);
      },
      ended: ({ code, details }) => say({ type: 'control.ended', code, details }),
    });
    stream.send({ case: 'hello', value: { nodeId } });
  });
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
