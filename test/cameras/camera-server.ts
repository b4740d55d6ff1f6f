/** A camera of the test's own: a real server, and attempts at it. What a test opened is closed when it ends. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach } from 'vitest';
import { mjpegSource } from '../../src/cameras/mjpeg.js';
import type { SourceAttempt } from '../../src/gateway/frame-source.js';
import { realClock } from '../../src/otp/clock.js';
import { multipart, pictures } from './corpus.js';
import { RecordingListener } from './listener.js';

export const MULTIPART = { 'content-type': 'multipart/x-mixed-replace; boundary=ffmpeg' };
export const stream = multipart(pictures.slice(0, 5));

export const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A server on a port of its own; `gone` resolves when no connection is left. */
export class Camera {
  readonly server: Server;
  readonly url: URL;
  connections = 0;
  /** The most that were ever open at once. */
  openMost = 0;
  readonly #open = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
    this.url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/video`);
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#open.add(socket);
      this.openMost = Math.max(this.openMost, this.#open.size);
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

  /** Connections that are open now. */
  get open(): number {
    return this.#open.size;
  }

  /** The connections break, as when its power fails. */
  reset(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  async gone(): Promise<void> {
    await Promise.all([...this.#open].map((socket) => socket.closed || once(socket, 'close')));
  }
}

export function open(url: URL | string): { listener: RecordingListener; attempt: SourceAttempt } {
  const listener = new RecordingListener();
  const attempt = mjpegSource(new URL(url)).open(listener, { clock: realClock });
  endings.push(() => attempt.close());
  return { listener, attempt };
}

/** Plays five pictures and keeps the response open. */
export const goOn = (_request: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, MULTIPART).write(stream);
};
