import type { IncomingMessage } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { mjpegSource } from '../../src/cameras/mjpeg.js';
import { Camera, goOn, MULTIPART, open, stream } from './camera-server.js';
import { pictures } from './corpus.js';

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
