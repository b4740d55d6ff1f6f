/** The cameras' process, as the benchmarks hold it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export class CameraServer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #port = 0;

  private constructor() {
    this.#child = spawn(process.execPath, [fileURLToPath(new URL('./server.js', import.meta.url))]);
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  static async start(): Promise<CameraServer> {
    const server = new CameraServer();
    server.#port = Number(await server.#line());
    return server;
  }

  url(path = '/'): URL {
    return new URL(path, `http://127.0.0.1:${this.#port}`);
  }

  /** The most connections that were open at once since this was asked last. */
  async openMost(): Promise<number> {
    this.#child.stdin.write('\n');
    return (JSON.parse(await this.#line()) as { readonly openMost: number }).openMost;
  }

  stop(): void {
    this.#child.stdin.end();
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the cameras have ended');
    return value as string;
  }
}
