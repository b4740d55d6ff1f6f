/**
 * `sluice watch CAMERA`: watches a camera of a running gateway, as any other client would, and says how it goes. With
 * `--out` each frame becomes a file. Reading pauses while a file is written, so that a slow disk drops frames at the
 * gateway, where they are counted, and does not fill this process.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status as Code, type StatusObject } from '@grpc/grpc-js';
import type { TlsClientOptions } from '../grpc/channel.js';
import { createGatewayClient, type GatewayClient, type IncomingStream } from '../grpc/client.js';
import type { FrameContent } from '../grpc/frame-codec.js';

export interface WatchCommand {
  readonly camera: string;
  /** `host:port` of the gateway's gRPC. */
  readonly address: string;
  /** The directory for one file per frame; absent: frames are only counted. */
  readonly out?: string | undefined;
  /** Ends after so many frames; absent: when interrupted. */
  readonly count?: number | undefined;
  /** Frames above this rate are skipped; absent: the camera's own rate. */
  readonly fps?: number | undefined;
  /** The client this watcher belongs to; absent: one of its own. */
  readonly node?: string | undefined;
  readonly token?: string | undefined;
  /** TLS with the machine's own roots. */
  readonly tls?: boolean | undefined;
  /** Paths of PEM files: who signed the gateway's certificate, and a client certificate with its key. Each means TLS. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Interrupts; that is an orderly end. */
  readonly signal: AbortSignal;
  readonly stdout: Output;
  readonly stderr: Output;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

const PROGRESS_MS = 1000;

/** Resolves with the exit code: 0 after `count` frames, an interrupt or the stream's own end; 1 otherwise. Never rejects. */
export async function runWatch(command: WatchCommand): Promise<number> {
  try {
    if (command.out !== undefined) await mkdir(command.out, { recursive: true });
    const client = createGatewayClient(command.address, { token: command.token, tls: await tlsOf(command) });
    try {
      return await new Watching(command, client).done;
    } finally {
      client.close();
    }
  } catch (thrown) {
    command.stderr.write(`sluice watch: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    return 1;
  }
}

async function tlsOf({ tls, ca, cert, key }: WatchCommand): Promise<TlsClientOptions | undefined> {
  if ((cert === undefined) !== (key === undefined)) throw new Error('--cert and --key: expected both, got one');
  const files = { ca: await pemOf('--ca', ca), cert: await pemOf('--cert', cert), key: await pemOf('--key', key) };
  if (Object.values(files).some((text) => text !== undefined)) return files;
  return tls ? true : undefined;
}

async function pemOf(flag: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`${flag}: cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  if (text.includes('-----BEGIN ')) return text;
  throw new Error(`${flag}: expected PEM, got ${path} without any`);
}

class Watching {
  readonly done: Promise<number>;
  readonly #command: WatchCommand;
  readonly #stream: IncomingStream;
  readonly #progress: Progress;
  #finish: (exitCode: number) => void = () => {};
  #fail: (thrown: unknown) => void = () => {};
  /** The file being written; the next one is written after it. */
  #writing: Promise<void> = Promise.resolve();
  #enough = false;

  constructor(command: WatchCommand, client: GatewayClient) {
    this.#command = command;
    const interrupt = (): void => this.#stream.cancel();
    this.done = new Promise<number>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    }).finally(() => {
      command.signal.removeEventListener('abort', interrupt);
      this.#progress.stop();
    });
    this.#stream = client.watch(
      { cameraId: command.camera, maxFps: command.fps ?? 0 },
      { message: (frame) => this.#take(frame), ended: (status) => void this.#ended(status) },
      { nodeId: command.node },
    );
    this.#progress = new Progress(command.stdout, command.camera);
    command.signal.addEventListener('abort', interrupt);
    if (command.signal.aborted) interrupt();
  }

  #take(frame: FrameContent): void {
    // What was on its way when the last wanted frame came.
    if (this.#enough || this.#command.signal.aborted) return;
    this.#progress.count(frame);
    if (this.#command.out !== undefined) this.#keep(frame, this.#command.out);
    if (this.#progress.frames !== this.#command.count) return;
    this.#enough = true;
    this.#stream.cancel();
  }

  #keep(frame: FrameContent, directory: string): void {
    this.#stream.pause();
    this.#writing = this.#writing.then(() => writeFrame(frame, directory));
    this.#writing.then(
      () => this.#stream.resume(),
      (thrown: unknown) => {
        this.#fail(thrown);
        this.#stream.cancel();
      },
    );
  }

  async #ended(status: StatusObject): Promise<void> {
    try {
      await this.#writing;
    } catch {
      // Already told by the writer.
      return;
    }
    if (this.#enough || this.#command.signal.aborted || status.code === Code.OK) {
      this.#finish(0);
      return;
    }
    this.#fail(new Error(`${this.#command.address}: ${Code[status.code] ?? status.code}: ${status.details}`));
  }
}

/** A reader of the directory never sees half a picture. */
async function writeFrame(frame: FrameContent, directory: string): Promise<void> {
  const name = `${fileName(frame.cameraId)}-${frame.seq}.${extensionOf(frame.contentType)}`;
  const unfinished = join(directory, `.${name}.part`);
  await writeFile(unfinished, frame.picture);
  await rename(unfinished, join(directory, name));
}

/** A camera's id comes from elsewhere: it must not lead out of the directory. */
function fileName(cameraId: string): string {
  return cameraId.replace(/[^\p{L}\p{N}._-]/gu, '_').replace(/^\./, '_');
}

function extensionOf(contentType: string): string {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return EXTENSIONS[type] ?? 'bin';
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
};

/** One line that is kept up to date on a terminal, a line per second elsewhere. */
class Progress {
  frames = 0;
  #bytes = 0;
  #gaps = 0;
  #lastSeq: number | undefined;
  #framesAtLastLine = 0;
  #lastLineMs = performance.now();
  readonly #out: Output;
  readonly #camera: string;
  readonly #timer: NodeJS.Timeout;

  constructor(out: Output, camera: string) {
    this.#out = out;
    this.#camera = camera;
    this.#timer = setInterval(() => this.#print(), PROGRESS_MS);
  }

  count(frame: FrameContent): void {
    this.frames++;
    this.#bytes += frame.picture.length;
    if (this.#lastSeq !== undefined) this.#gaps += Math.max(0, frame.seq - this.#lastSeq - 1);
    this.#lastSeq = frame.seq;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#print();
    if (this.#out.isTTY) this.#out.write('\n');
  }

  #print(): void {
    const nowMs = performance.now();
    const fps = ((this.frames - this.#framesAtLastLine) * 1000) / Math.max(1, nowMs - this.#lastLineMs);
    this.#framesAtLastLine = this.frames;
    this.#lastLineMs = nowMs;
    const mebibytes = (this.#bytes / 1024 / 1024).toFixed(1);
    const line = `${this.#camera}: ${this.frames} frames, ${fps.toFixed(1)} fps, ${mebibytes} MiB, ${this.#gaps} missed`;
    this.#out.write(this.#out.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }
}
