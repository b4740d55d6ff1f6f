/**
 * What operations cost a gateway: without them, attached while nobody looks, and watched by three pages and a Prometheus. Two
 * loads: frames of 20 KiB relayed to 50 viewers, and clients that come and go, a dozen events each. The figure is CPU time per
 * delivery and per client; the ratio is that of the two turns next to each other, and of those the median.
 *
 * Nothing of it is done per frame, so what it costs an idle gateway a second is all that it may add to a relay; that is measured
 * beside the turns, where a noisy machine blurs their difference.
 *
 *     npm run -s bench -- ops [--full]
 */
import { cpus } from 'node:os';
import { median, Peer, wait } from '../peer.js';
import type { SinkAsks } from '../relay/sink.js';
import type { OpsAsks } from './server.js';

const VIEWERS = 50;
const RELAY = { bytes: 20 * 1024, fps: 60 };
const full = process.argv.includes('--full');
const rounds = full ? 9 : 4;
const measureMs = full ? 4_000 : 2_000;
const clients = full ? 2_000 : 600;

function serverOf(kind: 'absent' | 'attached'): Peer<OpsAsks> {
  return new Peer(new URL('./server.js', import.meta.url), [kind]);
}

class Side {
  readonly server: Peer<OpsAsks>;
  readonly #sink = new Peer<SinkAsks>(new URL('../relay/sink.js', import.meta.url));

  constructor(kind: 'absent' | 'attached') {
    this.server = serverOf(kind);
  }

  /** @returns the port of its HTTP server. */
  async begin(): Promise<number> {
    const { grpc, http } = await this.server.ask('listen');
    await this.#sink.ask('open', { port: grpc, viewers: VIEWERS });
    while ((await this.server.ask('viewers')) < VIEWERS) await wait(20);
    return http;
  }

  /** CPU microseconds per delivery. */
  async relay(): Promise<number> {
    const { cpuUs, deliveries } = await this.server.ask('relay', { ...RELAY, measureMs });
    return cpuUs / deliveries;
  }

  async end(): Promise<void> {
    await Promise.all([this.server.end(), this.#sink.end()]);
  }
}

interface Onlookers {
  readonly look: undefined;
  readonly leave: number;
}

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);
const absent = new Side('absent');
const attached = new Side('attached');
const churning = { absent: serverOf('absent'), attached: serverOf('attached') };
const pages = new Peer<Onlookers>(new URL('./onlookers.js', import.meta.url));
const [, port] = await Promise.all([absent.begin(), attached.begin()]);
const { http: churnPort } = await churning.attached.ask('listen');

const relay: Record<string, number[]> = { absent: [], idle: [], watched: [] };
const churn: Record<string, number[]> = { absent: [], idle: [], watched: [] };
const rest: Record<string, number[]> = { absent: [], idle: [] };
let eventsPerSecond = 0;

async function live(kind: 'absent' | 'attached'): Promise<number> {
  const { cpuUs, lives, events, wallMs } = await churning[kind].ask('churn', { count: clients });
  if (kind === 'attached') eventsPerSecond = Math.round((events * 1_000) / wallMs);
  return cpuUs / lives;
}

// The first round is for the compiler. Who begins alternates: the second of two turns is often the luckier one.
for (let round = 0; round <= rounds; round += 1) {
  const keep = (of: Record<string, number[]>, how: string, value: number): void => {
    if (round > 0) of[how]?.push(value);
  };
  const turns = [
    async () => {
      keep(relay, 'absent', await absent.relay());
      keep(churn, 'absent', await live('absent'));
      keep(rest, 'absent', await absent.server.ask('rest', { measureMs }));
    },
    async () => {
      keep(relay, 'idle', await attached.relay());
      keep(churn, 'idle', await live('attached'));
      keep(rest, 'idle', await attached.server.ask('rest', { measureMs }));
    },
  ];
  for (const turn of round % 2 === 0 ? turns : [...turns].reverse()) await turn();
  await pages.ask('look', { port });
  keep(relay, 'watched', await attached.relay());
  await pages.ask('leave');
  await pages.ask('look', { port: churnPort });
  keep(churn, 'watched', await live('attached'));
  await pages.ask('leave');
  console.error(`round ${round} of ${rounds}: done`);
}
await Promise.all([absent.end(), attached.end(), churning.absent.end(), churning.attached.end(), pages.end()]);

const row = (load: string, costs: Record<string, number[]>) => {
  const of = (how: string): readonly number[] => costs[how] as number[];
  const ratio = (how: string): string =>
    median(of(how).map((cost, at) => cost / (of('absent')[at] as number))).toFixed(3);
  return {
    load,
    'µs absent': median(of('absent')).toFixed(1),
    'µs idle': median(of('idle')).toFixed(1),
    'µs watched': median(of('watched')).toFixed(1),
    '× idle': ratio('idle'),
    '× watched': ratio('watched'),
  };
};
console.table([row('a delivery', relay), row('a client that comes and goes', churn)]);
const [without, withOps] = [median(rest['absent'] as number[]), median(rest['idle'] as number[])];
const relayMs = (median(relay['absent'] as number[]) * VIEWERS * RELAY.fps) / 1_000;
console.log(
  `at rest: ${without.toFixed(2)} ms CPU a second without operations, ${withOps.toFixed(2)} with them;`,
  `the difference is ${((100 * (withOps - without)) / relayMs).toFixed(1)} % of the ${relayMs.toFixed(0)} ms that the relay takes`,
);
console.log(`${eventsPerSecond} events a second while clients come and go, operations attached`);
