/**
 * Fifty cameras of 15 frames a second and 50 KiB, through a whole gateway, with viewers who come and go: what memory does, whether frames
 * are in order, and what a frame costs beside the same bytes read from the same sockets by nobody in particular.
 */
import { get } from 'node:http';
import { createGateway } from '../../src/create-gateway.js';
import type { CameraServer } from './camera-server.js';

const CAMERAS = 50;
const FRAME_BYTES = 50 * 1024;

/** The bare pipe is measured before and after, so long at most; the cheaper counts: the machine may be busy with other things. */
const BARE_SECONDS_MAX = 30;
/** Resident memory may rise so much in a minute, by the line through what was seen when the first third was over. */
const SLOPE_MIB_MAX = 3;

export async function measureCrowd(cameras: CameraServer, seconds: number): Promise<boolean> {
  const faults = { disorder: 0 };
  const rss: number[] = [];
  const bareSeconds = Math.min(BARE_SECONDS_MAX, seconds / 2);
  const before = await costOf(bareSeconds, () => barePipe(cameras));
  const gateway = await costOf(
    seconds,
    () => throughGateway(cameras, faults),
    () => rss.push(process.memoryUsage().rss),
  );
  const pipe = cheaper(before, await costOf(bareSeconds, () => barePipe(cameras)));
  const settled = rss.slice(Math.floor(rss.length / 3));
  const half = Math.floor(settled.length / 2);
  const [middle, end] = [mebibytes(settled.slice(0, half)), mebibytes(settled.slice(half))];
  const slope = slopeOf(settled) * 60;
  console.log(`a bare pipe of ${CAMERAS} cameras: ${shown(pipe)}`);
  console.log(`through the gateway: ${shown(gateway)}, × ${(gateway.cpuUs / pipe.cpuUs).toFixed(2)}`);
  console.log(`  ${faults.disorder} frames out of order, of ${gateway.frames} in ${gateway.seconds.toFixed(0)} s`);
  console.log(`  resident memory ${middle} MiB in the middle, ${end} MiB at the end, ${slope.toFixed(2)} MiB a minute`);
  // In less than two minutes the line says more about the last collection than about the gateway.
  const flat = end < middle * 1.15 && (seconds < 120 || slope < SLOPE_MIB_MAX);
  return faults.disorder === 0 && gateway.frames > 0 && flat;
}

interface Cost {
  readonly frames: number;
  readonly seconds: number;
  readonly cpuUs: number;
}

function cheaper(one: Cost, other: Cost): Cost {
  return one.cpuUs < other.cpuUs ? one : other;
}

/** Of the line through what was seen each second, in MiB a second; by least squares. */
function slopeOf(seen: readonly number[]): number {
  const middle = (seen.length - 1) / 2;
  const mean = seen.reduce((sum, one) => sum + one, 0) / seen.length;
  let along = 0;
  let square = 0;
  for (const [at, bytes] of seen.entries()) {
    along += (at - middle) * (bytes - mean);
    square += (at - middle) ** 2;
  }
  return along / square / 2 ** 20;
}

function shown({ frames, seconds, cpuUs }: Cost): string {
  return `${(frames / seconds).toFixed(0)} frames per second, ${cpuUs.toFixed(0)} µs of CPU each`;
}

function mebibytes(all: readonly number[]): number {
  return Math.round(all.reduce((sum, one) => sum + one, 0) / all.length / 2 ** 20);
}

interface Run {
  readonly frames: () => number;
  readonly stop: () => Promise<void>;
}

async function costOf(seconds: number, start: () => Promise<Run>, look: () => void = () => {}): Promise<Cost> {
  const run = await start();
  await pause(2_000);
  const before = { frames: run.frames(), cpu: process.cpuUsage(), atMs: performance.now() };
  for (let second = 0; second < seconds; second += 1) {
    await pause(1_000);
    look();
  }
  const { user, system } = process.cpuUsage(before.cpu);
  const frames = run.frames() - before.frames;
  const tookSeconds = (performance.now() - before.atMs) / 1_000;
  await run.stop();
  return { frames, seconds: tookSeconds, cpuUs: (user + system) / frames };
}

/** The same bytes, read and dropped. */
async function barePipe(cameras: CameraServer): Promise<Run> {
  let bytes = 0;
  const requests = Array.from({ length: CAMERAS }, () =>
    get(cameras.url(), { agent: false }, (response) => {
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('error', () => {});
    }),
  );
  return {
    frames: () => Math.floor(bytes / FRAME_BYTES),
    stop: async () => {
      for (const request of requests) request.destroy();
    },
  };
}

async function throughGateway(cameras: CameraServer, faults: { disorder: number }): Promise<Run> {
  const gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0 },
    log: { level: 'silent' },
    cameras: Array.from({ length: CAMERAS }, (_, n) => ({
      id: `c${n}`,
      source: cameras.url().href,
      onDemand: n % 2 === 0,
    })),
  });
  await gateway.start();
  const leave = new Map<number, () => void>();
  let frames = 0;
  const join = (n: number): void => {
    let last = 0;
    const undo = gateway.cameras.get(`c${n}`).join({
      push: ({ seq }) => {
        if (seq <= last) faults.disorder += 1;
        last = seq;
        frames += 1;
      },
      cameraEnded: () => {},
    });
    leave.set(n, undo);
  };
  for (let n = 0; n < CAMERAS; n += 1) join(n);
  let turn = 0;
  // Somebody leaves and comes back each time: about every camera in five seconds.
  const coming = setInterval(() => {
    turn += 7;
    const n = turn % CAMERAS;
    leave.get(n)?.();
    join(n);
  }, 100);
  return {
    frames: () => frames,
    stop: async () => {
      clearInterval(coming);
      await gateway.stop();
      const left = Object.keys(gateway.census());
      if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
