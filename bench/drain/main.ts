/**
 * How long a gateway takes to send everybody away: N clients with their control streams, a hundred to a connection, in a
 * process of their own, and a stop with its deadline. Each must be told to go before its stream ends, and nobody may be left.
 *
 *     npm run -s bench -- drain [N]
 */
import { Peer, wait } from '../peer.js';
import type { CrowdAsks } from './crowd.js';
import type { DrainAsks } from './server.js';

const DEADLINE_MS = 10_000;
const clients = Number(process.argv[3] ?? 10_000);

const server = new Peer<DrainAsks>(new URL('./server.js', import.meta.url));
const crowd = new Peer<CrowdAsks>(new URL('./crowd.js', import.meta.url));
const address = await server.ask('listen');
const connectMs = await crowd.ask('connect', { address, clients });
const before = await server.ask('clients');
const drained = await server.ask('stop', { deadlineMs: DEADLINE_MS });
// What was sent last may still be on its way to a process that has to read ten thousand ends.
for (let tries = 0; tries < 100 && (await crowd.ask('left')).ended < clients; tries += 1) await wait(100);
const { told, ended } = await crowd.ask('left');
console.table([
  {
    clients: before,
    'connected within ms': Math.round(connectMs),
    'deadline ms': DEADLINE_MS,
    'drained within ms': Math.round(drained.wallMs),
    'CPU ms': Math.round(drained.cpuMs),
    'told to go': told,
    'streams ended': ended,
    'left in the gateway': drained.left,
  },
]);
await Promise.all([server.end(), crowd.end()]);
