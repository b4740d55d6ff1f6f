/**
 * What operations cost a gateway: without them, attached while nobody looks (without the flight recorder and with it, as it is
 * by default), watched by three pages and a Prometheus, and after those have left. Two loads: frames of 20 KiB relayed to 50
 * viewers, and clients that come and go, a dozen events each. The figure is CPU time per delivery and per client.
 *
 * The ways take short turns, in another order each round, and each turn is compared with the one without operations of the
 * same round; the median of these ratios is told with its 95 % confidence interval (by ranks, so it trusts no bell curve). A
 * second gateway without operations takes part: how far its ratio is from 1 is what the machine makes of nothing. Every few
 * rounds all gateways are new processes, because one may be luckier than another with its compiler and its memory.
 *
 *     npm run -s bench -- ops            two and a half minutes
 *     npm run -s bench -- ops --full     ten, on a machine that does nothing else
 */
import { cpus } from 'node:os';
import { median, Peer } from '../peer.js';
import type { SinkAsks } from '../relay/sink.js';
import type { OpsKind } from './server.js';
import { DELIVERIES_PER_SECOND, type Load, Side } from './side.js';
import { told } from './told.js';

const full = process.argv.includes('--full');
const GENERATIONS = full ? 6 : 3;
const ROUNDS = full ? 12 : 5;
/** Of each generation; they are the compiler's. */
const WARM_UP = 2;

/** `again` is `absent` once more; `left` was watched and is no longer. */
const WAYS = ['absent', 'again', 'no recorder', 'idle', 'watched', 'left'] as const;
type Way = (typeof WAYS)[number];
const KINDS: Readonly<Record<Exclude<Way, 'left'>, OpsKind>> = {
  absent: 'absent',
  again: 'absent',
  'no recorder': 'no recorder',
  idle: 'idle',
  watched: 'idle',
};
const LOADS: readonly Load[] = ['relay', 'churn', 'rest'];

interface Onlookers {
  readonly look: undefined;
  readonly leave: number;
}

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`,
);

/** Ratios to `absent` in the same round, and the costs themselves. */
const ratios = new Map<string, number[]>();
const costs = new Map<string, number[]>();
const eventsPerSecond = new Map<Way, number[]>();

for (let generation = 1; generation <= GENERATIONS; generation += 1) {
  const pages = new Peer<Onlookers>(new URL('./onlookers.js', import.meta.url));
  const sink = new Peer<SinkAsks>(new URL('../relay/sink.js', import.meta.url));
  const sides = new Map<Way, Side>();
  for (const [way, kind] of shuffled(Object.entries(KINDS))) sides.set(way as Way, await Side.begin(kind, sink));
  sides.set('left', sides.get('watched') as Side);
  const measure = async (way: Way, load: Load): Promise<number> => {
    const side = sides.get(way) as Side;
    if (way !== 'watched') return side.cost(load);
    await pages.ask('look', { port: side.httpPort });
    const cost = await side.cost(load);
    await pages.ask('leave');
    return cost;
  };
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    for (const load of LOADS) {
      const seen = new Map<Way, number>();
      for (const way of shuffled(WAYS)) {
        seen.set(way, await measure(way, load));
        if (round >= WARM_UP && load === 'churn') keep(eventsPerSecond, way, sides.get(way)?.eventsPerSecond ?? 0);
      }
      if (round < WARM_UP) continue;
      for (const [way, cost] of seen) {
        keep(costs, `${load} ${way}`, cost);
        keep(ratios, `${load} ${way}`, cost / (seen.get('absent') as number));
      }
    }
  }
  console.error(`generation ${generation} of ${GENERATIONS}: done`);
  await Promise.all([pages.end(), sink.end(), ...[...sides.values()].map((side) => side.end())]);
}

const table = (load: Load): object[] =>
  WAYS.map((way) => ({
    operations: way,
    'CPU µs': median(costs.get(`${load} ${way}`) as number[]).toFixed(1),
    ...told(ratios.get(`${load} ${way}`) as number[]),
    ...(load === 'churn' ? { 'events/s': Math.round(median(eventsPerSecond.get(way) as number[])) } : {}),
  }));
for (const [load, title] of [
  ['relay', 'a delivery'],
  ['churn', 'a client that comes and goes'],
] as const) {
  console.log(title);
  console.table(table(load));
}
const atRest = (way: Way): number => median(costs.get(`rest ${way}`) as number[]);
console.log(
  'at rest, CPU ms a second:',
  WAYS.map((way) => `${way} ${atRest(way).toFixed(2)}`).join(', '),
  `(a relay takes ${((median(costs.get('relay absent') as number[]) * DELIVERIES_PER_SECOND) / 1_000).toFixed(0)})`,
);

function keep<K>(of: Map<K, number[]>, key: K, value: number): void {
  const values = of.get(key);
  if (values) values.push(value);
  else of.set(key, [value]);
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
