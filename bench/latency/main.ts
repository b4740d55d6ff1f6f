/**
 * How much later a frame comes through the gateway than from the camera itself: cameras of 20 KiB at 30 fps in one process,
 * the gateway in another, and a viewer in a third that watches each camera both ways. The difference is taken frame by frame.
 *
 *     npm run -s bench -- latency [CAMERAS]
 */
import { cpus } from 'node:os';
import { Peer, wait } from '../peer.js';
import type { LatencyAsks } from './process.js';

const count = Number(process.argv[3] ?? 100);
const RUN_IN_MS = 4_000;
const MEASURE_MS = 8_000;
const script = new URL('./process.js', import.meta.url);

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
const cameras = new Peer<LatencyAsks>(script);
const between = new Peer<LatencyAsks>(script);
const viewer = new Peer<LatencyAsks>(script);
const direct = await cameras.ask('cameras', count);
const through = await between.ask('between', { port: direct, count });
await viewer.ask('watch', { direct, through, count });
await wait(1_000);
await cameras.ask('begin', count);
await wait(RUN_IN_MS);
await viewer.ask('mark');
await wait(MEASURE_MS);
const measured = await viewer.ask('measure');
await Promise.all([cameras.end(), between.end(), viewer.end()]);

const at = (values: readonly number[], share: number): string =>
  (values[Math.floor(values.length * share)] ?? Number.NaN).toFixed(2);
console.table(
  (['direct', 'through', 'added'] as const).map((what) => ({
    cameras: count,
    'ms of a frame': what,
    frames: measured[what].length,
    p50: at(measured[what], 0.5),
    p90: at(measured[what], 0.9),
    p99: at(measured[what], 0.99),
  })),
);
