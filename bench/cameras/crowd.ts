/**
 * Fifty cameras of 15 frames a second and 50 KiB, through a whole gateway, with viewers who come and go: what memory does, whether frames
 * are in order, and what a frame costs beside the same bytes read from the same sockets by nobody in particular.
 */
import { get } from 'node:http';
import { createGateway } from '../../src/create-gateway.js';
import type { CameraServer } from './camera-server.js';

const CAMERAS = 50;
const FRAME_BYTES = 50 * 1024;

export async function measureCrowd(cameras: CameraServer, seconds: number): Promise<boolean> {
  const bare = await cpuPerFrame(seconds, () => barePipe(cameras));
  console.log(`a bare pipe of ${CAMERAS} cameras: ${bare.frames} frames, ${bare.cpuUs.toFixed(0)} µs of CPU each`);
  const faults = { disorder: 0 };
  const rss: number[] = [];
  const through = await cpuPerFrame(
    seconds,
    () => throughGateway(cameras, faults),
    () => rss.push(process.memoryUsage().rss),
  );
  const third = Math.floor(rss.length / 3);
  const mib = (all: readonly number[]) => Math.round(all.reduce((sum, one) => sum + one, 0) / all.length / 2 ** 20);
  const [middle, end] = [mib(rss.slice(third, 2 * third)), mib(rss.slice(2 * third))];
  console.log(
    `through the gateway: ${through.frames} frames, ${through.cpuUs.toFixed(0)} µs of CPU each, ${faults.disorder} out of order`,
  );
  console.log(
    `  resident memory ${middle} MiB in the second third, ${end} MiB in the last; the bare pipe × ${(through.cpuUs / bare.cpuUs).toFixed(2)}`,
  );
  return faults.disorder === 0 && through.frames > 0 && end < middle * 1.15;
}

interface Run {
  readonly frames: () => number;
  readonly stop: () => Promise<void>;
}

async function cpuPerFrame(seconds: number, start: () => Promise<Run>, look: () => void = () => {}) {
  const run = await start();
  await pause(2_000);
  const before = { frames: run.frames(), cpu: process.cpuUsage() };
  for (let second = 0; second < seconds; second += 1) {
    await pause(1_000);
    look();
  }
  const { user, system } = process.cpuUsage(before.cpu);
  const frames = run.frames() - before.frames;
  await run.stop();
  return { frames, cpuUs: (user + system) / frames };
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
