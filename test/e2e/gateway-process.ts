/** `sluice`, as people run it: the built command in a process of its own, seen through its ports and its output only. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import type { CameraView, ClientView, GatewayEvent, Resources, StreamView, TreeView } from '../../src/gateway/views.js';
import { root } from '../house/source-files.js';
import { eventually } from './eventually.js';
import { type Ended, TestProcess } from './processes.js';

export const COMMAND = join(root, 'dist/src/cli/main.js');
export const ANY_PORT = ['--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0'];

/** Runs a command of `sluice`. */
export function sluice(...args: readonly string[]): TestProcess {
  const fault = inject('buildFault');
  if (fault) throw new Error(fault);
  return new TestProcess(process.execPath, [COMMAND, ...args]);
}

/** Runs `sluice serve` on ports that are free, and resolves when it has said which. */
export async function serve(...args: readonly string[]): Promise<GatewayProcess> {
  const gateway = new GatewayProcess(sluice('serve', ...ANY_PORT, ...args));
  await gateway.started();
  return gateway;
}

export class GatewayProcess {
  readonly process: TestProcess;
  /** `127.0.0.1:port`. */
  grpc = '';
  /** `http://127.0.0.1:port`. */
  http = '';
  /** The address to open in a browser, with the token where there is one. */
  page = '';

  constructor(process: TestProcess) {
    this.process = process;
  }

  async started(): Promise<void> {
    this.grpc = (await this.process.printed(/^gRPC +(\S+)$/m))[1] as string;
    this.page = (await this.process.printed(/^page +(\S+)$/m))[1] as string;
    this.http = new URL(this.page).origin;
  }

  async json<T>(path: string): Promise<T> {
    const response = await fetch(`${this.http}${path}`);
    expect(response.status, path).toBe(200);
    return (await response.json()) as T;
  }

  async camera(id: string): Promise<CameraView> {
    const { cameras } = await this.json<{ cameras: CameraView[] }>('/api/cameras');
    const camera = cameras.find((one) => one.id === id);
    if (!camera) throw new Error(`no camera "${id}" in ${JSON.stringify(cameras)}`);
    return camera;
  }

  async events(since = 0): Promise<GatewayEvent[]> {
    return (await this.json<{ events: GatewayEvent[] }>(`/api/events?since=${since}`)).events;
  }

  async clients(): Promise<ClientView[]> {
    return (await this.json<{ clients: ClientView[] }>('/api/clients')).clients;
  }

  async streams(): Promise<StreamView[]> {
    return (await this.json<{ streams: StreamView[] }>('/api/streams')).streams;
  }

  resources(): Promise<Resources> {
    return this.json<Resources>('/system-resources');
  }

  tree(): Promise<TreeView> {
    return this.json<TreeView>('/api/tree');
  }

  /** Asks it to end, and holds that it leaves nothing on the machine: no child, no port. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.process.signal(signal);
    const ended = await this.process.end();
    await this.leftNothing();
    return ended;
  }

  async leftNothing(): Promise<void> {
    expect(this.process.groupAlive, 'a process of the gateway is left').toBe(false);
    for (const address of [this.grpc, new URL(this.http).host]) {
      expect(await listens(address), `somebody listens on ${address}`).toBe(false);
    }
  }

  /** Waits until nobody watches, and holds that nothing of any client is kept. */
  async hasNobody(): Promise<void> {
    await eventually(
      'nobody is connected',
      () => this.resources(),
      ({ clients, client_streams, streams, sessions, viewers }) =>
        clients + client_streams + streams + sessions + viewers === 0,
    );
  }
}

export function listens(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
