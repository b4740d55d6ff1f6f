#!/usr/bin/env node
/**
 * A node of a cluster that takes keys from the others all the time: `claimer.mjs NODE NATS_URL PREFIX KEYS`. It prints a line of JSON for
 * each claim that was acknowledged, with when it began and ended by the machine's clock, and for each note of its node.
 */
import { createActor } from 'xstate';
import { openNatsEngine } from '../../dist/src/cluster/nats/nats-engine.js';
import { ClusterNode } from '../../dist/src/cluster/node.js';
import { nodeLogic } from '../../dist/src/cluster/node-logic.js';
import { realClock } from '../../dist/src/otp/clock.js';

/** Between two claims. */
const PAUSE_MS = 20;

const [name, url, prefix, keys] = process.argv.slice(2);
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
const say = (line) => process.stdout.write(`${JSON.stringify({ atMs: nowMs(), ...line })}\n`);

const engine = await openNatsEngine({
  servers: [url],
  prefix,
  replicas: 1,
  storage: 'file',
  eraBump: 0,
  node: name,
  ttlMs: 12_000,
  answerMs: 1_500,
});
const node = new ClusterNode({
  name,
  engine,
  clock: realClock,
  random: Math.random,
  note: (type, detail) => say({ type, ...detail }),
});
const actor = createActor(nodeLogic(node));
node.start((event) => queueMicrotask(() => actor.send(event)));
actor.start();

for (;;) {
  const key = `session.user-${Math.floor(Math.random() * Number(keys))}`;
  const beganMs = nowMs();
  const answer = await new Promise((resolve) => node.claim(key, 0, resolve));
  // Asked again: the process may have been stopped between the two.
  if (answer.type === 'owned' && answer.ownership.current()) {
    say({ type: 'claimed', key, token: answer.ownership.token, beganMs });
  }
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
