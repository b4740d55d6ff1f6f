/**
 * What a session holds: sessions with one client and one control stream each, in a whole gateway on virtual time. Prints one
 * JSON object; with a path, also writes a heap snapshot there while they are.
 */
import { writeHeapSnapshot } from 'node:v8';
import { gatewayTree } from '../../src/application.js';
import { sourceFactory } from '../../src/cameras/index.js';
import { configure } from '../../src/configuration.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import type { ControlHandle, ControlWire, Hello } from '../../src/gateway/transport.js';
import { encodeFrame } from '../../src/grpc/frame-codec.js';
import { startApplication } from '../../src/otp/application.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { assertNoLeaks } from '../../src/otp/leaks.js';
import { System } from '../../src/otp/system.js';

const SESSIONS = 5_000;
const snapshotPath = process.argv[2];

const hello: Hello = {
  nodeId: '',
  realm: '',
  role: 'client',
  capabilities: [],
  endpoint: '',
  sessionId: '',
  packageName: '',
  resumeToken: '',
  ordinal: 0,
};
/** One wire for all, which keeps nothing: what is measured is the gateway's. */
const wire: ControlWire = { send: (_word, done) => done?.(), end: () => {} };

const clock = new VirtualClock();
const system = new System({ clock });
const tree = gatewayTree({
  options: configure({ limits: { clients: 2 * SESSIONS } }) as GatewayOptions,
  system,
  sources: sourceFactory,
  encode: encodeFrame,
  random: () => 0,
});
const application = await startApplication('sluice', tree.root([]), system);

async function heapBytes(): Promise<number> {
  for (let round = 0; round < 4; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

async function arrive(name: string, count: number): Promise<readonly ControlHandle[]> {
  const controls: ControlHandle[] = [];
  for (let n = 0; n < count; n += 1) controls.push(await tree.live.connect({ ...hello, nodeId: `${name}${n}` }, wire));
  return controls;
}

async function leave(controls: readonly ControlHandle[]): Promise<void> {
  for (const control of controls) control.bye('done');
  while (tree.sessions.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

// Once before: what is remembered of the dead is bounded, and is there from then on.
await leave(await arrive('before', 1_000));
const before = await heapBytes();
const controls = await arrive('user', SESSIONS);
const bytes = Math.round(((await heapBytes()) - before) / SESSIONS);
if (snapshotPath !== undefined) writeHeapSnapshot(snapshotPath);
await leave(controls);
await application.stop();
tree.chronicle.close();
assertNoLeaks(system);
process.stdout.write(`${JSON.stringify({ bytes_per_session: bytes })}\n`);
