/**
 * A camera on the network: an HTTP server behind which a real ffmpeg films its test card anew for each request, as MJPEG in
 * multipart. (ffmpeg's own server takes one client in its life.) It counts who is there, which is the outside view of how
 * many attempts a gateway has alive.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export const ffmpegIsThere = spawnSync('ffmpeg', ['-version']).status === 0;
if (!ffmpegIsThere && process.env['CI'])
  throw new Error('ffmpeg is not installed; under CI its tests may not be skipped');

const FILM = [
  '-nostdin',
  '-v',
  'error',
  '-re',
  '-f',
  'lavfi',
  '-i',
  'testsrc2=size=320x240:rate=15',
  '-f',
  'mpjpeg',
  '-',
];

export class FfmpegCamera {
  /** Requests so far. */
  opened = 0;
  /** Requests that are open now, and the most that ever were at once. */
  open = 0;
  openMost = 0;
  readonly #films = new Set<ChildProcess>();
  #server: Server | undefined;
  #port = 0;

  /** Starts it; it is gone when the test is over. */
  static async start(): Promise<FfmpegCamera> {
    const camera = new FfmpegCamera();
    onTestFinished(() => camera.fail());
    await camera.recover();
    return camera;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** ffmpeg is killed and nothing answers at the address any more. */
  async fail(): Promise<void> {
    const films = [...this.#films];
    const gone = films.map((film) => once(film, 'exit'));
    for (const film of films) film.kill('SIGKILL');
    const closed = this.#server?.listening ? once(this.#server.close(), 'close') : undefined;
    this.#server?.closeAllConnections();
    await Promise.all([...gone, closed]);
  }

  /** ffmpeg stands still: whoever watches stays connected and gets nothing more. A later request gets an ffmpeg that runs. */
  freeze(): void {
    for (const film of this.#films) film.kill('SIGSTOP');
  }

  /** Answers again, at the same address. */
  async recover(): Promise<void> {
    this.#server = createServer((request, response) => this.#film(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #film(request: IncomingMessage, response: ServerResponse): void {
    this.opened += 1;
    this.open += 1;
    this.openMost = Math.max(this.openMost, this.open);
    const film = spawn('ffmpeg', FILM, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#films.add(film);
    film.once('exit', () => {
      this.#films.delete(film);
      response.destroy();
    });
    request.socket.once('close', () => {
      this.open -= 1;
      film.kill('SIGKILL');
    });
    response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace;boundary=ffmpeg' });
    film.stdout?.pipe(response);
  }
}
