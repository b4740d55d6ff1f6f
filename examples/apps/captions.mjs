// An app: a program of its own, started by the host in apps-host.mjs. It connects to the gateway with role APP, takes messages,
// and crashes on purpose when one says so.
import { createGatewayClient } from 'sluice/grpc';

const [address, sessionId] = process.argv.slice(2);
const client = createGatewayClient(address);

const control = client.connect({
  message: ({ message }) => {
    if (message.case !== 'event') return;
    const text = Buffer.from(message.value.payload).toString();
    console.log(`captions: "${text}"`);
    if (text === 'crash') process.exit(1);
  },
  ended: () => process.exit(0),
});

control.send({
  case: 'hello',
  value: { nodeId: `captions-of-${sessionId}`, role: 1, sessionId, packageName: 'captions' },
});
