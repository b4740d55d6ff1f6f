/**
 * What audio costs the server process: 640 B each 20 ms on each of N streams, each chunk heard on one stream. The servers
 * written by hand answer each chunk on its own stream; the gateway, whole, has rooms of two who hear each other, which is one
 * chunk in and one out all the same.
 *
 *     npm run -s bench -- audio [--full] [--tls]
 */
import { cpus } from 'node:os';
import { median } from '../peer.js';
import { material } from '../relay/material.js';
import { KINDS, type Kind, type Run, Talk } from './talk.js';

const full = process.argv.includes('--full');
const rounds = full ? 9 : 3;
const measureMs = full ? 3_000 : 1_500;
/** A round that a noisy neighbour has spoilt is tried again. */
const TRIES = 4;

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
for (const count of full ? [100, 200, 400] : [400]) console.table(await rows(count));

function isWhole({ said, heard }: Run): boolean {
  return heard > 0.95 * said && heard < 1.05 * said;
}

async function rows(count: number) {
  const all: Record<Kind, Run[]> = { naive: [], 'pass-through': [], http2: [], sluice: [] };
  const servers = await Promise.all(KINDS.map((kind) => Talk.start(kind, count)));
  // In turns, so that a noisy neighbour does not fall upon one of them only. The first round is for the compiler.
  for (let round = 0; round <= TRIES * rounds && all.sluice.length < rounds; round += 1) {
    const runs = [];
    for (const talk of servers) runs.push({ kind: talk.kind, run: await talk.turn(measureMs) });
    // Who gets no time at all throws late chunks away or hears those of the turn before; neither is what a chunk costs.
    if (round === 0 || runs.some(({ run }) => !isWhole(run))) continue;
    for (const { kind, run } of runs) all[kind].push(run);
  }
  await Promise.all(servers.map((talk) => talk.end()));
  const costs = (kind: Kind): number[] => all[kind].map(({ cpuUs, heard }) => cpuUs / heard);
  const perChunk = (kind: Kind): number => median(costs(kind));
  // Of each round, whose turns were next to each other; then the median.
  const ratio = (kind: Kind, to: Kind): string =>
    median(costs(kind).map((cost, at) => cost / (costs(to)[at] as number))).toFixed(2);
  return KINDS.map((kind) => ({
    streams: count,
    TLS: material !== undefined,
    rounds: all[kind].length,
    server: kind,
    'µs per chunk': perChunk(kind).toFixed(1),
    '% CPU': median(all[kind].map(({ cpuUs, wallMs }) => cpuUs / wallMs / 10)).toFixed(0),
    '× pass-through': ratio(kind, 'pass-through'),
    '× own http2': ratio(kind, 'http2'),
    '% heard': median(all[kind].map(({ said, heard }) => (100 * heard) / said)).toFixed(1),
    'p50 ms': median(all[kind].map(({ p50Ms }) => p50Ms)).toFixed(2),
    'p99 ms': median(all[kind].map(({ p99Ms }) => p99Ms)).toFixed(2),
  }));
}
