/**
 * A real nats-server on loopback with JetStream in a folder of its own. Looked for in `NATS_SERVER_BIN`, then on the PATH; where it
 * is absent the tests that need it are skipped by name, and fail under CI.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const NATS_BIN = process.env['NATS_SERVER_BIN'] ?? 'nats-server';

/** Why real NATS cannot be used here; undefined where it can. */
export function natsMissing(): string | undefined {
  const { error, status } = spawnSync(NATS_BIN, ['--version']);
  if (!error && status === 0) return undefined;
  const text = `nats-server is not here (NATS_SERVER_BIN or PATH)`;
  if (process.env['CI']) throw new Error(text);
  return text;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export class NatsServer {
  readonly address: string;
  readonly port: number;
  readonly folder: string;
  readonly #args: readonly string[];
  readonly #namespace: string | undefined;
  #process: ChildProcess | undefined;

  private constructor(
    address: string,
    port: number,
    folder: string,
    { args = [], namespace }: { args?: readonly string[]; namespace?: string },
  ) {
    this.address = address;
    this.port = port;
    this.folder = folder;
    this.#args = args;
    this.#namespace = namespace;
  }

  /** One server, or one of several where `args` name its cluster; in a network namespace, where it is to be in one. */
  static async start(
    options: { address?: string; port?: number; args?: readonly string[]; namespace?: string } = {},
  ): Promise<NatsServer> {
    const port = options.port ?? (await freePort());
    const folder = mkdtempSync(join(tmpdir(), 'sluice-nats-'));
    const server = new NatsServer(options.address ?? '127.0.0.1', port, folder, options);
    await server.run();
    return server;
  }

  get url(): string {
    return `nats://${this.address}:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async run(): Promise<void> {
    const inside = this.#namespace === undefined ? [] : ['ip', 'netns', 'exec', this.#namespace];
    const args = ['-js', '-sd', this.folder, '-a', this.address, '-p', String(this.port), ...this.#args];
    const [command = NATS_BIN, ...rest] = [...inside, NATS_BIN, ...args];
    this.#process = spawn(command, rest, { stdio: 'ignore' });
    for (let n = 0; n < 200; n += 1) {
      const socket = connect(this.port, this.address);
      const open = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (open) return;
      await sleep(50);
    }
    throw new Error(`nats-server does not listen on ${this.port}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Ends it and waits for that; its folder stays until `remove`. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
