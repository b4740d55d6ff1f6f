/**
 * A gateway as full as the page must bear: real sessions and clients on wires of the test, on real time, behind a real HTTP
 * port. `churn` lets clients leave and others come at a pace that makes a thousand events a second.
 */
import { expect } from 'vitest';
import { type GatewayTree, gatewayTree } from '../../src/application.js';
import { sourceFactory } from '../../src/cameras/index.js';
import { type ConfigurationInput, configure } from '../../src/configuration.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import type { ArchiveFactory } from '../../src/gateway/recording.js';
import type { ControlHandle, ControlWire } from '../../src/gateway/transport.js';
import { encodeFrame } from '../../src/grpc/frame-codec.js';
import { FlightRecorder } from '../../src/ops/flight/recorder.js';
import { type HttpServer, startHttpServer } from '../../src/ops/http.js';
import { type Application, startApplication } from '../../src/otp/application.js';
import type { ChildSpec } from '../../src/otp/child-spec.js';
import { leftovers } from '../../src/otp/leaks.js';
import { System } from '../../src/otp/system.js';
import { HELLO } from '../gateway/whole-gateway.js';

export const TOKEN = 'a-token-for-tests';
const TICK_MS = 50;

/** A peer that takes everything and says nothing. */
class SilentWire implements ControlWire {
  send(_word: unknown, done?: () => void): void {
    done?.();
  }

  end(): void {}
}

export class Town {
  readonly system = new System();
  readonly gateway: GatewayTree;
  readonly #controls: ControlHandle[] = [];
  #application: Application | undefined;
  #http: HttpServer | undefined;
  #lastClient = 0;
  #churning: NodeJS.Timeout | undefined;
  #pending: Promise<void> = Promise.resolve();

  readonly #flights = new FlightRecorder(this.system);

  private constructor(input: ConfigurationInput, archives?: ArchiveFactory) {
    this.gateway = gatewayTree({
      options: configure({ session: { inactivityMs: 600_000 }, ...input }) as GatewayOptions,
      system: this.system,
      sources: sourceFactory,
      archives,
      encode: encodeFrame,
      random: Math.random,
    });
  }

  /** @param parts of a host: where it records, and children of its own beside the gateway's listeners. */
  static async start(
    input: ConfigurationInput = {},
    parts: { readonly archives?: ArchiveFactory; readonly children?: (town: Town) => readonly ChildSpec[] } = {},
  ): Promise<Town> {
    const town = new Town(input, parts.archives);
    const children = parts.children?.(town) ?? [];
    town.#application = await startApplication('sluice', town.gateway.root(children), town.system);
    town.#http = await startHttpServer({
      gateway: town.gateway.live,
      host: '127.0.0.1',
      port: 0,
      token: TOKEN,
      flights: town.#flights,
    });
    return town;
  }

  get address(): string {
    return this.#http?.address ?? '';
  }

  get actors(): number {
    return this.system.processes.size;
  }

  get newestEvent(): number {
    return this.gateway.live.events().at(-1)?.id ?? 0;
  }

  /** A client that stays until it is told to go. */
  connect(nodeId: string): Promise<ControlHandle> {
    return this.gateway.live.connect({ ...HELLO, nodeId }, new SilentWire());
  }

  /** Clients come until there are so many actors. */
  async grow(actors: number): Promise<void> {
    while (this.actors < actors) await this.#comes();
  }

  /** Until it is told to stop: so many events a second, of clients that leave and clients that come. */
  churn(eventsPerSecond: number): () => Promise<void> {
    const begun = { atMs: performance.now(), event: this.newestEvent };
    this.#churning = setInterval(() => {
      const due = ((performance.now() - begun.atMs) * eventsPerSecond) / 1000;
      // What one round makes is known in the next; a few more at a time keep the pace.
      const missing = due - (this.newestEvent - begun.event);
      for (let left = Math.min(20, Math.ceil(missing / EVENTS_OF_A_CHANGE)); left > 0; left -= 1) {
        this.#controls.shift()?.bye('done');
        this.#pending = this.#pending.then(() => this.#comes());
      }
    }, TICK_MS);
    return async () => {
      clearInterval(this.#churning);
      await this.#pending;
    };
  }

  async stop(): Promise<void> {
    clearInterval(this.#churning);
    await this.#pending;
    await this.#http?.stop();
    await this.#application?.stop();
    this.gateway.chronicle.close();
    this.#flights.close();
    expect(leftovers(this.system)).toEqual({});
  }

  async #comes(): Promise<void> {
    this.#lastClient += 1;
    this.#controls.push(await this.connect(`client-${this.#lastClient}`));
  }
}

/** About so many events are told of when one client leaves and another one comes. */
const EVENTS_OF_A_CHANGE = 10;
