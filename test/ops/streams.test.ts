import { get } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpServer, startHttpServer } from '../../src/ops/http.js';
import { frameOf, GatewayDouble } from './gateway-double.js';
import { closed, exchange, opened, readUntil, request } from './wire.js';

let gateway: GatewayDouble;
let server: HttpServer;

beforeEach(async () => {
  gateway = new GatewayDouble();
  server = await startHttpServer({ gateway, host: '127.0.0.1', port: 0 });
});
afterEach(() => server.stop());

const listen = (headers: Record<string, string> = {}, query = '') =>
  opened(server.port, request(server.port, 'GET', `/api/events${query}`, { Accept: 'text/event-stream', ...headers }));
const watch = (query = '') => opened(server.port, request(server.port, 'GET', `/cameras/front/live.mjpg${query}`));
const idsIn = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));

describe('the events', () => {
  it('are listed after ?since', async () => {
    for (const type of ['a', 'b', 'c']) gateway.event(type);
    const answer = await exchange(server.port, request(server.port, 'GET', '/api/events?since=1'));
    const { events } = JSON.parse(answer.body);
    expect(events.map((event: { type: string }) => event.type)).toEqual(['b', 'c']);
  });

  it('come as they happen to whoever listens', async () => {
    gateway.event('before');
    const socket = await listen();
    await readUntil(socket, (text) => text.includes('retry:'));
    gateway.event('process.down', 'killed');
    const text = await readUntil(socket, (read) => /^data: .*\n\n/m.test(read));
    expect(idsIn(text)).toEqual([2]);
    const event = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '');
    expect(event).toMatchObject({ type: 'process.down', actor: 'sluice/cameras/camera:front', reason: 'killed' });
    socket.destroy();
  });

  it('are resumed after Last-Event-ID without a gap and without a repetition', async () => {
    for (let i = 1; i <= 20; i += 1) gateway.event(`e${i}`);
    const socket = await listen({ 'Last-Event-ID': '5' });
    const read = readUntil(socket, (text) => text.includes('id: 22\n'));
    gateway.event('e21');
    gateway.event('e22');
    expect(idsIn(await read)).toEqual(Array.from({ length: 17 }, (_, i) => i + 6));
    socket.destroy();
  });

  it('begin anew for a listener that knows an id from before a restart of the gateway', async () => {
    gateway.event('a');
    const socket = await listen({ 'Last-Event-ID': '4711' });
    expect(idsIn(await readUntil(socket, (text) => text.includes('id: 1\n')))).toEqual([1]);
    socket.destroy();
  });

  it('forget a listener that has gone', async () => {
    const socket = await listen();
    await readUntil(socket, (text) => text.includes('retry:'));
    expect(gateway.log.listeners).toBe(1);
    socket.destroy();
    await expect.poll(() => gateway.log.listeners).toBe(0);
  });
});

describe('a listener that does not read', () => {
  it('is dropped, while one that reads gets everything', async () => {
    const slow = await listen();
    await readUntil(slow, (text) => text.includes('retry:'));
    slow.pause();
    const seen: number[] = [];
    let tail = '';
    const good = get(
      { port: server.port, path: '/api/events', headers: { accept: 'text/event-stream' } },
      (response) => {
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          const lines = `${tail}${chunk}`.split('\n');
          tail = lines.pop() ?? '';
          seen.push(...idsIn(lines.join('\n')));
        });
      },
    );
    await expect.poll(() => gateway.log.listeners).toBe(2);
    let sent = 0;
    // 100 KB each, until what the kernel and the ring hold for the slow one is full.
    while (gateway.log.listeners === 2 && sent < 3000) {
      sent = gateway.event('flood', 'x', 100_000).id;
      await expect.poll(() => seen.at(-1), { interval: 1 }).toBe(sent);
    }
    expect(gateway.log.listeners).toBe(1);
    expect(sent).toBeLessThan(3000);
    await closed(slow);
    expect(seen).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
    good.destroy();
  });
});

/** Reads parts by their Content-Length, as a viewer does. */
function partsOf(text: string): { seq: number; picture: string }[] {
  const parts: { seq: number; picture: string }[] = [];
  let rest = text.slice(text.indexOf('\r\n\r\n') + 4);
  for (;;) {
    const head =
      /^--sluice-frame\r\nContent-Type: image\/jpeg\r\nContent-Length: (\d+)\r\nX-Seq: (\d+)\r\n.*?\r\n\r\n/.exec(rest);
    if (!head) return parts;
    const length = Number(head[1]);
    parts.push({ seq: Number(head[2]), picture: rest.slice(head[0].length, head[0].length + length) });
    rest = rest.slice(head[0].length + length + 2);
  }
}

describe('a live view', () => {
  it('is a part per frame, each with its length', async () => {
    const came = gateway.nextViewer();
    const socket = await watch('?maxFps=5&overflow=latest');
    const viewer = await came;
    expect(viewer.request).toEqual({ cameraId: 'front', maxFps: 5, overflow: 'latest' });
    const read = readUntil(socket, (text) => text.endsWith('--sluice-frame--\r\n'));
    await viewer.show(frameOf(1, Buffer.from('first\r\n--sluice-frame\r\n')));
    await viewer.show(frameOf(4, Buffer.alloc(300_000, 'b')));
    viewer.end('shutdown');
    const text = await read;
    expect(text).toContain('Content-Type: multipart/x-mixed-replace; boundary=sluice-frame');
    expect(text).not.toMatch(/transfer-encoding/i);
    const parts = partsOf(text);
    expect(parts.map(({ seq }) => seq)).toEqual([1, 4]);
    expect(parts[0]?.picture).toBe('first\r\n--sluice-frame\r\n');
    expect(parts[1]?.picture).toHaveLength(300_000);
    await closed(socket);
  });

  it('ends with its viewer', async () => {
    const came = gateway.nextViewer();
    const socket = await watch();
    const viewer = await came;
    const read = readUntil(socket, (text) => text.includes('hello'));
    await viewer.show(frameOf(1, Buffer.from('hello')));
    await read;
    socket.resetAndDestroy();
    expect(await viewer.left).toBe('cancelled');
    await expect(viewer.show(frameOf(2, Buffer.from('late')))).rejects.toThrow('the viewer has left');
  });

  it('takes no second frame before the socket has taken the first, and is cut off when it ends stuck', async () => {
    const came = gateway.nextViewer();
    const socket = await watch();
    const viewer = await came;
    const first = readUntil(socket, (text) => text.includes('hello'));
    await viewer.show(frameOf(1, Buffer.from('hello')));
    await first;
    socket.pause();
    // More than the kernel takes for a reader that does not read.
    const stuck = viewer.show(frameOf(2, Buffer.alloc(32 * 1024 * 1024)));
    viewer.end({ shutdown: 'slow_consumer' });
    await expect(stuck).rejects.toThrow('the viewer has left');
    expect(await viewer.left).toBe('cancelled');
    await closed(socket);
  });

  it('that the gateway ends is announced to the listeners, for a browser does not tell its page', async () => {
    const listener = await listen();
    await readUntil(listener, (text) => text.includes('retry:'));
    const came = gateway.nextViewer();
    const socket = await watch();
    const viewer = await came;
    const first = readUntil(socket, (text) => text.includes('hello'));
    await viewer.show(frameOf(1, Buffer.from('hello')));
    await first;
    const announced = readUntil(listener, (text) => text.includes('\n\n'));
    viewer.end('killed');
    expect(await announced).toContain('event: view.ended\ndata: {"cameraId":"front"}\n\n');
    await closed(socket);
    listener.destroy();
  });

  it('is 503 when the camera ends before its first picture', async () => {
    const came = gateway.nextViewer();
    const answer = exchange(server.port, request(server.port, 'GET', '/cameras/front/live.mjpg'));
    (await came).end({ shutdown: 'source_failed' });
    expect((await answer).status).toBe(503);
    expect((await answer).body).toContain('source_failed');
  });

  it('of an unknown camera is 404', async () => {
    const answer = await exchange(server.port, request(server.port, 'GET', '/cameras/attic/live.mjpg'));
    expect(answer.status).toBe(404);
  });

  it('does not begin behind another answer, where nothing would tell when its viewer leaves', async () => {
    const came = gateway.nextViewer();
    const keptAlive = { Connection: 'keep-alive' };
    const one = request(server.port, 'GET', '/cameras/front/live.mjpg', keptAlive);
    const socket = await opened(server.port, one + one);
    const viewer = await came;
    socket.destroy();
    await viewer.left;
    expect(gateway.viewers).toHaveLength(1);
  });
});

describe('a server that is stopped', () => {
  it('ends views and listeners, leaves no socket and gives its port back', async () => {
    const came = gateway.nextViewer();
    const sockets = [
      await listen(),
      await watch(),
      await opened(server.port, ''),
      await opened(server.port, 'GET / HT'),
    ];
    const viewer = await came;
    const first = readUntil(sockets[1] as (typeof sockets)[0], (text) => text.includes('hello'));
    await viewer.show(frameOf(1, Buffer.from('hello')));
    await first;
    await expect.poll(() => gateway.log.listeners).toBe(1);
    await Promise.all([server.stop(), server.stop()]);
    await Promise.all(sockets.map(closed));
    expect(await viewer.left).toBe('cancelled');
    expect(gateway.log.listeners).toBe(0);
    const again = await startHttpServer({ gateway, host: '127.0.0.1', port: server.port });
    await again.stop();
  });

  it('does not wait for a viewer that no longer reads', async () => {
    const came = gateway.nextViewer();
    const socket = await watch();
    const viewer = await came;
    socket.pause();
    const stuck = viewer.show(frameOf(1, Buffer.alloc(32 * 1024 * 1024)));
    await Promise.all([server.stop(), expect(stuck).rejects.toThrow()]);
    expect(await viewer.left).toBe('cancelled');
    await closed(socket);
  });
});
