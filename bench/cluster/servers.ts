/** Real NATS servers on loopback for a benchmark: one, or three whose every write is on disk before it is acknowledged. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BINARY = process.env['NATS_SERVER_BIN'] ?? 'nats-server';

export interface Servers {
  readonly urls: readonly string[];
  readonly pids: readonly number[];
  /** Ends one as a crash does; `again` starts it anew over what it had on disk. */
  kill(at: number): void;
  again(at: number): void;
  stop(): Promise<void>;
}

/** Why there can be none; undefined where there can. */
export function serverMissing(): string | undefined {
  const { error, status } = spawnSync(BINARY, ['--version']);
  return !error && status === 0 ? undefined : 'no nats-server (NATS_SERVER_BIN or PATH): the engine in memory only';
}

export async function startServers(count: 1 | 3): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-nats-'));
  const ports = await Promise.all(Array.from({ length: count * 2 }, freePort));
  const clients = ports.slice(0, count);
  const routes = ports.slice(count);
  const files = clients.map((port, at) => {
    const sync = count === 3 ? 'sync_interval: always' : '';
    const cluster =
      count === 3
        ? `cluster { name: bench, listen: "127.0.0.1:${routes[at]}", routes: [${routes.map((route) => `"nats://127.0.0.1:${route}"`).join(', ')}] }`
        : '';
    const file = join(folder, `n${at}.conf`);
    writeFileSync(
      file,
      `server_name: n${at}\nlisten: "127.0.0.1:${port}"\njetstream { store_dir: "${join(folder, `n${at}`)}"\n ${sync} }\n${cluster}\n`,
    );
    return file;
  });
  const run = (file: string): ChildProcess => spawn(BINARY, ['-c', file], { stdio: 'ignore' });
  const children = files.map(run);
  return {
    urls: clients.map((port) => `nats://127.0.0.1:${port}`),
    get pids() {
      return children.map(({ pid }) => pid ?? 0);
    },
    kill: (at) => void children[at]?.kill('SIGKILL'),
    again: (at) => {
      children[at] = run(files[at] as string);
    },
    stop: async () => {
      const ended = children.map((child) => once(child, 'exit'));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(ended);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
