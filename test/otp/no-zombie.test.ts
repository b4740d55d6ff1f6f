/** Throws at every place where a process may throw, restarts that wait, and ends that have a deadline: nobody is left half alive. */
import { describe, expect, it } from 'vitest';
import {
  type Application,
  assertNoLeaks,
  type ChildSpec,
  exit,
  fromProcess,
  type KernelEvent,
  monitor,
  processOf,
  type SupervisorOptions,
  startApplication,
  VirtualClock,
  whichChildren,
} from '../../src/otp/index.js';

async function begin(options: SupervisorOptions): Promise<{ app: Application; clock: VirtualClock }> {
  const clock = new VirtualClock();
  return { app: await startApplication('top', { intensity: 10, ...options }, { clock }), clock };
}

async function end(app: Application): Promise<void> {
  await app.stop();
  assertNoLeaks(app.system);
}

async function refOf(app: Application, id: string) {
  const found = (await whichChildren(app.root)).find((each) => each.id === id)?.child;
  if (found === undefined || typeof found === 'string') throw new Error(`no child ${id}`);
  return found;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function settle(app: Application): Promise<void> {
  for (let i = 0; i < 5; i += 1) {
    app.system.flush();
    await turn();
  }
}

/** What a worker holds and where it throws. Each holds a timer, a thing and a child of its own scope. */
function throwing(where: 'start' | 'receive' | 'terminate' | 'DOWN' | 'never', lives = { count: 0 }) {
  return fromProcess<undefined>(
    ({ scope }) => {
      lives.count += 1;
      scope.acquire('thing', () => {});
      scope.timer(1_000_000, () => {});
      // The first life starts; a start that throws is one of a restart.
      if (where === 'start' && lives.count === 2) throw new Error('in start');
      return {
        receive: (event) => {
          if (event.type === 'boom' || where === event.type) throw new Error(`in ${event.type}`);
        },
        terminate: () => {
          if (where === 'terminate') throw new Error('in terminate');
        },
      };
    },
    { trapExit: true },
  );
}

describe('a throw', () => {
  it.each(['start', 'receive', 'terminate', 'DOWN'] as const)(
    'D-26 in %s leaves no zombie, tells whoever watches, and its place is filled again',
    async (where) => {
      const child: ChildSpec = { id: 'a', start: { logic: throwing(where) } };
      const watched: ChildSpec = { id: 'w', start: { logic: throwing('never') } };
      const { app } = await begin({ children: [watched, child] });
      const [first, other] = [await refOf(app, 'a'), await refOf(app, 'w')];
      const downs: string[] = [];
      monitor(first, ({ reason }) => downs.push(String(reason)));
      if (where === 'DOWN') {
        monitor(other, first);
        exit(other, 'kill');
      } else first.send({ type: 'boom' });
      await settle(app);
      expect(downs).toEqual([`Error: in ${where === 'DOWN' ? 'DOWN' : 'boom'}`]);
      expect(processOf(first)?.alive).toBe(false);
      const successor = await refOf(app, 'a');
      expect(successor).not.toBe(first);
      expect(processOf(successor)?.alive).toBe(true);
      // Two workers and their supervisor, and what two workers hold: nothing of those before them.
      expect(app.system.processes.size).toBe(3);
      expect(app.system.census.totals()).toMatchObject({ thing: 2, timer: 2 });
      await end(app);
    },
  );

  it('D-26 in the stop of an orderly end leaves no zombie, and the end comes', async () => {
    const { app } = await begin({ children: [{ id: 'a', start: { logic: throwing('terminate') } }] });
    const downs: string[] = [];
    monitor(await refOf(app, 'a'), ({ reason }) => downs.push(String(reason)));
    await end(app);
    expect(downs).toEqual(['Error: in terminate']);
  });
});

describe('a restart', () => {
  it('D-30 of a supervisor waits for the last of its children before the new one starts', async () => {
    const order: string[] = [];
    let given = (): void => {};
    const gate = new Promise<void>((resolve) => (given = resolve));
    const slow = fromProcess<undefined>(({ scope }) => {
      order.push('child starts');
      scope.acquire('thing', async () => {
        await gate;
        order.push('child has ended');
      });
      return {};
    });
    const parent = fromProcess<undefined>(() => {
      order.push('sibling starts');
      return {};
    });
    const children: ChildSpec[] = [
      { id: 'first', start: { logic: parent } },
      { id: 'second', start: { logic: slow } },
    ];
    const { app } = await begin({ strategy: 'rest_for_one', children });
    exit(await refOf(app, 'first'), 'kill');
    await settle(app);
    expect(order).toEqual(['sibling starts', 'child starts']);
    given();
    await settle(app);
    expect(order).toEqual(['sibling starts', 'child starts', 'child has ended', 'sibling starts', 'child starts']);
    await end(app);
  });
});

describe('an actor that crashes again and again', () => {
  it('D-28 is seen: each restart is told with its number and its reason, and the end of it too', async () => {
    const { app } = await begin({ intensity: 3, children: [{ id: 'a', start: { logic: throwing('never') } }] });
    const told: string[] = [];
    app.system.on((event: KernelEvent) => {
      if (event.type === 'child.restarted')
        told.push(`${event.process.path} ${event.restarts} ${String(event.reason)}`);
      if (event.type === 'supervisor.gaveUp') told.push(`${event.supervisor.path} gave up`);
    });
    for (let crash = 0; crash < 3; crash += 1) {
      (await refOf(app, 'a')).send({ type: 'boom' });
      await settle(app);
    }
    expect(told).toEqual([1, 2, 3].map((restarts) => `top/a ${restarts} Error: in boom`));
    (await refOf(app, 'a')).send({ type: 'boom' });
    await settle(app);
    expect(told.at(-1)).toBe('top gave up');
    await end(app);
  });
});

describe('a stop', () => {
  const deaf = fromProcess<undefined>(() => ({ terminate: () => new Promise(() => {}) }), { trapExit: true });
  const stuck = (id: string, shutdown: number): ChildSpec => ({ id, start: { logic: deaf }, shutdown });

  it('D-31 gives each child its own time, one after the other, and comes to its end', async () => {
    const { app, clock } = await begin({ children: [stuck('a', 3_000), stuck('b', 1_000)] });
    const ends: string[] = [];
    for (const id of ['a', 'b']) monitor(await refOf(app, id), () => ends.push(`${id} at ${clock.now()}`));
    const stopped = app.stop();
    await settle(app);
    for (let ms = 0; ms < 5_000; ms += 500) {
      clock.advance(500);
      await settle(app);
    }
    await stopped;
    expect(ends).toEqual(['b at 1000', 'a at 4000']);
    assertNoLeaks(app.system);
  });

  it('D-31 has a deadline for the whole, whatever the children may take, and says who was late', async () => {
    const { app, clock } = await begin({ children: [stuck('a', 60_000), stuck('b', 60_000)] });
    const stopped = app.stop({ timeoutMs: 2_000 });
    await settle(app);
    clock.advance(1_999);
    await settle(app);
    expect(app.system.processes.size).toBeGreaterThan(0);
    clock.advance(1);
    await settle(app);
    await stopped;
    expect(app.abandoned.map(({ path, why }) => `${path} ${why}`)).toContain('top/b overdue');
    assertNoLeaks(app.system);
  });
});
