/** A gateway whose camera films with a real ffmpeg, which was killed, and that then was killed itself and started again. */
import { readdirSync, readFileSync } from 'node:fs';
import { pino } from 'pino';
import { expect } from 'vitest';
import { runFlight } from '../../src/cli/flight.js';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import type { CameraView, GatewayEvent } from '../../src/gateway/views.js';
import { outputs } from '../cli/captured.js';
import { eventually } from '../e2e/eventually.js';

const TOKEN = 'a-token-for-tests';
const CAMERA = 'sluice/cameras/camera:front';
const CARD = 'ffmpeg:testsrc2=size=160x120:rate=25#format=lavfi&realtime=1';

export class CrashedCamera {
  readonly #gateway: SluiceGateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0, token: TOKEN },
    cameras: [{ id: 'front', source: CARD, onDemand: false, retry: { delayMs: 20 } }],
    logger: pino({ level: 'silent' }),
  });

  static async start(): Promise<CrashedCamera> {
    const camera = new CrashedCamera();
    await camera.#gateway.start();
    await camera.#crash();
    return camera;
  }

  get address(): string {
    return `http://${this.#gateway.addresses.http?.replace(/^http:\/\//, '')}`;
  }

  /** As `sluice flight` writes it. */
  async recording(): Promise<string> {
    const { stdout, stderr } = outputs();
    expect(await runFlight({ url: this.address, id: CAMERA, stdout, stderr })).toBe(0);
    return stdout.text;
  }

  async stop(): Promise<void> {
    await this.#gateway.stop({ deadlineMs: 0 });
    expect(this.#gateway.census()).toEqual({});
  }

  async #crash(): Promise<void> {
    await this.#isLive();
    for (const pid of filming()) process.kill(pid, 'SIGKILL');
    await this.#told('camera.retrying');
    await this.#isLive();
    const headers = { Authorization: `Bearer ${TOKEN}` };
    await fetch(`${this.address}/api/actors/${encodeURIComponent(CAMERA)}/kill`, { method: 'POST', headers });
    await this.#told('process.restarted');
  }

  async #isLive(): Promise<void> {
    const state = async () => (await this.#ask<{ cameras: readonly CameraView[] }>('/api/cameras')).cameras[0]?.state;
    await eventually('the camera is live', state, (now) => now === 'live');
  }

  async #told(type: string): Promise<void> {
    const events = () => this.#ask<{ events: readonly GatewayEvent[] }>('/api/events');
    await eventually(`${type} is told`, events, ({ events: all }) => all.some((event) => event.type === type));
  }

  async #ask<T>(path: string): Promise<T> {
    return (await (await fetch(this.address + path)).json()) as T;
  }
}

/** The ffmpegs that this process has started. */
function filming(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, name = '', parent] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return Number(parent) === process.pid && name === 'ffmpeg';
      } catch {
        return false; // gone meanwhile
      }
    })
    .map(Number);
}
