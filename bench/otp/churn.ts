/**
 * Start and end, over and over, in eight variants: what a kernel that leaks a little shows only after many lives. The
 * command `churn` of the bench prints the heap before and after; `test/otp/churn.test.ts` holds it to a bound.
 */
import { type AnyActorLogic, type AnyActorRef, fromCallback, fromPromise, fromTransition, setup } from 'xstate';
import {
  assertNoLeaks,
  exit,
  fromProcess,
  monitor,
  type SupervisorOptions,
  start,
  startApplication,
  startChildWith,
} from '../../src/otp/index.js';

export interface Churned {
  readonly cycles: number;
  readonly perSecond: number;
  /** Live heap after the last cycle less that after the first tenth, with the tree still standing. */
  readonly grownBytes: number;
}

const chart = setup({}).createMachine({ id: 'churned', initial: 'on', states: { on: {} } });
const ticking = setup({}).createMachine({
  id: 'ticking',
  initial: 'on',
  states: { on: { after: { 60000: 'off' } }, off: {} },
});
const holding = fromProcess(({ scope }) => {
  scope.timer(60_000, () => {});
  return {};
});
const crashing = fromProcess(() => ({
  receive: () => {
    throw new Error('churn');
  },
}));

interface Variant {
  readonly logic: AnyActorLogic;
  /** Default: by a kill. */
  readonly end?: (ref: AnyActorRef) => void;
  readonly named?: true;
  /** Monitors beside the one that waits for its end; half of them are taken back. */
  readonly monitors?: number;
}

export const variants: Readonly<Record<string, Variant>> = {
  machine: { logic: chart },
  transition: { logic: fromTransition((state) => state, 0) },
  callback: { logic: fromCallback(() => () => {}) },
  promise: { logic: fromPromise(() => new Promise(() => {})) },
  named: { logic: chart, named: true },
  'with timers': { logic: ticking },
  crashing: { logic: crashing, end: (ref) => ref.send({ type: 'boom' }) },
  'with monitors': { logic: holding, monitors: 4 },
};

const dynamic = (logic: AnyActorLogic): SupervisorOptions => ({
  strategy: 'simple_one_for_one',
  children: [{ id: 'w', start: { logic }, restart: 'temporary', shutdown: 'brutal_kill' }],
});

/** Live bytes. Without `--expose-gc` what is garbage still counts. */
async function heap(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return process.memoryUsage().heapUsed;
}

/** Throws when anything is left after the stop. */
export async function churn(name: string, cycles: number): Promise<Churned> {
  const variant = variants[name];
  if (!variant) throw new Error(`churn: expected one of ${Object.keys(variants).join(', ')}, got "${name}"`);
  const app = await startApplication('top', dynamic(variant.logic));
  const cycle = async (): Promise<void> => {
    const started = variant.named
      ? await start(app.root, variant.logic, { id: 'w', name: 'churned' })
      : await startChildWith(app.root, []);
    const ref = (started as { ok: AnyActorRef }).ok;
    const more = Array.from({ length: variant.monitors ?? 0 }, () => monitor(ref, () => {}));
    for (const each of more.slice(more.length / 2)) each.demonitor();
    const ended = new Promise<void>((resolve) => monitor(ref, () => resolve()));
    if (variant.end) variant.end(ref);
    else exit(ref, 'kill');
    await ended;
  };
  const warm = Math.ceil(cycles / 10);
  for (let done = 0; done < warm; done += 1) await cycle();
  const before = await heap();
  const sinceMs = performance.now();
  for (let done = warm; done < cycles; done += 1) await cycle();
  const perSecond = Math.round(((cycles - warm) * 1_000) / (performance.now() - sinceMs));
  const grownBytes = (await heap()) - before;
  await app.stop();
  assertNoLeaks(app.system);
  return { cycles, perSecond, grownBytes };
}
