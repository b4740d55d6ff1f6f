import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { jpegEnd } from '../../src/cameras/jpeg.js';
import { mjpegSource } from '../../src/cameras/mjpeg.js';
import type { SourceAttempt } from '../../src/gateway/frame-source.js';
import { realClock } from '../../src/otp/clock.js';
import { multipart, part, pictures } from './corpus.js';
import { RecordingListener } from './listener.js';

const MULTIPART = { 'content-type': 'multipart/x-mixed-replace; boundary=ffmpeg' };
const stream = multipart(pictures.slice(0, 5));

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A server on a port of its own; `gone` resolves when no connection is left. */
class Camera {
  readonly server: Server;
  readonly url: URL;
  connections = 0;
  readonly #open = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
    this.url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/video`);
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#open.add(socket);
      socket.on('error', () => {}); // a reset by the one who is tested
      socket.on('close', () => this.#open.delete(socket));
    });
    endings.push(async () => {
      for (const socket of this.#open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
  }

  static async listening(server: Server): Promise<Camera> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Camera(server);
  }

  static answering(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Camera> {
    return Camera.listening(createServer(answer));
  }

  async gone(): Promise<void> {
    await Promise.all([...this.#open].map((socket) => socket.closed || once(socket, 'close')));
  }
}

function open(url: URL | string): { listener: RecordingListener; attempt: SourceAttempt } {
  const listener = new RecordingListener();
  const attempt = mjpegSource(new URL(url)).open(listener, { clock: realClock });
  endings.push(() => attempt.close());
  return { listener, attempt };
}

const sockets = () => process.getActiveResourcesInfo().filter((kind) => /TCPSocket|TCPConnect|TLS/i.test(kind)).length;

/** Plays the stream and keeps the response open. */
const goOn = (_request: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, MULTIPART).write(stream);
};

describe('a camera that sends pictures', () => {
  it('is opened, and then each picture is delivered whole and in order', async () => {
    const camera = await Camera.answering(goOn);
    const { listener } = open(camera.url);
    expect(listener.story).toEqual([]);
    await listener.havePictures(5);
    expect(listener.story).toEqual(['opened', 'picture', 'picture', 'picture', 'picture', 'picture']);
    expect(listener.pictures.every(({ data }, at) => data.equals(pictures[at] as Buffer))).toBe(true);
    expect(listener.pictures[0]?.contentType).toBe('image/jpeg');
  });

  it.each(['application/octet-stream', 'image/jpeg', undefined])(
    'is not judged by its content type %s',
    async (type) => {
      const camera = await Camera.answering((_request, response) => {
        response.writeHead(200, type === undefined ? {} : { 'content-type': type }).write(stream);
      });
      await open(camera.url).listener.havePictures(5);
    },
  );

  it('is asked for the very path and query, with Basic credentials that nobody else sees', async () => {
    let asked: IncomingMessage | undefined;
    const camera = await Camera.answering((request, response) => {
      asked = request;
      goOn(request, response);
    });
    const url = new URL('/a%20b/v.cgi?res=640x360&x=%20y', camera.url);
    url.username = 'ad min';
    url.password = 'p:w@%25é'; // what is a percent sign already stays
    const source = mjpegSource(url);
    const { listener } = open(url);
    await listener.havePictures(1);
    expect(asked?.url).toBe('/a%20b/v.cgi?res=640x360&x=%20y');
    expect(asked?.headers.host).toBe(camera.url.host);
    expect(asked?.headers.authorization).toBe(`Basic ${Buffer.from('ad min:p:w@%é').toString('base64')}`);
    expect(source.label).toBe(`http://${camera.url.host}/a%20b/v.cgi?res=640x360&x=%20y`);
  });

  it('sends no credentials where there are none', async () => {
    let asked: IncomingMessage | undefined;
    const camera = await Camera.answering((request, response) => {
      asked = request;
      goOn(request, response);
    });
    await open(camera.url).listener.havePictures(1);
    expect(asked?.headers).not.toHaveProperty('authorization');
  });
});

describe('a camera that does not give pictures', () => {
  const refusals: [string, number, Record<string, string>, boolean, string][] = [
    ['refuses the credentials', 401, {}, true, 'credentials refused (status 401)'],
    [
      'wants other credentials',
      401,
      { 'www-authenticate': 'Digest realm="cam", nonce="x"' },
      true,
      'credentials refused (status 401); it wants Digest, and only Basic is known here',
    ],
    ['forbids', 403, {}, true, 'credentials refused (status 403)'],
    ['is not found', 404, {}, false, 'expected status 200, got 404'],
    ['is unavailable', 503, {}, false, 'expected status 200, got 503'],
    [
      'points elsewhere',
      302,
      { location: 'http://u:p@other/video?token=abc' },
      false,
      'expected pictures, got a redirect to http://other/video?token=***',
    ],
    ['points nowhere', 302, {}, false, 'expected pictures, got a redirect to nowhere'],
    [
      'shows a page',
      200,
      { 'content-type': 'text/html; charset=utf-8' },
      true,
      'expected pictures, got a document of type text/html; charset=utf-8',
    ],
  ];

  it.each(refusals)('fails when it %s (status %d)', async (_name, status, headers, final, message) => {
    const camera = await Camera.answering((_request, response) => {
      response.writeHead(status, headers).write('x'.repeat(1000)); // and the response never ends
    });
    const url = new URL(camera.url);
    url.password = 's3cret';
    const { listener } = open(url);
    const error = await listener.haveFailed();
    expect(listener.story).toEqual(['failed']);
    expect(error.message).toBe(`${camera.url.href}: ${message}`);
    expect(error.final).toBe(final);
    await camera.gone();
  });

  it('fails when nobody listens', async () => {
    const camera = await Camera.answering(goOn);
    await new Promise((resolve) => camera.server.close(resolve));
    const error = await open(camera.url).listener.haveFailed();
    expect(error.final).toBe(false);
    expect(error.message).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/video: connect ECONNREFUSED/);
  });

  it('fails when it speaks something else', async () => {
    const camera = await Camera.listening(
      createTcpServer((socket) => socket.resume().write('SSH-2.0-OpenSSH_9.2\r\n')),
    );
    expect((await open(camera.url).listener.haveFailed()).final).toBe(false);
    await camera.gone();
  });

  it('fails when its header goes on beyond 16 KiB', async () => {
    const camera = await Camera.listening(
      createTcpServer((socket) => {
        socket.resume().write('HTTP/1.1 200 OK\r\n');
        for (let n = 0; n < 40; n += 1) socket.write(`x-filler-${n}: ${'y'.repeat(1000)}\r\n`);
      }),
    );
    expect((await open(camera.url).listener.haveFailed()).message).toContain('Header overflow');
    await camera.gone();
  });

  it('fails when it is asked in TLS and does not speak it', async () => {
    const camera = await Camera.answering(goOn);
    const error = await open(camera.url.href.replace('http:', 'https:')).listener.haveFailed();
    expect(error.final).toBe(false);
    await camera.gone();
  });
});

describe('a stream that breaks off', () => {
  it('is a failure when it ends in order', async () => {
    const camera = await Camera.answering((_request, response) => {
      response.writeHead(200, MULTIPART).end(stream);
    });
    const { listener } = open(camera.url);
    const error = await listener.haveFailed();
    expect(error).toMatchObject({ final: false, message: `${camera.url.href}: the stream ended after 5 pictures` });
    expect(listener.story.filter((what) => what === 'failed')).toHaveLength(1);
    await camera.gone();
  });

  it('is a failure when the connection is cut, and the picture under way is not delivered', async () => {
    const camera = await Camera.answering((request, response) => {
      response.writeHead(200, MULTIPART).write(stream.subarray(0, -3000), () => request.socket.resetAndDestroy());
    });
    const { listener } = open(camera.url);
    expect((await listener.haveFailed()).final).toBe(false);
    expect(listener.pictures.length).toBeLessThanOrEqual(4);
    expect(listener.story.at(-1)).toBe('failed');
    await camera.gone();
  });
});

describe('closing an attempt', () => {
  it('S1-4 closes the socket before it resolves, and nothing is reported any more', async () => {
    const camera = await Camera.answering((_request, response) => {
      response.writeHead(200, MULTIPART);
      const timer = setInterval(() => response.write(part(pictures[0] as Buffer, 0)), 1);
      response.on('close', () => clearInterval(timer));
    });
    const before = sockets();
    const { listener, attempt } = open(camera.url);
    await listener.havePictures(3);
    const closed = attempt.close();
    const told = listener.story.length;
    await closed;
    await attempt.close();
    await camera.gone();
    expect(sockets()).toBe(before);
    expect(listener.story).toHaveLength(told);
    expect(listener.story).not.toContain('failed');
  });

  it('is possible from within a picture', async () => {
    const camera = await Camera.answering(goOn);
    const { listener, attempt } = open(camera.url);
    let closed: Promise<void> | undefined;
    listener.onPicture = () => {
      closed = attempt.close();
    };
    await listener.havePictures(1);
    await closed;
    await camera.gone();
    expect(listener.story).toEqual(['opened', 'picture']);
  });

  it('works before there is a connection, silently', async () => {
    const camera = await Camera.answering(goOn);
    const { listener, attempt } = open(camera.url);
    await attempt.close();
    await camera.gone();
    expect(listener.story).toEqual([]);
  });

  it('works while a camera that accepted says nothing', async () => {
    const camera = await Camera.listening(createTcpServer((socket) => socket.resume()));
    const { listener, attempt } = open(camera.url);
    await once(camera.server, 'connection');
    await attempt.close();
    await camera.gone();
    expect(listener.story).toEqual([]);
  });

  it('resolves after a failure too', async () => {
    const camera = await Camera.answering((_request, response) => void response.writeHead(503).end());
    const { listener, attempt } = open(camera.url);
    await listener.haveFailed();
    await attempt.close();
    await camera.gone();
  });

  it('S1-6 leaves no socket after a hundred attempts, whichever way they ended', async () => {
    const before = sockets();
    const ends = ['close', 'early', 'end', 'refuse', 'cut'] as const;
    let turn: (typeof ends)[number] = 'close';
    const camera = await Camera.answering((request, response) => {
      if (turn === 'refuse') response.writeHead(500).write('no');
      else if (turn === 'end') response.writeHead(200, MULTIPART).end(stream);
      else if (turn === 'cut') request.socket.destroy();
      else goOn(request, response);
    });
    for (let n = 0; n < 100; n += 1) {
      turn = ends[n % ends.length] as (typeof ends)[number];
      const { listener, attempt } = open(camera.url);
      if (turn === 'close') await listener.havePictures(1);
      else if (turn !== 'early') await listener.haveFailed();
      await attempt.close();
    }
    await camera.gone();
    expect(camera.connections).toBeGreaterThanOrEqual(80);
    const left = await new Promise((resolve) => camera.server.getConnections((_error, count) => resolve(count)));
    expect(left).toBe(0);
    expect(sockets()).toBe(before);
  });
});

const { CI } = process.env;
const ffmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
if (!ffmpeg && CI) throw new Error('ffmpeg is not installed; under CI its tests may not be skipped');

describe.skipIf(!ffmpeg)('the MJPEG server of a real ffmpeg (needs: ffmpeg)', () => {
  it('gives whole pictures, one after the other, and sees its only client leave', async () => {
    const port = await freePort();
    const child = spawn(
      'ffmpeg',
      [
        '-nostdin',
        '-v',
        'error',
        '-re',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x240:rate=25',
        '-f',
        'mpjpeg',
        '-listen',
        '1',
      ].concat(`http://127.0.0.1:${port}/`),
      { stdio: 'ignore' },
    );
    const exited = once(child, 'exit');
    endings.push(async () => {
      child.kill('SIGKILL');
      await exited;
    });
    const { listener, attempt } = await openWhenListening(`http://127.0.0.1:${port}/`);
    await listener.havePictures(20);
    for (const { data } of listener.pictures) expect(jpegEnd(data)).toBe(data.length);
    expect(new Set(listener.pictures.map(({ data }) => data.toString('latin1'))).size).toBe(listener.pictures.length);
    await attempt.close();
    await exited; // it serves one client, and ends when that is gone
  });
});

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Knocks until the port answers. */
async function openWhenListening(url: string) {
  for (;;) {
    const { listener, attempt } = open(url);
    const refused = await Promise.race([listener.haveFailed(), listener.haveOpened()]);
    if (!refused) return { listener, attempt };
    if (!/ECONNREFUSED/.test(refused.message)) throw refused;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
