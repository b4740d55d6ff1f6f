/** What was recorded, as others get it: over HTTP as a list, a file and moving pictures, and over gRPC. */
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jpegEnd } from '../../src/cameras/jpeg.js';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import type { Recording } from '../../src/gateway/recording.js';
import { createGatewayClient } from '../../src/grpc/client.js';
import { assertNothingHeld, recordedFolder } from './recorded-folder.js';

let gateway: SluiceGateway;
let folder: Awaited<ReturnType<typeof recordedFolder>>;
let http = '';

beforeAll(async () => {
  folder = await recordedFolder();
  const record = { dir: folder.dir, quality: 0, minFreeBytes: 0 };
  gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0 },
    logger: pino({ level: 'silent' }),
    cameras: [
      { id: 'front', source: 'push:', record },
      { id: 'bare', source: 'clip:' },
    ],
  });
  await gateway.start();
  http = gateway.addresses.http as string;
  while (gateway.cameras.recorders.view('front')?.state !== 'idle') await pause(10);
});

afterAll(async () => {
  await gateway.stop();
  folder.remove();
  assertNothingHeld(gateway);
});

async function list(query = ''): Promise<{ readonly recordings: readonly Recording[]; readonly next?: string }> {
  const response = await fetch(`${http}/api/recordings/front${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as never;
}

const openFiles = (): number => readdirSync('/proc/self/fd').length;

describe('the recordings of a camera', () => {
  it('are listed by time, in pages, and by a span of time', async () => {
    const { recordings } = await list();
    expect(recordings).toEqual(folder.recordings);
    const [first, second, third] = folder.recordings;
    expect(await list('?limit=2')).toEqual({ recordings: [first, second], next: second?.id });
    expect(await list(`?limit=2&after=${second?.id}`)).toEqual({ recordings: [third] });
    expect((await list(`?from=${(first?.toMs ?? 0) + 1}&to=${third?.fromMs}`)).recordings).toEqual([second, third]);
    expect((await list(`?from=${new Date(third?.toMs ?? 0).toISOString()}`)).recordings).toEqual([third]);
  });

  it.each([
    ['/api/recordings/front?from=yesterday', 400, 'invalid_argument'],
    ['/api/recordings/front?limit=0', 400, 'invalid_argument'],
    ['/api/recordings/bare', 404, 'not_found'],
    ['/api/recordings/nobody', 404, 'camera_not_found'],
    ['/api/recordings/..%2F..%2Fetc', 404, 'camera_not_found'],
    ['/cameras/front/recordings/..%2F..%2F..%2Fetc%2Fpasswd.mkv', 404, 'not_found'],
    ['/cameras/front/recordings/index.jsonl.mkv', 404, 'not_found'],
    ['/cameras/front/recordings/2026-01-01T00-00-00.000Z.mkv', 404, 'not_found'],
    ['/cameras/front/recording.mjpg', 400, 'invalid_argument'],
    ['/cameras/front/recording.mjpg?from=1&speed=-1', 400, 'invalid_argument'],
    ['/cameras/front/recording.mjpg?from=99999999999999', 404, 'not_found'],
    ['/cameras/bare/recording.mjpg?from=1', 404, 'not_found'],
  ])('are not to be had by %s', async (path, code, reason) => {
    const response = await fetch(http + path);
    expect(response.status).toBe(code);
    expect(((await response.json()) as { readonly error: { readonly code: string } }).error.code).toBe(reason);
  });

  it('are files, whole or in ranges', async () => {
    const [first] = folder.recordings;
    const url = `${http}/cameras/front/recordings/${first?.id}.mkv`;
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(whole.equals(folder.file(first?.id ?? ''))).toBe(true);
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(whole.length));
    expect(head.headers.get('accept-ranges')).toBe('bytes');
    const part = async (range: string) => {
      const response = await fetch(url, { headers: { range } });
      return {
        code: response.status,
        of: response.headers.get('content-range'),
        bytes: Buffer.from(await response.arrayBuffer()),
      };
    };
    const end = whole.length - 1;
    expect(await part('bytes=10-19')).toEqual({
      code: 206,
      of: `bytes 10-19/${whole.length}`,
      bytes: whole.subarray(10, 20),
    });
    expect(await part(`bytes=${end}-`)).toEqual({
      code: 206,
      of: `bytes ${end}-${end}/${whole.length}`,
      bytes: whole.subarray(end),
    });
    expect((await part('bytes=-7')).bytes).toEqual(whole.subarray(-7));
    expect((await part(`bytes=5-${whole.length + 999}`)).bytes).toEqual(whole.subarray(5));
    expect(await part(`bytes=${whole.length}-`)).toMatchObject({ code: 416, of: `bytes */${whole.length}` });
    expect(await part('bytes=9-3')).toMatchObject({ code: 416 });
    expect(await part('lines=1-2')).toMatchObject({ code: 200, bytes: whole });
  });

  it('are moving pictures for a browser, from any moment, across segments, to the end', async () => {
    const fromMs = (folder.recordings[1]?.fromMs ?? 0) + 1;
    const response = await fetch(`${http}/cameras/front/recording.mjpg?speed=0&from=${fromMs}`);
    expect(response.headers.get('content-type')).toContain('multipart/x-mixed-replace');
    const body = Buffer.from(await response.arrayBuffer());
    const times = [...body.toString('latin1').matchAll(/X-Timestamp: (\d+)\r\n\r\n/g)];
    expect(times.map(([, time]) => Number(time))).toEqual(folder.times.filter((time) => time >= fromMs));
    for (const { index, 0: head } of times) expect(jpegEnd(body, index + head.length)).toBeGreaterThan(0);
    expect(body.subarray(-20).toString('latin1')).toMatch(/--\r\n$/);
  });

  it('are played at the pace at which they came, or faster, and a pause in them is not waited for', async () => {
    const beganMs = performance.now();
    // Four seconds of recording with two pauses of a minute between them.
    await (await fetch(`${http}/cameras/front/recording.mjpg?speed=10&from=0`)).arrayBuffer();
    expect(performance.now() - beganMs).toBeGreaterThan(250);
  });

  it('are given back when whoever watches leaves in the middle', async () => {
    const before = openFiles();
    for (let round = 0; round < 20; round += 1) {
      const abort = new AbortController();
      const response = await fetch(`${http}/cameras/front/recording.mjpg?speed=0.01&from=0`, { signal: abort.signal });
      await response.body?.getReader().read();
      abort.abort();
    }
    while (gateway.resources().streams > 0) await pause(10);
    while (openFiles() > before + 2) await pause(10);
    expect(gateway.census()).not.toHaveProperty('playback');
  });
});

describe('Watch with a time of the past', () => {
  interface Watched {
    readonly code: status;
    readonly details: string;
    readonly times: readonly number[];
    readonly numbers: readonly number[];
  }

  function watched(request: {
    readonly cameraId: string;
    readonly fromMs: bigint;
    readonly speed?: number;
    readonly maxFps?: number;
  }): Promise<Watched> {
    const client = createGatewayClient(gateway.addresses.grpc as string);
    const times: number[] = [];
    const numbers: number[] = [];
    return new Promise((resolve) => {
      client.watch(request, {
        message: ({ timestampMs, seq, picture }) => {
          times.push(Number(timestampMs));
          numbers.push(Number(seq));
          expect(jpegEnd(picture)).toBe(picture.length);
        },
        ended: ({ code, details }) => {
          client.close();
          resolve({ code, details, times, numbers });
        },
      });
    });
  }

  it('gives every picture since then with its time, and OK at the end', async () => {
    const { code, times, numbers } = await watched({ cameraId: 'front', fromMs: 0n, speed: 0 });
    expect(code).toBe(status.OK);
    expect(times).toEqual(folder.times);
    expect(numbers).toEqual(times.map((_, index) => index + 1));
  });

  it('gives fewer where fewer are asked for, by recorded time', async () => {
    const { times } = await watched({ cameraId: 'front', fromMs: 0n, speed: 0, maxFps: 2 });
    expect(times.length).toBeGreaterThanOrEqual(6);
    expect(times.length).toBeLessThanOrEqual(12);
  });

  it.each([
    [{ cameraId: 'front', fromMs: 99_999_999_999_999n }, status.NOT_FOUND, 'not_found'],
    [{ cameraId: 'bare', fromMs: 0n }, status.NOT_FOUND, 'not_found'],
    [{ cameraId: 'front', fromMs: -1n }, status.INVALID_ARGUMENT, 'from_ms'],
    [{ cameraId: 'front', fromMs: 0n, speed: -1 }, status.INVALID_ARGUMENT, 'speed'],
    [{ cameraId: 'front', fromMs: 0n, speed: Number.NaN }, status.INVALID_ARGUMENT, 'speed'],
  ])('is refused where there is nothing to play (%#)', async (request, code, said) => {
    const ended = await watched(request);
    expect(ended.code).toBe(code);
    expect(ended.details).toContain(said);
  });
});
