/**
 * What supervising costs here. Prints one JSON object with the same keys as `erlang.escript`, which does the same work in the
 * same order: rounds that are not counted for a second, then the median of five. What crashes throws an error made for it, stack and
 * all; V8 needs longer to make that than the kernel to start the next, so there is a row for ends by a reason, too.
 */
import { type AnyActorLogic, type AnyActorRef, createActor, fromCallback, setup, spawnChild, stopChild } from 'xstate';
import {
  type Application,
  assertNoLeaks,
  call,
  cast,
  exit,
  fromProcess,
  monitor,
  type SupervisorOptions,
  startApplication,
  startChildWith,
} from '../../src/otp/index.js';

const scale = Number(process.argv[2] ?? 1);
const scaled = (count: number): number => Math.max(1, Math.round(count * scale));

const idle = fromProcess(() => ({ call: (_request, reply) => reply('pong') }));
const chart = setup({}).createMachine({ id: 'idle', initial: 'on', states: { on: {} } }) as AnyActorLogic;

async function withTree<T>(options: SupervisorOptions, use: (app: Application) => Promise<T>): Promise<T> {
  const app = await startApplication('top', options);
  const result = await use(app);
  await app.stop();
  assertNoLeaks(app.system);
  return result;
}

const dynamic = (logic: AnyActorLogic): SupervisorOptions => ({
  strategy: 'simple_one_for_one',
  period: 1,
  children: [{ id: 'w', start: { logic }, restart: 'temporary', shutdown: 'brutal_kill' }],
});

async function spawn(app: Application): Promise<AnyActorRef> {
  const { ok } = (await startChildWith(app.root, [])) as { ok: AnyActorRef };
  return ok;
}

async function fill(app: Application, count: number): Promise<void> {
  for (let started = 0; started < count; started += 1) await spawn(app);
}

const nowMs = (): number => performance.now();

const ROUNDS = 5;

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] as number;

/** So many a second, by the median of the rounds. */
async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const begunMs = nowMs();
  do await work();
  while (nowMs() - begunMs < 1_000);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const since = nowMs();
    await work();
    rates.push((count * 1_000) / (nowMs() - since));
  }
  return Math.round(median(rates.sort((a, b) => a - b)));
}

/** Start, monitor, kill, DOWN, beside so many siblings that do nothing. */
function cycles(logic: AnyActorLogic, live: number, count: number): Promise<number> {
  return withTree(dynamic(logic), async (app) => {
    await fill(app, live);
    return perSecond(count, async () => {
      for (let cycle = 0; cycle < count; cycle += 1) {
        const ref = await spawn(app);
        await new Promise<void>((resolve) => {
          monitor(ref, () => resolve());
          exit(ref, 'kill');
        });
      }
    });
  });
}

/** As near to it as XState comes by itself: a chart starts and stops a child, whose end is told to whoever subscribed. */
async function plainCycles(live: number, count: number): Promise<number> {
  const nothing = fromCallback(() => {});
  const parent = createActor(
    setup({ actors: { nothing }, types: { events: {} as { type: 'start' | 'stop'; id: string } } }).createMachine({
      on: {
        start: { actions: spawnChild('nothing', { id: ({ event }) => event.id }) },
        stop: { actions: stopChild(({ event }) => event.id) },
      },
    }),
  ).start();
  for (let started = 0; started < live; started += 1) parent.send({ type: 'start', id: `c${started}` });
  const rate = await perSecond(count, async () => {
    for (let cycle = 0; cycle < count; cycle += 1) {
      parent.send({ type: 'start', id: 'w' });
      const child = parent.getSnapshot().children['w'] as AnyActorRef;
      await new Promise<void>((resolve) => {
        child.subscribe({ complete: resolve });
        parent.send({ type: 'stop', id: 'w' });
      });
    }
  });
  parent.stop();
  return rate;
}

async function collected(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

function bytesPerChild(logic: AnyActorLogic, count: number): Promise<number> {
  return withTree(dynamic(logic), async (app) => {
    await fill(app, 100);
    const before = await collected();
    await fill(app, count);
    return Math.round(((await collected()) - before) / count);
  });
}

/** With the usual timeout on both sides. */
function calls(count: number): Promise<number> {
  return withTree(dynamic(idle), async (app) => {
    const ref = await spawn(app);
    return perSecond(count, async () => {
      for (let made = 0; made < count; made += 1) await call(ref, 'ping');
    });
  });
}

function casts(count: number): Promise<number> {
  return withTree(dynamic(idle), async (app) => {
    const ref = await spawn(app);
    return perSecond(count, async () => {
      for (let sent = 0; sent < count; sent += 1) cast(ref, { type: 'x' });
      await call(ref, 'ping', { timeout: Number.POSITIVE_INFINITY });
    });
  });
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** From the message that ends the first of so many permanent children until the last of those to be restarted runs again. */
async function restarts(
  end: 'crash' | 'exit',
  strategy: 'one_for_one' | 'one_for_all',
  children: number,
  rounds: number,
): Promise<number[]> {
  let up: () => void = () => {};
  const refs: AnyActorRef[] = [];
  const reason = { shutdown: 'boom' };
  const telling = fromProcess<number>((context) => {
    refs[context.input] = context.self;
    if (context.input === children - 1) up();
    return {
      receive: ({ type }) => {
        if (type === 'crash') throw new Error('boom');
        context.exit(reason);
      },
    };
  });
  const specs = Array.from({ length: children }, (_, id) => ({ id: `c${id}`, start: { logic: telling, input: id } }));
  return withTree({ strategy, intensity: 1_000_000, period: 1, children: specs }, async () => {
    const tookMs: number[] = [];
    for (let done = 0; done < rounds; done += 1) {
      const since = nowMs();
      await new Promise<void>((resolve) => {
        up = resolve;
        cast(refs[0] as AnyActorRef, { type: end });
      });
      tookMs.push(nowMs() - since);
    }
    return tookMs;
  });
}

/**
 * Of one child, in milliseconds, sorted. A new supervisor after each 300 rounds, for Erlang's looks through all restarts of
 * the last second at each restart. The first ten supervisors are not counted.
 */
async function restartsOfOne(end: 'crash' | 'exit'): Promise<number[]> {
  const tookMs: number[] = [];
  for (let series = 0; series < 10 + scaled(100); series += 1) {
    const some = await restarts(end, 'one_for_one', 1, 300);
    if (series >= 10) tookMs.push(...some);
  }
  return tookMs.sort((a, b) => a - b);
}

const microseconds = (sorted: readonly number[], share: number): number =>
  round((sorted[Math.floor(sorted.length * share)] as number) * 1_000);

const rows: Record<string, number> = {};
for (const live of [0, 1_000, 10_000, 100_000]) {
  rows[`cycles_per_s_live_${live}`] = await cycles(idle, live, scaled(60_000));
}
rows['chart_cycles_per_s_live_10000'] = await cycles(chart, 10_000, scaled(60_000));
rows['plain_xstate_cycles_per_s_live_0'] = await plainCycles(0, scaled(20_000));
rows['plain_xstate_cycles_per_s_live_1000'] = await plainCycles(1_000, scaled(1_000));
rows['bytes_per_child_10000'] = await bytesPerChild(idle, 10_000);
rows['bytes_per_child_100000'] = await bytesPerChild(idle, 100_000);
rows['chart_bytes_per_child_10000'] = await bytesPerChild(chart, 10_000);
rows['calls_per_s'] = await calls(scaled(400_000));
rows['casts_per_s'] = await casts(scaled(1_000_000));
const crashes = await restartsOfOne('crash');
rows['restart_us_median'] = microseconds(crashes, 0.5);
rows['restart_us_p99'] = microseconds(crashes, 0.99);
const exits = await restartsOfOne('exit');
rows['restart_after_exit_us_median'] = microseconds(exits, 0.5);
rows['restart_after_exit_us_p99'] = microseconds(exits, 0.99);
const whole = (await restarts('crash', 'one_for_all', 1_000, 41)).slice(10);
rows['one_for_all_1000_ms'] = round(median(whole.sort((a, b) => a - b)));
process.stdout.write(`${JSON.stringify(rows)}\n`);
