/** What cameras keep in memory, and what they give back. */
import { readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { sourceFactory } from '../../src/cameras/index.js';
import { mjpegSource } from '../../src/cameras/mjpeg.js';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import type { CameraView } from '../../src/gateway/views.js';
import { realClock } from '../../src/otp/clock.js';
import { ffmpegIsThere } from '../e2e/ffmpeg-camera.js';
import { Camera, endings, MULTIPART } from './camera-server.js';
import { part, pictures, smallPicture } from './corpus.js';
import { RecordingListener } from './listener.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const MIB = 1024 * 1024;

/** A gateway with these cameras on ports that nobody needs. */
async function gatewayOf(...cameras: readonly object[]): Promise<SluiceGateway> {
  const gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0 },
    log: { level: 'silent' },
    cameras: cameras.map((camera, at) => ({ id: `camera-${at}`, source: '', ...camera })),
  });
  await gateway.start();
  endings.push(async () => {
    await gateway.stop();
    expect(gateway.census()).toEqual({});
  });
  return gateway;
}

const viewOf = (gateway: SluiceGateway, at = 0) => gateway.cameras.views()[at] as CameraView;

/** Plays pictures for as long as somebody listens, as fast as they are taken. */
function playing(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, MULTIPART);
  let n = 0;
  const timer = setInterval(() => response.write(part(pictures[n++ % pictures.length] as Buffer, n)), 2);
  response.once('close', () => clearInterval(timer));
}

/** One picture that never ends. */
function flooding(bytes: number) {
  return (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, MULTIPART).write((pictures[0] as Buffer).subarray(0, -2));
    const filler = Buffer.alloc(256 * 1024, 0x11);
    let left = bytes;
    const go = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= filler.length;
        if (!response.write(filler)) return;
      }
    };
    response.on('drain', go);
    go();
  };
}

describe('a camera whose picture never ends', () => {
  it.each([
    ['while somebody watches', { onDemand: true }],
    ['in the background, with nobody watching', { onDemand: false }],
  ])('S1-2 takes no more than its buffer of memory, %s', async (_how, options) => {
    const total = 80 * MIB;
    let taken = 0;
    const camera = await Camera.answering((request, response) => {
      const { socket } = request;
      socket.once('close', () => {
        taken = Math.max(taken, socket.bytesWritten);
      });
      flooding(total)(request, response);
      const timer = setInterval(() => {
        taken = Math.max(taken, socket.bytesWritten - response.writableLength);
      }, 5);
      response.once('close', () => clearInterval(timer));
    });
    const gateway = await gatewayOf({ source: camera.url.href, firstFrameMs: 60_000, ...options });
    const leave = options.onDemand
      ? gateway.cameras.get('camera-0').join({ push: () => {}, cameraEnded: () => {} })
      : () => {};
    gc();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    while (taken < total * 0.95) {
      gc();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    leave();
    // The buffer, the one that it grew out of, and what is on its way through the sockets of both sides; not the 80 MiB.
    expect(most).toBeLessThan(30 * MIB);
    expect(viewOf(gateway).frames).toBe(0);
  });

  it('S1-1 may be given a smaller buffer: what does not fit into it is no picture', async () => {
    const small = smallPicture(20_000, 1);
    const stream = Buffer.concat([small, smallPicture(200_000, 2), smallPicture(200_000, 2), small, small]);
    const camera = await Camera.answering((_request, response) => {
      response.writeHead(200, MULTIPART).write(stream);
    });
    const lengths = async (bufferBytes: number, count: number) => {
      const listener = new RecordingListener();
      const attempt = sourceFactory(camera.url.href, {}, { bufferBytes, chunkBytes: 4_096 }).open(listener, {
        clock: realClock,
      });
      await listener.havePictures(count);
      await attempt.close();
      return listener.pictures.map(({ data }) => data.length);
    };
    expect(new Set(await lengths(64 * 1024, 2))).toEqual(new Set([small.length]));
    expect(new Set(await lengths(10 * MIB, 5)).size).toBe(2);
  });
});

describe('the pictures of a camera', () => {
  it('S1-7 are reachable for nobody when their viewers have gone and the camera is idle', async () => {
    const camera = await Camera.answering(playing);
    const gateway = await gatewayOf({ source: camera.url.href, lingerMs: 0 });
    const seen: WeakRef<object>[] = [];
    const leave = gateway.cameras.get('camera-0').join({
      push: (frame) => void seen.push(new WeakRef(frame), new WeakRef(frame.picture), new WeakRef(frame.message)),
      cameraEnded: () => {},
    });
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(300);
    leave();
    await expect.poll(() => viewOf(gateway).state).toBe('idle');
    await expect
      .poll(
        () => {
          gc();
          return seen.filter((ref) => ref.deref()).length;
        },
        { timeout: 10_000 },
      )
      .toBe(0);
    expect(viewOf(gateway).frames).toBeGreaterThanOrEqual(100);
  });

  it('S1-7 are let go while the camera is live, all but the last one', async () => {
    const camera = await Camera.answering(playing);
    const gateway = await gatewayOf({ source: camera.url.href, lingerMs: 0 });
    const seen: WeakRef<object>[] = [];
    const leave = gateway.cameras.get('camera-0').join({
      push: (frame) => void seen.push(new WeakRef(frame.picture)),
      cameraEnded: () => {},
    });
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(500);
    await expect
      .poll(
        () => {
          gc();
          return seen.filter((ref) => ref.deref()).length;
        },
        { timeout: 10_000 },
      )
      .toBeLessThan(20);
    leave();
  });

  it('S1-30 come from the URL that was configured, and are relayed to viewers over HTTP', async () => {
    const asked: (string | undefined)[] = [];
    const camera = await Camera.answering((request, response) => {
      asked.push(request.url);
      playing(request, response);
    });
    const source = new URL('/axis-cgi/mjpg/video.cgi?resolution=640x480', camera.url).href;
    const gateway = await gatewayOf({ source, chunkBytes: 2_048, bufferBytes: 128 * 1024 });
    const abort = new AbortController();
    const live = await fetch(`${gateway.addresses.http}/cameras/camera-0/live.mjpg`, { signal: abort.signal });
    expect(live.headers.get('content-type')).toMatch(/^multipart\/x-mixed-replace/);
    let relayed = Buffer.alloc(0);
    for await (const chunk of live.body as AsyncIterable<Uint8Array>) {
      relayed = Buffer.concat([relayed, chunk]);
      if (pictures.filter((picture) => relayed.includes(picture)).length >= 3) break;
    }
    abort.abort();
    expect(asked).toEqual(['/axis-cgi/mjpg/video.cgi?resolution=640x480']);
    await expect.poll(() => viewOf(gateway).viewers).toBe(0);
  });
});

describe('cameras that are opened and closed again and again', () => {
  const held = () => ({
    descriptors: readdirSync('/proc/self/fd').length,
    handles: process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Pipe|Process/.test(kind)).length,
    timers: process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
  });

  it('S1-28 S1-6 leave no socket, descriptor or timer after 500 openings and 500 that failed', {
    timeout: 60_000,
  }, async () => {
    let live = 0;
    let liveMost = 0;
    const camera = await Camera.answering((request, response) => {
      if (request.url === '/refused') {
        response.writeHead(503).end();
        return;
      }
      live += 1;
      liveMost = Math.max(liveMost, live);
      request.socket.once('close', () => {
        live -= 1;
      });
      response.writeHead(200, MULTIPART).write(part(pictures[0] as Buffer, 0));
    });
    const cycle = async (path: string, fails: boolean) => {
      const listener = new RecordingListener();
      const attempt = mjpegSource(new URL(path, camera.url)).open(listener, { clock: realClock });
      if (fails) await listener.haveFailed();
      else await listener.havePictures(1);
      await attempt.close();
    };
    await cycle('/video', false);
    await camera.gone();
    const before = held();
    for (let n = 0; n < 500; n += 1) {
      await cycle('/video', false);
      await cycle('/refused', true);
    }
    await camera.gone();
    expect(liveMost).toBe(1);
    await expect.poll(held, { timeout: 10_000 }).toEqual(before);
  });

  it('S1-12 S1-9 leave no worker and no entry of any kind: the manager knows only who is there', async () => {
    const camera = await Camera.answering(playing);
    const gateway = await gatewayOf({ source: camera.url.href, lingerMs: 0 }, { source: 'clip:', lingerMs: 0 });
    const watch = async (at: number) => {
      const frames: number[] = [];
      const leave = gateway.cameras
        .get(`camera-${at}`)
        .join({ push: ({ seq }) => void frames.push(seq), cameraEnded: () => {} });
      await expect.poll(() => frames.length).toBeGreaterThan(1);
      expect(gateway.resources().workers).toBeGreaterThanOrEqual(1);
      leave();
      await expect.poll(() => viewOf(gateway, at).state).toBe('idle');
    };
    await watch(0);
    await watch(1);
    const { workers, timers, monitors, actors } = gateway.resources();
    const census = gateway.census();
    for (let run = 0; run < 20; run += 1) await Promise.all([watch(0), watch(1)]);
    const after = gateway.resources();
    expect(after).toMatchObject({ workers, timers, monitors, actors: { total: actors.total }, orphans: 0 });
    expect(workers).toBe(0);
    expect(gateway.census()).toEqual(census);
  });

  it.skipIf(!ffmpegIsThere)(
    'S1-15 are all stopped within ten seconds when the gateway stops, also those that hang (needs: ffmpeg)',
    async () => {
      const silent = await Camera.answering(() => {});
      const gateway = await gatewayOf(
        { source: silent.url.href, onDemand: false },
        { source: 'ffmpeg:testsrc2=size=160x120:rate=10#format=lavfi&realtime=1', onDemand: false },
        { source: 'clip:', onDemand: false },
      );
      expect(gateway.configuration.shutdown.deadlineMs).toBe(10_000);
      await expect.poll(() => gateway.resources().workers).toBe(3);
      const beganMs = performance.now();
      await gateway.stop();
      expect(performance.now() - beganMs).toBeLessThan(10_000);
      expect(gateway.census()).toEqual({});
      await silent.gone();
    },
  );
});

describe('the figures of a gateway', () => {
  it('S1-24 S1-29 show workers, sessions and memory as they come and go', async () => {
    const gateway = await gatewayOf({ source: 'clip:', lingerMs: 0 });
    const ask = async () =>
      (await (await fetch(`${gateway.addresses.http}/system-resources`)).json()) as Record<string, number> & {
        readonly memory: Record<string, number>;
      };
    const before = await ask();
    expect(before).toMatchObject({
      workers: 0,
      sessions: 0,
      viewers: 0,
      memory: { rss: expect.any(Number), heapUsed: expect.any(Number) },
    });
    const kept = Buffer.alloc(64 * MIB, 1);
    const leave = gateway.cameras.get('camera-0').join({ push: () => {}, cameraEnded: () => {} });
    await expect.poll(async () => (await ask())['workers']).toBe(1);
    const during = await ask();
    expect(during['viewers']).toBe(1);
    expect((during.memory['arrayBuffers'] as number) - (before.memory['arrayBuffers'] as number)).toBeGreaterThan(
      0.9 * kept.length,
    );
    expect(during['uptimeSeconds'] as number).toBeGreaterThan(before['uptimeSeconds'] as number);
    leave();
    await expect.poll(async () => (await ask())['workers']).toBe(0);
  });
});
