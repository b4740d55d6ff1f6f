/**
 * What it costs the server process to relay a frame to one of N viewers: this gateway beside three servers written by hand,
 * under the same load, in processes of their own, in turns. The figure is CPU time per delivery; a ratio above 1 is how many
 * times as much the other one costs.
 *
 * `floor` is a bare socket: what the operating system takes of whoever sends, which nobody can go below.
 *
 *     npm run -s bench -- relay [--full | BYTESxVIEWERS] [--tls]
 */
import { cpus } from 'node:os';
import { median } from '../peer.js';
import { KINDS, type Kind, type Load, Relay } from './pair.js';
import type { Measured } from './server.js';

const KIB = 1024;
const SHORT: readonly Load[] = [
  { bytes: 640, viewers: 100, fps: 50 },
  { bytes: 20 * KIB, viewers: 10, fps: 200 },
  { bytes: 20 * KIB, viewers: 100, fps: 60 },
  { bytes: 20 * KIB, viewers: 1_000, fps: 8 },
  { bytes: 100 * KIB, viewers: 100, fps: 20 },
];
const FULL: readonly Load[] = [640, 20 * KIB, 100 * KIB].flatMap((bytes) =>
  [1, 10, 100, 1_000].map((viewers) => {
    const perSecond = bytes > 20 * KIB ? 2_000 : 8_000;
    return { bytes, viewers, fps: Math.max(2, Math.min(500, perSecond / viewers)) };
  }),
);

const full = process.argv.includes('--full');
const rounds = full ? 9 : 3;
const measureMs = full ? 2_000 : 1_000;

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
const chosen = process.argv.find((argument) => /^\d+x\d+$/.test(argument));
const rows = [];
for (const load of full || chosen ? FULL : SHORT) {
  if (chosen && chosen !== `${load.bytes}x${load.viewers}`) continue;
  rows.push(await row(load));
  console.error(`${load.bytes} bytes to ${load.viewers}: done`);
}
console.table(rows);

async function row(load: Load) {
  const all: Record<Kind, Measured[]> = { naive: [], 'pass-through': [], http2: [], tcp: [], sluice: [] };
  const relays = await Promise.all(KINDS.map((kind) => Relay.start(kind, load)));
  // In turns, so that a noisy neighbour does not fall upon one of them only. The first round is for the compiler.
  for (let round = 0; round <= rounds; round += 1) {
    for (const relay of relays) {
      const measured = await relay.turn(load, measureMs);
      if (round > 0) all[relay.kind].push(measured);
    }
  }
  await Promise.all(relays.map((relay) => relay.end()));

  const costs = (kind: Kind): number[] => all[kind].map(({ cpuUs, deliveries }) => cpuUs / deliveries);
  const perDelivery = (kind: Kind): number => median(costs(kind));
  // Of each round, whose turns were next to each other; then the median.
  const ratio = (kind: Kind, to: Kind = 'sluice'): string =>
    median(costs(kind).map((cost, at) => cost / (costs(to)[at] as number))).toFixed(2);
  return {
    bytes: load.bytes,
    viewers: load.viewers,
    'µs naive': perDelivery('naive').toFixed(1),
    'µs pass-through': perDelivery('pass-through').toFixed(1),
    'µs own http2': perDelivery('http2').toFixed(1),
    'µs floor': perDelivery('tcp').toFixed(1),
    'µs sluice': perDelivery('sluice').toFixed(1),
    '× naive': ratio('naive'),
    '× pass-through': ratio('pass-through'),
    '× own http2': ratio('http2'),
    'naive × floor': ratio('naive', 'tcp'),
    'MB sluice': (median(all.sluice.map(({ rssBytes }) => rssBytes)) / 1e6).toFixed(0),
    drops: all.sluice.reduce((sum, { drops }) => sum + drops, 0),
  };
}
