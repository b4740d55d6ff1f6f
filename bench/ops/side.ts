/** One way to run a gateway, in a process of its own, under the three loads. */
import { Peer, wait } from '../peer.js';
import type { SinkAsks } from '../relay/sink.js';
import type { OpsAsks, OpsKind } from './server.js';

export type Load = 'relay' | 'churn' | 'rest';

const VIEWERS = 50;
const RELAY = { bytes: 20 * 1024, fps: 60, measureMs: 400 };
const REST_MS = 400;
const CLIENTS = 150;

export const DELIVERIES_PER_SECOND = VIEWERS * RELAY.fps;

export class Side {
  /** While clients came and went last. */
  eventsPerSecond = 0;
  httpPort = 0;
  readonly #server: Peer<OpsAsks>;

  private constructor(kind: OpsKind) {
    this.#server = new Peer(new URL('./server.js', import.meta.url), [kind]);
  }

  static async begin(kind: OpsKind, sink: Peer<SinkAsks>): Promise<Side> {
    const side = new Side(kind);
    const { grpc, http } = await side.#server.ask('listen');
    side.httpPort = http;
    await sink.ask('open', { port: grpc, viewers: VIEWERS });
    while ((await side.#server.ask('viewers')) < VIEWERS) await wait(20);
    return side;
  }

  /** CPU microseconds per delivery or per client; at rest CPU milliseconds a second. */
  async cost(load: Load): Promise<number> {
    if (load === 'rest') return this.#server.ask('rest', { measureMs: REST_MS });
    if (load === 'relay') {
      const { cpuUs, deliveries } = await this.#server.ask('relay', RELAY);
      return cpuUs / deliveries;
    }
    const { cpuUs, lives, events, wallMs } = await this.#server.ask('churn', { count: CLIENTS });
    this.eventsPerSecond = (events * 1_000) / wallMs;
    return cpuUs / lives;
  }

  end(): Promise<void> {
    return this.#server.end();
  }
}
