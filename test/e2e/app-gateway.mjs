#!/usr/bin/env node
/**
 * A gateway whose host starts apps for every user who comes: `app-gateway.mjs NODE NATS_URL PREFIX SECRET PACKAGE=URL…`. It prints its
 * address, and a line for each start that was refused; after SIGTERM what it has left behind.
 */
import { createGateway } from '../../dist/src/index.js';

const [id, nats, prefix, secret, ...packages] = process.argv.slice(2);
const LOOK_MS = 2;
const gateway = createGateway({
  node: { id },
  grpc: { port: 0 },
  http: { port: 0 },
  log: { level: 'silent' },
  cluster: { nats, prefix, ttlMs: 5_000 },
});
await gateway.start();
console.log(`gRPC  ${gateway.addresses.grpc}`);

const served = new WeakSet();
const looking = setInterval(() => {
  for (const session of gateway.sessions.all()) {
    if (served.has(session) || !session.connected) continue;
    served.add(session);
    for (const one of packages) {
      const at = one.indexOf('=');
      const target = { url: one.slice(at + 1), secret };
      session.apps.start({ packageName: one.slice(0, at), start: target, stop: target }).catch((error) => {
        console.log(`refused ${error.message}`);
      });
    }
  }
}, LOOK_MS);

process.once('SIGTERM', async () => {
  clearInterval(looking);
  await gateway.stop({ deadlineMs: 2_000 });
  console.log(`left behind: ${JSON.stringify(gateway.census())}`);
});
