/**
 * What the flight recorder costs: events per second of one chart under a supervisor, and lives per second of short workers,
 * with it and without. The ways take short turns, so that a busy machine is unfair to none, and the median of the ratios of
 * turn to turn is told. Prints one JSON object.
 */
import { type AnyActorRef, setup } from 'xstate';
import { FlightRecorder } from '../../src/ops/flight/recorder.js';
import {
  type Application,
  dynamicSupervisor,
  fromProcess,
  startApplication,
  startChild,
  stop,
  whichChildren,
} from '../../src/otp/index.js';

const scale = Number(process.argv[3] ?? 1);
const EVENTS = Math.max(1_000, Math.round(20_000 * scale));
const LIVES = Math.max(100, Math.round(2_000 * scale));
const ROUNDS = 60;

const door = setup({}).createMachine({
  id: 'door',
  initial: 'alive',
  states: {
    alive: {
      initial: 'open',
      states: { open: { on: { close: 'closed' } }, closed: { on: { open: 'open' } } },
    },
  },
});
const brief = fromProcess(() => undefined);

interface Way {
  readonly app: Application;
  readonly door: AnyActorRef;
  readonly pool: AnyActorRef;
  readonly recorder: FlightRecorder | undefined;
}

async function way(recorded: boolean): Promise<Way> {
  const children = [
    { id: 'door', start: { logic: door } },
    { id: 'pool', type: 'supervisor' as const, start: { logic: dynamicSupervisor() } },
  ];
  const app = await startApplication('top', { children });
  // Somebody listens to the kernel in either case, as in every gateway.
  app.system.on(() => {});
  const found = await whichChildren(app.root);
  const named = (name: string): AnyActorRef => found.find(({ id }) => id === name)?.child as AnyActorRef;
  const recorder = recorded ? new FlightRecorder(app.system) : undefined;
  return { app, door: named('door'), pool: named('pool'), recorder };
}

function events({ door: ref }: Way): number {
  const beganMs = performance.now();
  for (let sent = 0; sent < EVENTS; sent += 2) {
    ref.send({ type: 'close' });
    ref.send({ type: 'open' });
  }
  return (EVENTS * 1_000) / (performance.now() - beganMs);
}

async function lives({ pool }: Way): Promise<number> {
  const beganMs = performance.now();
  for (let life = 0; life < LIVES; life += 1) {
    const answer = await startChild(pool, { id: `life:${life}`, restart: 'temporary', start: { logic: brief } });
    if (answer.error || !answer.ok) throw new Error('a worker did not start');
    await stop(answer.ok);
  }
  return (LIVES * 1_000) / (performance.now() - beganMs);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const without = await way(false);
const recorded = await way(true);
const seen = {
  events: { without: [] as number[], recorded: [] as number[] },
  lives: { without: [] as number[], recorded: [] as number[] },
};
for (let round = 0; round <= ROUNDS; round += 1) {
  const order = round % 2 === 0 ? ([without, recorded] as const) : ([recorded, without] as const);
  for (const each of order) {
    const name = each.recorder ? 'recorded' : 'without';
    const rates = [events(each), await lives(each)] as const;
    // The first rounds are the compiler's.
    if (round < 5) continue;
    seen.events[name].push(rates[0]);
    seen.lives[name].push(rates[1]);
  }
}
const told = (of: { readonly without: readonly number[]; readonly recorded: readonly number[] }) => ({
  without: Math.round(median(of.without)),
  recorded: Math.round(median(of.recorded)),
  ratio: Number(median(of.recorded.map((rate, round) => rate / (of.without[round] as number))).toFixed(3)),
});
const bytes = recorded.recorder?.counts.bytes;
recorded.recorder?.close();
await without.app.stop();
await recorded.app.stop();
console.log(JSON.stringify({ eventsPerSecond: told(seen.events), livesPerSecond: told(seen.lives), bytes }));
