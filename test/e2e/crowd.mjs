#!/usr/bin/env node
/**
 * Viewers that take nothing after their first frame, each with a connection of its own: `crowd.mjs ADDRESS CAMERA COUNT`.
 * The viewer number n is the client `<prefix>-<policy>-<n>`; the policies go round. Prints `open` once all of them are in,
 * and a line of JSON for each that the gateway ends.
 */
import { createGatewayClient } from '../../dist/src/grpc/client.js';

const [address, cameraId, count, prefix] = process.argv.slice(2);
const POLICIES = ['drop_oldest', 'drop_newest', 'latest', 'block', 'disconnect'];
let opened = 0;

for (let n = 0; n < Number(count); n++) {
  const overflow = POLICIES[n % POLICIES.length];
  const nodeId = `${prefix}-${overflow}-${n}`;
  const client = createGatewayClient(address, { windowBytes: 65_535 });
  const stream = client.watch(
    { cameraId, overflow },
    {
      opened: () => {
        opened += 1;
        if (opened === Number(count)) process.stdout.write('open\n');
      },
      message: () => stream.pause(),
      ended: ({ code, details }) => process.stdout.write(`${JSON.stringify({ nodeId, code, details })}\n`),
    },
    { nodeId },
  );
}
