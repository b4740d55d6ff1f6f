#!/usr/bin/env node
/**
 * A member in a process of its own: `member.mjs ADDRESS NODE_ID` provides `whoami`, which it answers with its name, and
 * `hang`, which it never answers, subscribes to `news.**`, beats, and prints a line of JSON for each thing that it is told.
 */
import { createGatewayClient } from '../../dist/src/grpc/client.js';

const [address, nodeId] = process.argv.slice(2);
const client = createGatewayClient(address);
const control = client.connect({
  message: ({ message }) => {
    if (message.case === 'call' && message.value.procedure === 'whoami') {
      control.send({ case: 'reply', value: { id: message.value.id, payload: Buffer.from(nodeId) } });
    }
    // The answer to the heartbeat with this stamp says that all that was declared is in effect.
    if (message.case === 'heartbeat' && message.value.timestampMs === 1n) say({ type: 'ready' });
    else say({ type: message.case, topic: message.value?.topic, procedure: message.value?.procedure });
  },
  ended: ({ code, details }) => {
    say({ type: 'ended', code, details });
    clearInterval(beat);
    client.close();
  },
});
control.send({ case: 'hello', value: { nodeId } });
for (const procedure of ['whoami', 'hang']) control.send({ case: 'register', value: { procedure } });
control.send({ case: 'subscribe', value: { pattern: 'news.**' } });
control.send({ case: 'heartbeat', value: { timestampMs: 1n } });
const beat = setInterval(() => control.send({ case: 'heartbeat', value: { timestampMs: 2n } }), 200);

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
