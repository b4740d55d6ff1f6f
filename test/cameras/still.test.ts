import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { stillSource } from '../../src/cameras/still.js';
import { realClock } from '../../src/otp/clock.js';
import { Camera, endings, goOn } from './camera-server.js';
import { pictures } from './corpus.js';
import { RecordingListener } from './listener.js';

function open(url: URL, everyMs: number) {
  const listener = new RecordingListener();
  const attempt = stillSource(url, { everyMs }).open(listener, { clock: realClock });
  endings.push(() => attempt.close());
  return { listener, attempt };
}

/** Answers with one picture after the other, and counts the requests that are open at once. */
function stills(answer = (response: ServerResponse, picture: Buffer) => void response.end(picture)) {
  const seen = { asked: 0, open: 0, openMost: 0 };
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    seen.open += 1;
    seen.openMost = Math.max(seen.openMost, seen.open);
    request.socket.once('close', () => {
      seen.open -= 1;
    });
    response.setHeader('content-type', 'image/jpeg');
    answer(response, pictures[seen.asked % pictures.length] as Buffer);
    seen.asked += 1;
  };
  return { seen, serve };
}

describe('a camera of still pictures', () => {
  it('is asked for one at once, and then for the next, each over a connection that is closed before', async () => {
    const { seen, serve } = stills();
    const camera = await Camera.answering(serve);
    const { listener, attempt } = open(camera.url, 30);
    await listener.havePictures(5);
    await attempt.close();
    await camera.gone();
    expect(listener.story.slice(0, 3)).toEqual(['opened', 'picture', 'picture']);
    expect(listener.pictures.slice(0, 5).every(({ data }, at) => data.equals(pictures[at] as Buffer))).toBe(true);
    expect(seen).toMatchObject({ open: 0, openMost: 1 });
  });

  it('keeps its schedule: what was due while one took long is left out', async () => {
    const { seen, serve } = stills((response, picture) => void setTimeout(() => response.end(picture), 120));
    const camera = await Camera.answering(serve);
    const { listener } = open(camera.url, 50);
    await listener.havePictures(3);
    expect(seen.openMost).toBe(1);
    expect(seen.asked).toBeLessThanOrEqual(4);
  });

  it('may give a stream: its first picture is taken and the connection closed', async () => {
    const camera = await Camera.answering(goOn);
    const { listener, attempt } = open(camera.url, 20);
    await listener.havePictures(3);
    expect(listener.pictures.every(({ data }) => data.equals(pictures[0] as Buffer))).toBe(true);
    await attempt.close();
    await camera.gone();
  });

  it.each([
    [
      'half a picture',
      (response: ServerResponse, picture: Buffer) => void response.end(picture.subarray(0, 999)),
      false,
    ],
    ['a page', (response: ServerResponse) => void response.setHeader('content-type', 'text/html').end('<p>'), true],
    ['no access', (response: ServerResponse) => void response.writeHead(401).end(), true],
    ['a reset', (response: ServerResponse) => void response.socket?.resetAndDestroy(), false],
  ] as const)('fails at %s', async (_name, answer, final) => {
    const camera = await Camera.answering(stills(answer).serve);
    const { listener } = open(camera.url, 20);
    expect(await listener.haveFailed()).toMatchObject({ final });
    await camera.gone();
    expect(listener.story.filter((what) => what === 'failed')).toHaveLength(1);
  });

  it('is closed while it is silent, and between two pictures', async () => {
    const silent = await Camera.listening(createTcpServer((socket) => socket.resume()));
    const waiting = open(silent.url, 20);
    await once(silent.server, 'connection');
    await waiting.attempt.close();
    await silent.gone();
    const camera = await Camera.answering(stills().serve);
    const between = open(camera.url, 60_000);
    await between.listener.havePictures(1);
    await between.attempt.close();
    await camera.gone();
    expect([...waiting.listener.story, ...between.listener.story]).toEqual(['opened', 'picture']);
  });
});
