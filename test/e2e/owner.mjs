#!/usr/bin/env node
/**
 * A node of a cluster in a process of its own: `owner.mjs NODE NATS_URL[,…] PREFIX RECEIVER_HOST:PORT TTL_MS`, with as
 * many copies of each record as there are servers. It takes the key
 * `camera.door` once it is up, for the first time only, and acts for it every 20 ms as long as its guard lets it: a datagram with its
 * token. It prints a line of JSON for each thing that happens to it.
 */
import { createSocket } from 'node:dgram';
import { createActor } from 'xstate';
import { openNatsEngine } from '../../dist/src/cluster/nats/nats-engine.js';
import { ClusterNode } from '../../dist/src/cluster/node.js';
import { nodeLogic } from '../../dist/src/cluster/node-logic.js';
import { realClock } from '../../dist/src/otp/clock.js';

const [name, url, prefix, receiver, ttl] = process.argv.slice(2);
const servers = url.split(',');
const [host, port] = receiver.split(':');
const ttlMs = Number(ttl);
const say = (line) =>
  process.stdout.write(`${JSON.stringify({ atMs: Math.round(Number(process.hrtime.bigint()) / 1e6), ...line })}\n`);

const engine = await openNatsEngine({
  servers,
  prefix,
  replicas: servers.length,
  storage: 'file',
  eraBump: 0,
  node: name,
  ttlMs,
  answerMs: 1_000,
});
const node = new ClusterNode({
  name,
  engine,
  clock: realClock,
  random: Math.random,
  options: { ttlMs, answerMs: 1_000 },
  note: (type, detail) => say({ type, ...detail }),
});
const actor = createActor(nodeLogic(node));
node.start((event) => queueMicrotask(() => actor.send(event)));
actor.start();
while (node.state !== 'up') await new Promise((resolve) => setTimeout(resolve, 10));

const socket = createSocket('udp4');
let ownership;
node.claim('camera.door', 0, (answer) => {
  ownership = answer.ownership;
  say({ type: answer.type, token: ownership?.token });
  ownership?.signal.addEventListener('abort', () => say({ type: 'lost', reason: ownership.signal.reason }));
});
setInterval(() => {
  if (!ownership?.current()) return;
  socket.send(JSON.stringify({ name, token: ownership.token }), Number(port), host);
}, 20);
