/**
 * Half an hour of a recording site, in little: cameras over HTTP that break and come back, viewers who come and go, somebody who asks for
 * the figures and for snapshots. Run after run nothing grows and nothing gets slower. `npm run -s bench -- cameras --seconds 1800` is the long one.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import { Camera, MULTIPART } from './camera-server.js';
import { part, pictures } from './corpus.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const MIB = 1024 * 1024;
const CAMERAS = 8;
const ROUNDS = 60;

/** Plays; after a while it breaks off. */
function playing(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, MULTIPART);
  let n = 0;
  const timer = setInterval(() => {
    n += 1;
    if (n > 300) response.destroy();
    else response.write(part(pictures[n % pictures.length] as Buffer, n));
  }, 3);
  response.once('close', () => clearInterval(timer));
}

interface Figures {
  readonly heap: number;
  readonly buffers: number;
  /** CPU of this process for one request, in µs. */
  readonly requestUs: number;
  readonly frames: number;
}

async function run(gateway: SluiceGateway): Promise<Figures> {
  let frames = 0;
  let requestUs = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const seen = new Set<number>();
    const leave = Array.from({ length: CAMERAS }, (_, n) =>
      gateway.cameras.get(`c${n}`).join({
        push: () => {
          frames += 1;
          seen.add(n);
        },
        cameraEnded: () => {},
      }),
    );
    await expect.poll(() => seen.size, { timeout: 20_000, interval: 5 }).toBe(CAMERAS);
    await (await fetch(`${gateway.addresses.http}/cameras/c${round % CAMERAS}/snapshot.jpg`)).arrayBuffer();
    for (const one of leave) one();
  }
  await expect.poll(() => gateway.resources().workers, { timeout: 20_000 }).toBe(0);
  // Asked while nothing else runs, so that what it costs is its own.
  const before = process.cpuUsage();
  for (let n = 0; n < 100; n += 1) await (await fetch(`${gateway.addresses.http}/system-resources`)).json();
  const { user, system } = process.cpuUsage(before);
  requestUs = (user + system) / 100;
  for (let n = 0; n < 3; n += 1) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers, requestUs, frames };
}

describe('a gateway that has run for long', () => {
  it('S1-25 S1-26 S1-27 holds no more memory after the third run than after the first, and answers at the same cost', {
    timeout: 120_000,
  }, async () => {
    const camera = await Camera.answering(playing);
    const gateway = createGateway({
      grpc: { port: 0 },
      http: { port: 0 },
      log: { level: 'silent' },
      cameras: Array.from({ length: CAMERAS }, (_, n) => ({
        id: `c${n}`,
        source: camera.url.href,
        lingerMs: 0,
        retry: { delayMs: 5 },
      })),
    });
    await gateway.start();
    try {
      await run(gateway); // what is made once: code, tables, the first of everything
      const runs: Figures[] = [];
      for (let n = 0; n < 3; n += 1) runs.push(await run(gateway));
      const [first, second, third] = runs as [Figures, Figures, Figures];
      expect(Math.min(...runs.map(({ frames }) => frames))).toBeGreaterThan(ROUNDS * CAMERAS);
      for (const later of [second, third]) {
        expect(later.heap - first.heap).toBeLessThan(4 * MIB);
        expect(later.buffers - first.buffers).toBeLessThan(4 * MIB);
        // CPU and not time: the machine may be busy with other things.
        expect(later.requestUs).toBeLessThan(2.5 * first.requestUs + 500);
      }
      expect(gateway.resources()).toMatchObject({ orphans: 0, viewers: 0, workers: 0 });
    } finally {
      await gateway.stop();
    }
    expect(gateway.census()).toEqual({});
  });
});
