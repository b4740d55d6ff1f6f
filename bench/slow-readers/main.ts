/**
 * A viewer that reads 100 KiB at 30 fps, alone and then beside a hundred that take nothing, half of them stopped processes:
 * what it loses, how late its frames are, what the gateway's memory does, and whether every frame of the others is accounted
 * for.
 *
 *     npm run -s bench -- slow-readers [SECONDS]
 */
import { cpus } from 'node:os';
import { Peer, wait } from '../peer.js';
import type { PolicyFigures, SlowReadersAsks } from './server.js';
import type { Read, ViewerAsks } from './viewers.js';

const seconds = Number(process.argv[3] ?? 60);
const HALF = 50;
const CAMERA = 'wall';

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
const alone = await run(0, Math.min(seconds, 15));
const beside = await run(HALF, seconds);
console.table([row('alone', alone), row(`beside ${2 * HALF}`, beside)]);
console.log(`Memory of the gateway over time, in MB: ${beside.rssMb.join(' ')}`);
console.table(beside.figures);

interface Run {
  readonly published: number;
  readonly read: Read;
  readonly rssMb: readonly number[];
  readonly figures: Readonly<Record<string, PolicyFigures>>;
}

async function run(half: number, forSeconds: number): Promise<Run> {
  const viewers = new URL('./viewers.js', import.meta.url);
  const server = new Peer<SlowReadersAsks>(new URL('./server.js', import.meta.url));
  const reader = new Peer<ViewerAsks>(viewers);
  const still = new Peer<ViewerAsks>(viewers);
  const stopped = new Peer<ViewerAsks>(viewers);
  try {
    const port = await server.ask('listen');
    await reader.ask('read', { port, cameraId: CAMERA });
    for (const crowd of [still, stopped]) await crowd.ask('stand', { port, cameraId: CAMERA, count: half });
    while ((await server.ask('viewers')) < 2 * half + 1) await wait(20);
    await server.ask('begin');
    await wait(500);
    stopped.signal('SIGSTOP');
    const rssMb: number[] = [];
    for (let part = 0; part < 12; part += 1) {
      rssMb.push(Math.round((await server.ask('rssBytes')) / 1e6));
      await wait((forSeconds * 1000) / 12);
    }
    const published = await server.ask('end');
    await wait(500);
    return { published, rssMb, read: await reader.ask('figures'), figures: await server.ask('figures') };
  } finally {
    await Promise.all([server.end(), reader.end(), still.end(), stopped.end()]);
  }
}

function row(what: string, { published, read, rssMb }: Run) {
  return {
    'the reader': what,
    published,
    'frames read': read.frames,
    'frames missed': read.missed,
    'p50 ms': read.p50Ms.toFixed(2),
    'p99 ms': read.p99Ms.toFixed(2),
    'MB at most': Math.max(...rssMb),
  };
}
