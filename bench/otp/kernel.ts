/** What supervising costs here. Prints one JSON object with the same keys as `erlang.escript`. */
import { type AnyActorLogic, type AnyActorRef, setup } from 'xstate';
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
const perSecond = (count: number, sinceMs: number): number => Math.round((count * 1_000) / (nowMs() - sinceMs));

async function best(runs: number, measure: () => Promise<number>): Promise<number> {
  let most = 0;
  for (let run = 0; run < runs; run += 1) most = Math.max(most, await measure());
  return most;
}

/** Start, monitor, kill, DOWN, beside so many siblings that do nothing. */
function cycles(logic: AnyActorLogic, live: number, count: number): Promise<number> {
  return withTree(dynamic(logic), async (app) => {
    await fill(app, live);
    const since = nowMs();
    for (let cycle = 0; cycle < count; cycle += 1) {
      const ref = await spawn(app);
      await new Promise<void>((resolve) => {
        monitor(ref, () => resolve());
        exit(ref, 'kill');
      });
    }
    return perSecond(count, since);
  });
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

function calls(count: number): Promise<number> {
  return withTree(dynamic(idle), async (app) => {
    const ref = await spawn(app);
    const since = nowMs();
    for (let made = 0; made < count; made += 1) await call(ref, 'ping', { timeout: Number.POSITIVE_INFINITY });
    return perSecond(count, since);
  });
}

function casts(count: number): Promise<number> {
  return withTree(dynamic(idle), async (app) => {
    const ref = await spawn(app);
    const since = nowMs();
    for (let sent = 0; sent < count; sent += 1) cast(ref, { type: 'x' });
    await call(ref, 'ping', { timeout: Number.POSITIVE_INFINITY });
    return perSecond(count, since);
  });
}

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] as number;
const round = (value: number): number => Math.round(value * 100) / 100;

/** From the message that crashes a permanent child of so many until the last of those to be restarted runs again. */
async function restarts(strategy: 'one_for_one' | 'one_for_all', children: number, rounds: number): Promise<number[]> {
  let up: () => void = () => {};
  const refs: AnyActorRef[] = [];
  const telling = fromProcess<number>(({ input, self }) => {
    refs[input] = self;
    if (input === children - 1) up();
    return {
      receive: ({ type }) => {
        if (type === 'crash') throw new Error('boom');
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
        cast(refs[0] as AnyActorRef, { type: 'crash' });
      });
      tookMs.push(nowMs() - since);
    }
    return tookMs.sort((a, b) => a - b);
  });
}

const latencies = await restarts('one_for_one', 1, scaled(3_000));
const whole = await restarts('one_for_all', 1_000, 15);
const rows: Record<string, number> = {};
for (const live of [0, 1_000, 10_000, 100_000]) {
  rows[`cycles_per_s_live_${live}`] = await best(3, () => cycles(idle, live, scaled(60_000)));
}
rows['chart_cycles_per_s_live_10000'] = await best(2, () => cycles(chart, 10_000, scaled(60_000)));
rows['bytes_per_child_10000'] = await bytesPerChild(idle, 10_000);
rows['bytes_per_child_100000'] = await bytesPerChild(idle, 100_000);
rows['chart_bytes_per_child_10000'] = await bytesPerChild(chart, 10_000);
rows['calls_per_s'] = await best(3, () => calls(scaled(400_000)));
rows['casts_per_s'] = await best(3, () => casts(scaled(1_000_000)));
rows['restart_us_median'] = round(median(latencies) * 1_000);
rows['restart_us_p99'] = round((latencies[Math.floor(latencies.length * 0.99)] as number) * 1_000);
rows['one_for_all_1000_ms'] = round(median(whole));
process.stdout.write(`${JSON.stringify(rows)}\n`);
