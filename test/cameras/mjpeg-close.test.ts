import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Camera, endings, goOn, MULTIPART, open, stream } from './camera-server.js';
import { part, pictures } from './corpus.js';

const sockets = () => process.getActiveResourcesInfo().filter((kind) => /TCPSocket|TCPConnect|TLS/i.test(kind)).length;

/** What becomes of the client sockets that this process makes from now on, as Node itself reports them. */
function clientSockets(): readonly { closed: boolean }[] {
  const made: { closed: boolean }[] = [];
  const watch = (message: unknown) => {
    const seen = { closed: false };
    made.push(seen);
    (message as { socket: Socket }).socket.once('close', () => {
      seen.closed = true;
    });
  };
  subscribe('net.client.socket', watch);
  endings.push(async () => unsubscribe('net.client.socket', watch));
  return made;
}

describe('closing an attempt', () => {
  it('S1-4 closes the socket before it resolves, and nothing is reported any more', async () => {
    const camera = await Camera.answering((_request, response) => {
      response.writeHead(200, MULTIPART);
      const timer = setInterval(() => response.write(part(pictures[0] as Buffer, 0)), 1);
      response.on('close', () => clearInterval(timer));
    });
    const before = sockets();
    const made = clientSockets();
    const { listener, attempt } = open(camera.url);
    await listener.havePictures(3);
    expect(made).toEqual([{ closed: false }]);
    const closed = attempt.close();
    const told = listener.story.length;
    await closed;
    expect(made).toEqual([{ closed: true }]);
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
