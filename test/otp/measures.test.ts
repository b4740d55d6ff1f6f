/** What the kernel measures of the work of actors, while somebody wants to know. */
import { EventEmitter } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { setup } from 'xstate';
import { Distribution } from '../../src/otp/distribution.js';
import {
  type Application,
  assertNoLeaks,
  fromProcess,
  System,
  startApplication,
  startChild,
  stop,
} from '../../src/otp/index.js';
import { deliver } from '../../src/otp/mailbox.js';
import { processOf } from '../../src/otp/process.js';
import type { KernelEvent } from '../../src/otp/system.js';

const SLOW_MS = 20;

function busy(ms = 2 * SLOW_MS): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

type Slow = Extract<KernelEvent, { type: 'handler.slow' }>;

async function measured(): Promise<{ readonly app: Application; readonly slow: readonly Slow[] }> {
  const system = new System();
  const slow: Slow[] = [];
  system.slowHandlerMs = SLOW_MS;
  system.on((event) => {
    if (event.type === 'handler.slow') slow.push(event);
  });
  const app = await startApplication('top', { children: [] }, system);
  onTestFinished(async () => {
    await app.stop();
    assertNoLeaks(system);
  });
  return { app, slow };
}

async function add(app: Application, id: string, logic: Parameters<typeof fromProcess>[0]): Promise<AnyActorRef> {
  const start = { logic: fromProcess(logic) };
  const answer = await startChild(app.root, { id, restart: 'temporary', start });
  if (answer.error || !answer.ok) throw new Error(`${id} did not start`);
  return answer.ok;
}

const who = ({ process, event }: Slow): string => `${process.path} ${event}`;

describe('an actor that takes long outside of its messages', () => {
  it('D-23 is named where it starts, before the supervisor that waited for it', async () => {
    const { app, slow } = await measured();
    await add(app, 'starter', () => {
      busy();
      return {};
    });
    expect(slow.map(who)[0]).toBe('top/starter start');
    expect(slow.slice(1).every(({ process }) => process.path === 'top')).toBe(true);
  });

  it('D-23 is named in its timers, its listeners and the beginning of its tasks', async () => {
    const { app, slow } = await measured();
    const emitter = new EventEmitter();
    let done: () => void = () => {};
    const over = new Promise<void>((resolve) => {
      done = resolve;
    });
    await add(app, 'timing', ({ scope }) => {
      scope.timer(1, () => {
        busy();
        emitter.emit('data');
        scope.task(async () => {
          busy();
          done();
        });
      });
      scope.listen(emitter, 'data', () => busy());
      return {};
    });
    await over;
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(slow.map(who)).toEqual(['top/timing listener data', 'top/timing task', 'top/timing timer']);
  });

  it('is measured by nobody while nobody asks', async () => {
    const { app, slow } = await measured();
    app.system.slowHandlerMs = undefined;
    const before = app.system.handled.count;
    const ref = await add(app, 'starter', () => {
      busy();
      return {};
    });
    ref.send({ type: 'anything' });
    expect(slow).toEqual([]);
    expect(app.system.handled.count).toBe(before);
  });
});

describe('the messages of actors', () => {
  it('E-c are each measured, and one in 64 while it waits', async () => {
    const { app } = await measured();
    const { system } = app;
    const chart = setup({}).createMachine({ id: 'chart', on: { word: { actions: () => {} } } });
    const answer = await startChild(app.root, { id: 'chart', restart: 'temporary', start: { logic: chart } });
    if (answer.error || !answer.ok) throw new Error('it did not start');
    system.flush();
    const [handled, waited] = [system.handled.count, system.waited.count];
    for (let n = 0; n < 640; n += 1) system.post(answer.ok, { type: 'word' });
    const sentMs = performance.now();
    busy(5);
    system.flush();
    const tookMs = performance.now() - sentMs;
    expect(system.handled.count - handled).toBe(640);
    // One is looked at while it waits, and the next when that has had its turn.
    expect(system.waited.count - waited).toBe(1);
    expect(system.waited.sum * 1_000).toBeGreaterThanOrEqual(5);
    expect(system.waited.sum * 1_000).toBeLessThanOrEqual(tookMs + 1_000);
  });

  it('E-c are counted as dead letters when their receiver has ended, whichever way they went', async () => {
    const { app } = await measured();
    const { system } = app;
    const ref = await add(app, 'brief', () => ({}));
    const process = processOf(ref);
    if (!process) throw new Error('no process');
    await stop(ref);
    const before = system.deadLetters;
    system.post(ref, { type: 'late' });
    system.flush();
    expect(system.deadLetters - before).toBe(1);
    process.send({ type: 'late' });
    expect(system.deadLetters - before).toBe(2);
    deliver(process, { type: 'late' });
    system.flush();
    expect(system.deadLetters - before).toBe(3);
  });
});

describe('a distribution', () => {
  it('counts each value under the first bound that it does not exceed', () => {
    const sizes = new Distribution([1, 10]);
    for (const value of [0, 1, 1.5, 10, 11, 1_000]) sizes.add(value);
    expect(sizes.counts).toEqual([2, 2, 2]);
    expect(sizes.count).toBe(6);
    expect(sizes.sum).toBe(1_023.5);
  });
});
