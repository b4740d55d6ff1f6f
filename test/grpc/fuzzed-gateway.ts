/**
 * A whole gateway for strangers: what every test of the fuzz begins and ends with. Afterwards somebody who means well is served
 * still, nothing is left, and nothing was thrown that nobody caught. Everything random comes from one seed, which is
 * printed; `SLUICE_FUZZ_SEED=n` runs that one.
 */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import { Dice } from '../simulation/dice.js';
import { clientOf, frameInbox } from './harness.js';

export const MAX_BYTES = 64 * 1024;
export const WATCH = '/sluice.v1.Gateway/Watch';

export class FuzzedGateway {
  readonly dice: Dice;
  readonly #seed = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000);
  readonly #crashes: unknown[] = [];
  #gateway: SluiceGateway | undefined;
  #socketsBefore = 0;

  constructor() {
    this.dice = new Dice(this.#seed);
    beforeEach(() => this.#begin());
    afterEach(() => this.#end());
  }

  get gateway(): SluiceGateway {
    return this.#gateway as SluiceGateway;
  }

  get address(): string {
    return this.gateway.addresses.grpc as string;
  }

  randomBytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.dice.int(0, most) }, () => this.dice.int(0, 255)));
  }

  /** Nothing of a stranger's is left in the gateway. */
  async emptied(): Promise<void> {
    const figures = () => {
      const { streams, viewers, clients, client_streams, sessions } = this.gateway.resources();
      return { streams, viewers, clients, client_streams, sessions };
    };
    const none = { streams: 0, viewers: 0, clients: 0, client_streams: 0, sessions: 0 };
    await vi.waitFor(() => expect(figures()).toEqual(none), 10_000);
  }

  readonly #crashed = (thrown: unknown): void => void this.#crashes.push(thrown);

  async #begin(): Promise<void> {
    console.info(`fuzz seed ${this.#seed}`);
    process.on('uncaughtExceptionMonitor', this.#crashed);
    this.#socketsBefore = openSockets();
    this.#gateway = createGateway({
      grpc: { port: 0, maxMessageBytes: MAX_BYTES, keepalive: { timeMs: 1_500, timeoutMs: 2_500 } },
      http: { port: 0 },
      cameras: [{ id: 'demo', source: 'clip:' }],
      session: { graceMs: 100, inactivityMs: 2_000 },
      logger: pino({ level: 'silent' }),
    });
    await this.#gateway.start();
  }

  async #end(): Promise<void> {
    const inbox = frameInbox();
    clientOf(this.address).watch({ cameraId: 'demo' }, inbox.listener);
    expect((await inbox.next()).cameraId).toBe('demo');
    await this.gateway.stop({ deadlineMs: 500 });
    expect(this.gateway.census()).toEqual({});
    await vi.waitFor(() => expect(openSockets()).toBeLessThanOrEqual(this.#socketsBefore + 1), 10_000);
    process.off('uncaughtExceptionMonitor', this.#crashed);
    expect(this.#crashes.splice(0)).toEqual([]);
  }
}

/** TCP sockets of this process, both ends of each. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}
