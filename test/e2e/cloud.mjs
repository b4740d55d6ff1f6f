#!/usr/bin/env node
/**
 * The cloud side of an audio bridge in a process of its own: two users in one room, the first speaks all the time, the second
 * listens. `cloud.mjs ADDRESS [TOKEN]`. A line of JSON for each event, and ten times a second how much has been heard, said
 * and dropped. SIGTERM leaves in order.
 */
import { AudioBridgeClient } from '../../dist/src/grpc/index.js';

const [address, token] = process.argv.slice(2);
const CHUNK_MS = 20;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const client = new AudioBridgeClient(address, {
  token,
  // A break is to be noticed well within a partition of five seconds.
  uplink: {
    heartbeatMs: 500,
    inactivityMs: 2_000,
    degradedMs: 200,
    retry: { initialMs: 100, maxMs: 1_000, jitter: 0.5 },
  },
  channel: { keepalive: { timeMs: 1_000, timeoutMs: 1_000 } },
  onEvent: (event, user) => say({ ...event, user }),
});
const speaker = client.join({ userId: 'ann', room: 'hall' });
const listener = client.join({ userId: 'bob', room: 'hall' });
let heard = 0;
let lastMs = 0;
const listening = (async () => {
  for await (const { timestampMs } of listener) {
    heard += 1;
    lastMs = timestampMs;
  }
})();

const speaking = setInterval(() => speaker.say(Buffer.alloc(640, 7)), CHUNK_MS);
const telling = setInterval(() => {
  const { drops, queued, reconnects } = speaker.figures;
  say({ type: 'figures', heard, lastMs, drops, queued, reconnects, state: speaker.figures.state });
}, 100);

process.once('SIGTERM', async () => {
  clearInterval(speaking);
  clearInterval(telling);
  await client.close();
  await listening;
  say({ type: 'closed', left: client.census() });
});
