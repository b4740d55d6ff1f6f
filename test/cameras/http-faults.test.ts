/**
 * A whole gateway, on virtual time, before a real HTTP server with every fault that a camera may have. Whatever it is, there is one
 * connection at most, and none when the gateway has stopped.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { CameraView } from '../../src/gateway/views.js';
import { WholeGateway } from '../gateway/whole-gateway.js';
import { Camera, endings, goOn, MULTIPART } from './camera-server.js';
import { part, pictures } from './corpus.js';

const retry = { attempts: 2, delayMs: 100, slowMs: 200, slowMaxMs: 400 };

interface Watched {
  readonly whole: WholeGateway;
  view(): CameraView;
  /** Lets virtual time pass in steps, with the wire's events between them, until it holds. @returns how much passed. */
  until(what: string, holds: (view: CameraView) => boolean, stepMs?: number): Promise<number>;
}

/** A camera that is always on, and its gateway, which is stopped and leaves nothing when the test ends. */
async function watched(url: URL | string, options: object = {}): Promise<Watched> {
  const camera = { id: 'front', source: String(url), onDemand: false, retry, ...options };
  const whole = await WholeGateway.start({ cameras: [camera] });
  endings.push(() => whole.stop());
  const view = () => whole.live.cameras()[0] as CameraView;
  return {
    whole,
    view,
    until: async (what, holds, stepMs = 50) => {
      for (let passedMs = 0, turns = 0; turns < 3_000; turns += 1) {
        for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        if (holds(view())) return passedMs;
        whole.clock.advance(stepMs);
        passedMs += stepMs;
        // The wire is real and takes its own time.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      throw new Error(`${what}: not in ${3_000 * stepMs} ms of virtual time: ${JSON.stringify(view())}`);
    },
  };
}

const isLive = ({ state }: CameraView) => state === 'live';
const hasTried = (times: number) => (view: CameraView) => view.attempts >= times;
const tcp = (connected: (socket: Socket) => void) => Camera.listening(createTcpServer(connected));
const onePicture = (_request: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, MULTIPART).write(part(pictures[0] as Buffer, 0));
};

/** Writes a byte now and then, for as long as somebody listens. */
function drip(socket: Socket, bytes: Buffer): void {
  let at = 0;
  const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), 5);
  socket.once('close', () => clearInterval(timer));
}

describe('a camera that fails, and may be better next time', () => {
  const faults: readonly (readonly [string, () => Promise<Camera>, RegExp])[] = [
    ['accepts and never speaks', () => tcp((socket) => socket.resume()), /^no answer within 5000 ms$/],
    ['hangs up at once', () => tcp((socket) => socket.destroy()), /socket hang up|closed|ECONNRESET/],
    ['resets the connection', () => tcp((socket) => socket.resetAndDestroy()), /ECONNRESET|hang up|closed/],
    [
      'sends headers without end',
      () => tcp((socket) => drip(socket.resume(), Buffer.from(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(50_000)}`))),
      /no answer within 5000 ms/,
    ],
    [
      'answers and sends no picture',
      () => Camera.answering((_, response) => void response.writeHead(200, MULTIPART).flushHeaders()),
      /^no first picture within 10000 ms$/,
    ],
    [
      'drips its first picture',
      () =>
        Camera.answering((request, response) => {
          response.writeHead(200, MULTIPART).flushHeaders();
          drip(request.socket, Buffer.concat([Buffer.from('ffff\r\n'), pictures[0] as Buffer]));
        }),
      /^no first picture within 10000 ms$/,
    ],
    [
      'sends only rubbish',
      () => Camera.answering((_, response) => void response.writeHead(200, MULTIPART).write(Buffer.alloc(100_000, 7))),
      /^no first picture/,
    ],
    [
      'is not found',
      () => Camera.answering((_, response) => void response.writeHead(404).end()),
      /status 200, got 404/,
    ],
  ];

  it.each(faults)('%s: it is closed, then tried again, with one connection at a time', async (_fault, start, error) => {
    const camera = await start();
    const { until, view } = await watched(camera.url);
    await until('several tries', hasTried(4), 500);
    expect(view().lastError).toMatch(error);
    expect(view().frames).toBe(0);
    expect(camera.openMost).toBe(1);
  });

  it('S1-5 is given five seconds to answer, and no less', async () => {
    const camera = await tcp((socket) => socket.resume());
    const { until, view, whole } = await watched(camera.url);
    expect(whole.live.options.cameras[0]).toMatchObject({ connectMs: 5_000 });
    await until('it is asked', () => camera.connections === 1, 0);
    await whole.pass(4_990);
    expect(view().state).toBe('opening');
    await whole.pass(20);
    expect(view().state).not.toBe('opening');
  });

  it('S1-5 may go on for as long as it likes once it sends pictures', async () => {
    let response: ServerResponse | undefined;
    const camera = await Camera.answering((_request, answer) => {
      response = answer.writeHead(200, MULTIPART);
      response.write(part(pictures[0] as Buffer, 0));
    });
    const { until, view, whole } = await watched(camera.url);
    await until('it is live', isLive, 0);
    // An hour and more, with a picture every four seconds: slower than this it would be stale.
    for (let n = 1; n <= 1_000; n += 1) {
      await whole.pass(4_000);
      response?.write(part(pictures[n % 5] as Buffer, n));
      await until('the next picture', ({ frames }) => frames > n, 0);
    }
    expect(view()).toMatchObject({ state: 'live', attempts: 1 });
    expect(camera.connections).toBe(1);
  });

  it('is stale while it stands still in the middle, and its connection is given up then', async () => {
    const camera = await Camera.answering(onePicture);
    const { until, view } = await watched(camera.url);
    await until('it is live', isLive);
    expect(await until('it is stale', ({ state }) => state === 'stale')).toBeLessThanOrEqual(5_100);
    expect(camera.open).toBe(1);
    await until('it is tried again', hasTried(2));
    expect(view().lastError).toBe(undefined);
    expect(camera).toMatchObject({ connections: 2, openMost: 1 });
  });

  it('is live again after its connections broke', async () => {
    const camera = await Camera.answering(goOn);
    const { until } = await watched(camera.url);
    for (let times = 1; times <= 5; times += 1) {
      await until('it is live', (view) => isLive(view) && view.attempts === times);
      camera.reset();
      await until('it is noticed', (view) => !isLive(view), 0);
    }
    expect(camera.openMost).toBe(1);
  });

  it('S1-3 goes on over corrupt bytes, without a torn frame and without a new connection', async () => {
    const damaged = Buffer.from(pictures[1] as Buffer);
    damaged.fill(0xff, 900, 1_100);
    const camera = await Camera.answering((_request, response) => {
      response.writeHead(200, MULTIPART);
      response.write(part(pictures[0] as Buffer, 0));
      response.write(part((pictures[1] as Buffer).subarray(0, -700), 1, { length: () => pictures[1]?.length }));
      response.write(Buffer.from('\r\n--ffmpeg\r\nContent-length: lots\r\n\r\nnothing'));
      for (const n of [2, 3, 4]) response.write(part(pictures[n] as Buffer, n));
    });
    const { until, whole } = await watched(camera.url);
    const seen: Buffer[] = [];
    whole.gateway.cameras.get('front').join({ push: ({ picture }) => void seen.push(picture), cameraEnded: () => {} });
    await until('all that is whole', () => seen.length >= 3, 0);
    expect(seen.every((one) => pictures.some((sent) => sent.equals(one)))).toBe(true);
    expect(camera.connections).toBe(1);
  });
});

describe('a camera that fails for good', () => {
  it.each([
    [
      'refuses the credentials',
      (response: ServerResponse) => void response.writeHead(401).end(),
      /credentials refused/,
    ],
    [
      'shows a page',
      (response: ServerResponse) => void response.setHeader('content-type', 'text/html').end('<p>'),
      /document/,
    ],
  ])('%s: it is asked once, and viewers are told', async (_fault, answer, error) => {
    const camera = await Camera.answering((_request, response) => answer(response));
    const { until, view, whole } = await watched(camera.url);
    await until('it has failed', ({ state }) => state === 'failed', 0);
    await whole.pass(60_000);
    expect(view().lastError).toMatch(error);
    expect(camera.connections).toBe(1);
    const ended: unknown[] = [];
    whole.gateway.cameras.get('front').join({ push: () => {}, cameraEnded: (reason) => void ended.push(reason) });
    await whole.settle();
    expect(ended).toEqual([{ shutdown: 'source_failed' }]);
  });
});

describe('a camera that points elsewhere', () => {
  it('is not followed: neither in a loop nor to another host, who is told no credentials', async () => {
    const asked: (string | undefined)[] = [];
    const other = await Camera.answering((request, response) => {
      asked.push(request.headers.authorization);
      goOn(request, response);
    });
    const camera = await Camera.listening(
      createServer((request, response) => {
        const there = request.url === '/loop' ? '/loop' : other.url.href;
        response.writeHead(302, { location: there }).end();
      }),
    );
    for (const path of ['/loop', '/away']) {
      const url = new URL(path, camera.url);
      url.username = 'admin';
      url.password = 's3cret';
      const before = camera.connections;
      const { until, view } = await watched(url);
      await until('several tries', hasTried(4));
      expect(view().lastError).toMatch(/expected pictures, got a redirect to/);
      expect(JSON.stringify(view())).not.toContain('s3cret');
      // One request for each attempt.
      expect(camera.connections - before).toBeLessThanOrEqual(view().attempts);
    }
    expect(asked).toEqual([]);
  });
});

describe('viewers of one camera', () => {
  it('S1-31 close nothing but their own when they leave; the last one closes the source', async () => {
    const camera = await Camera.answering(goOn);
    const { until, whole } = await watched(camera.url, { onDemand: true, lingerMs: 1_000 });
    const front = whole.gateway.cameras.get('front');
    const leave = [1, 2, 3].map(() => front.join({ push: () => {}, cameraEnded: () => {} }));
    await until('it is live', isLive, 0);
    for (const one of leave.slice(0, 2)) one();
    await whole.pass(5_000 - 1_000);
    expect(camera.open).toBe(1);
    leave[2]?.();
    await until('it is idle', ({ state }) => state === 'idle');
    await camera.gone();
    expect(camera).toMatchObject({ open: 0, connections: 1 });
  });
});
