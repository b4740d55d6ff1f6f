/**
 * What users of other servers complain about, asked of this one: cameras that were deleted and go on, memory that is lost with every
 * restart of a source that is offline, one bad camera that stops all, dead children that pile up, options that are not heeded.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import type { CameraOptions } from '../../src/gateway/options.js';
import type { CameraView } from '../../src/gateway/views.js';
import { ffmpegIsThere } from '../e2e/ffmpeg-camera.js';
import { Camera, endings, goOn, MULTIPART } from './camera-server.js';
import { part, pictures } from './corpus.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const retry = { attempts: 1_000, delayMs: 1 };

async function gatewayOf(...cameras: readonly object[]): Promise<SluiceGateway> {
  const gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0 },
    log: { level: 'silent' },
    cameras: cameras.map((camera, at) => ({ id: `c${at}`, source: '', ...camera })),
  });
  await gateway.start();
  endings.push(async () => {
    await gateway.stop();
    expect(gateway.census()).toEqual({});
  });
  return gateway;
}

const viewOf = (gateway: SluiceGateway, id: string) =>
  gateway.cameras.views().find((one) => one.id === id) as CameraView;
const watch = (gateway: SluiceGateway, id: string, push: () => void = () => {}) =>
  gateway.cameras.get(id).join({ push, cameraEnded: () => {} });

/** Children of this process that nobody has waited for. */
function zombies(): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      const [, state, parent] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return state === 'Z' && Number(parent) === process.pid;
    } catch {
      return false;
    }
  }).length;
}

describe('a camera that was taken away', () => {
  it('is gone: its source is closed and never asked again, whether it was live or being retried', async () => {
    const good = await Camera.answering(goOn);
    const bad = await Camera.answering((_request, response) => void response.writeHead(503).end());
    const gateway = await gatewayOf(
      { source: good.url.href, onDemand: false },
      { source: bad.url.href, onDemand: false, retry },
    );
    await expect.poll(() => viewOf(gateway, 'c0').state).toBe('live');
    await expect.poll(() => bad.connections).toBeGreaterThan(5);
    let told = 0;
    const leave = gateway.cameras.get('c0').join({
      push: () => {},
      cameraEnded: () => {
        told += 1;
        leave();
      },
    });
    await Promise.all([gateway.cameras.remove('c0'), gateway.cameras.remove('c1')]);
    expect({ open: good.open, told, views: gateway.cameras.views() }).toEqual({ open: 0, told: 1, views: [] });
    const asked = good.connections + bad.connections;
    // A hundred times the pause between two tries.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(good.connections + bad.connections).toBe(asked);
    await expect(gateway.cameras.remove('c0')).rejects.toMatchObject({ code: 'camera_not_found' });
    await gateway.cameras.add({ ...(gateway.configuration.cameras[0] as CameraOptions), onDemand: true });
    expect(viewOf(gateway, 'c0')).toMatchObject({ state: 'idle', attempts: 0 });
  });
});

describe('a source that is offline', () => {
  it('costs no memory, however often it is tried', async () => {
    const camera = await Camera.answering((_request, response) => void response.writeHead(503).end());
    await gatewayOf({ source: camera.url.href, onDemand: false, retry });
    const heapAfter = async (tries: number): Promise<number> => {
      await expect.poll(() => camera.connections, { timeout: 20_000 }).toBeGreaterThan(tries);
      for (let n = 0; n < 2; n += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return process.memoryUsage().heapUsed;
    };
    const first = await heapAfter(300);
    const second = await heapAfter(900);
    // The events of the last tries are kept, a bounded number of them.
    expect((second - first) / 600).toBeLessThan(4_000);
    expect(camera.openMost).toBe(1);
  });

  it.skipIf(!ffmpegIsThere)(
    'leaves no dead child behind, try after try (needs: ffmpeg)',
    { timeout: 60_000 },
    async () => {
      const gateway = await gatewayOf({ source: 'ffmpeg:/nonexistent.mp4', onDemand: false, retry });
      await expect.poll(() => viewOf(gateway, 'c0').attempts, { timeout: 50_000 }).toBeGreaterThan(10);
      await gateway.stop();
      expect(zombies()).toBe(0);
    },
  );

  it('does not hold up the others', async () => {
    const silent = await Camera.listening(createTcpServer((socket) => socket.resume()));
    const good = await Camera.answering((_request, response) => {
      response.writeHead(200, MULTIPART);
      let n = 0;
      const timer = setInterval(() => response.write(part(pictures[n % 5] as Buffer, n++)), 10);
      response.once('close', () => clearInterval(timer));
    });
    const offline = Array.from({ length: 20 }, () => ({
      source: silent.url.href,
      onDemand: false,
      connectMs: 50,
      retry,
    }));
    const gateway = await gatewayOf({ source: good.url.href }, ...offline);
    let frames = 0;
    const leave = watch(gateway, 'c0', () => {
      frames += 1;
    });
    await expect.poll(() => silent.connections, { timeout: 20_000 }).toBeGreaterThan(60);
    expect(viewOf(gateway, 'c0')).toMatchObject({ state: 'live', attempts: 1 });
    const before = frames;
    await expect.poll(() => frames).toBeGreaterThan(before + 20);
    expect(silent.openMost).toBeLessThanOrEqual(20);
    leave();
  });
});

describe('what was configured for a camera', () => {
  it('S1-16 is heeded: the rate, with what is skipped counted, and the size', async () => {
    const gateway = await gatewayOf({
      source: 'clip:?fps=100',
      fps: 10,
      jpeg: { width: 100, quality: 50 },
      lingerMs: 0,
    });
    let frames = 0;
    const leave = watch(gateway, 'c0', () => {
      frames += 1;
    });
    await expect.poll(() => frames, { timeout: 20_000 }).toBeGreaterThan(5);
    const snapshot = await fetch(`${gateway.addresses.http}/cameras/c0/snapshot.jpg`);
    expect((await sharp(Buffer.from(await snapshot.arrayBuffer())).metadata()).width).toBe(100);
    const { skipped } = viewOf(gateway, 'c0');
    expect(skipped).toBeGreaterThan(4 * frames);
    leave();
  });

  it('is heeded in a camera of still pictures: it is not stale between two of them', async () => {
    const camera = await Camera.answering((_request, response) => void response.end(pictures[0]));
    const gateway = await gatewayOf({ source: camera.url.href, stillMs: 300, staleMs: 100, lingerMs: 0 });
    const states = new Set<string>();
    const leave = watch(gateway, 'c0', () => states.add(viewOf(gateway, 'c0').state));
    const looking = setInterval(() => states.add(viewOf(gateway, 'c0').state), 10);
    await expect.poll(() => viewOf(gateway, 'c0').frames, { timeout: 20_000 }).toBeGreaterThan(3);
    clearInterval(looking);
    leave();
    expect(viewOf(gateway, 'c0').attempts).toBe(1);
    expect(camera.openMost).toBe(1);
    expect(states).toContain('live');
  });

  it('is refused before anything starts where it cannot be heeded', async () => {
    const gateway = createGateway({ log: { level: 'silent' }, cameras: [{ id: 'a', source: 'clip:', stillMs: 100 }] });
    await expect(gateway.start()).rejects.toThrow(
      'camera "a": stillMs: expected a source of http: or https:, got clip:',
    );
    await gateway.stop();
  });
});
