/**
 * A camera that speaks RTSP: GStreamer's server in a process of its own, which says who comes and goes. That is the outside view
 * of how many attempts a gateway has alive.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { eventually } from './eventually.js';
import { ffmpegIsThere } from './ffmpeg-camera.js';

/** Debian's own: the bindings are not for any other that may come first on the path. */
const PYTHON = '/usr/bin/python3';
const SERVER = fileURLToPath(new URL('./rtsp-server.py', import.meta.url));
const PROBE =
  "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst; Gst.init(None); assert Gst.ElementFactory.find('rtpjpegpay')";

const serverIsThere = spawnSync(PYTHON, ['-c', PROBE]).status === 0;
if (!serverIsThere && process.env['CI'])
  throw new Error("GStreamer's RTSP server is not installed (see .ci/run); under CI its tests may not be skipped");

export const rtspIsThere = serverIsThere && ffmpegIsThere;

export interface RtspUser {
  readonly user: string;
  readonly password: string;
}

export class RtspCamera {
  /** Connections so far, those that are open now, and the most that ever were at once. */
  opened = 0;
  open = 0;
  openMost = 0;
  port = 0;
  readonly #user: RtspUser | undefined;
  #server: ChildProcess | undefined;

  private constructor(user?: RtspUser) {
    this.#user = user;
  }

  /** Starts it; it is gone when the test is over. */
  static async start(user?: RtspUser): Promise<RtspCamera> {
    const camera = new RtspCamera(user);
    camera.port = await freePort();
    onTestFinished(() => camera.fail());
    await camera.recover();
    return camera;
  }

  /** With the credentials it wants, unless others are given. */
  url(path = '/camera', user = this.#user): string {
    const credentials = user ? `${user.user}:${user.password}@` : '';
    return `rtsp://${credentials}127.0.0.1:${this.port}${path}`;
  }

  async recover(): Promise<void> {
    const { user = '', password = '' } = this.#user ?? {};
    const server = spawn(PYTHON, ['-u', SERVER, String(this.port), user, password], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#server = server;
    let ready = false;
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) {
        if (line.startsWith('port')) ready = true;
        else this.#count(line);
      }
    });
    await eventually('the RTSP server listens', () => ready);
  }

  /** It is killed, with all its connections. */
  async fail(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const gone = once(server, 'close');
    server.kill('SIGKILL');
    await gone;
    this.open = 0;
  }

  /** It stands still: connections stay, and new ones are accepted by the kernel and never answered. */
  freeze(): void {
    this.#server?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#server?.kill('SIGCONT');
  }

  #count(line: string): void {
    if (line === 'opened') {
      this.opened += 1;
      this.open += 1;
    } else if (line === 'closed') this.open -= 1;
    this.openMost = Math.max(this.openMost, this.open);
  }
}

/** The processes of this name that one process has started, and that are not dead. */
export function childrenOf(parent: number, name = 'ffmpeg'): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      const seen = processOf(pid);
      return seen?.parent === parent && seen.name === name && seen.state !== 'Z';
    });
}

export function isAlive(pid: number): boolean {
  const seen = processOf(pid);
  return seen !== undefined && seen.state !== 'Z';
}

function processOf(
  pid: number,
): { readonly name: string; readonly state: string; readonly parent: number } | undefined {
  if (!Number.isInteger(pid)) return undefined;
  try {
    const stat = /\((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return stat ? { name: stat[1] as string, state: stat[2] as string, parent: Number(stat[3]) } : undefined;
  } catch {
    return undefined; // gone meanwhile
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
