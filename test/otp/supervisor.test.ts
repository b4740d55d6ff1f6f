import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromCallback, setup } from 'xstate';
import {
  type Application,
  assertNoLeaks,
  type ChildSpec,
  type Down,
  exit,
  fromProcess,
  leftovers,
  monitor,
  processOf,
  type SupervisorOptions,
  startApplication,
  startChild,
  supervisor,
  terminateChild,
  VirtualClock,
  whichChildren,
} from '../../src/otp/index.js';

const worker = fromProcess<undefined>(() => ({
  receive: (event) => {
    if (event.type === 'boom') throw new Error('boom');
  },
}));

async function start(options: SupervisorOptions): Promise<{ app: Application; clock: VirtualClock }> {
  const clock = new VirtualClock();
  return { app: await startApplication('top', options, { clock }), clock };
}

const child = (id: string, more: Partial<ChildSpec> = {}): ChildSpec => ({ id, start: { logic: worker }, ...more });

async function ids(app: Application): Promise<unknown[]> {
  return (await whichChildren(app.root)).map(({ id, child: ref }) => [id, typeof ref === 'string' ? ref : 'running']);
}

async function refOf(app: Application, id: string) {
  const found = (await whichChildren(app.root)).find((each) => each.id === id)?.child;
  if (found === undefined || typeof found === 'string') throw new Error(`no child ${id}`);
  return found;
}

async function end(app: Application): Promise<void> {
  await app.stop();
  assertNoLeaks(app.system);
}

describe('a supervisor', () => {
  it('starts its children in order and replaces one that crashes', async () => {
    const { app } = await start({ children: [child('a'), child('b')] });
    const before = await refOf(app, 'a');
    const downs: Down[] = [];
    monitor(before, (down) => downs.push(down));
    before.send({ type: 'boom' });
    expect(downs).toEqual([]);
    app.system.flush();
    expect(downs.map((down) => String(down.reason))).toEqual(['Error: boom']);
    const after = await refOf(app, 'a');
    expect(after).not.toBe(before);
    expect(await ids(app)).toEqual([
      ['b', 'running'],
      ['a', 'running'],
    ]);
    await end(app);
  });

  it('gives up when a child crashes once too often, and ends with shutdown', async () => {
    const { app } = await start({ intensity: 1, children: [child('a')] });
    const downs: Down[] = [];
    monitor(app.root, (down) => downs.push(down));
    (await refOf(app, 'a')).send({ type: 'boom' });
    app.system.flush();
    (await refOf(app, 'a')).send({ type: 'boom' });
    app.system.flush();
    expect(downs.map((down) => down.reason)).toEqual(['shutdown']);
    expect(downs[0]?.cause?.cause?.path).toBe('top/a');
    await end(app);
  });

  it('stops a nested supervisor with everything under it', async () => {
    const { app } = await start({
      children: [
        { id: 's', type: 'supervisor', start: { logic: supervisor({ children: [child('x'), child('y')] }) } },
        child('b'),
      ],
    });
    expect(app.system.processes.size).toBe(5);
    await end(app);
  });

  it('waits for a child that starts asynchronously before it starts the next', async () => {
    const order: string[] = [];
    const slow = (id: string): ChildSpec => ({
      id,
      start: async ({ spawn }) => {
        order.push(`begin ${id}`);
        await Promise.resolve();
        order.push(`end ${id}`);
        return spawn(worker);
      },
    });
    const { app } = await start({ children: [slow('a'), slow('b')] });
    expect(order).toEqual(['begin a', 'end a', 'begin b', 'end b']);
    await end(app);
  });

  it('does not start at all when a child cannot, and leaves nothing', async () => {
    const failing: ChildSpec = {
      id: 'f',
      start: () => {
        throw new Error('no');
      },
    };
    await expect(start({ children: [child('a'), failing] })).rejects.toThrow(/did not start/);
  });

  it('kills a child that does not end in its time', async () => {
    const deaf = fromProcess<undefined>(() => ({ terminate: () => new Promise(() => {}) }), { trapExit: true });
    const { app, clock } = await start({ children: [{ id: 'd', start: { logic: deaf }, shutdown: 100 }] });
    const ref = await refOf(app, 'd');
    const downs: Down[] = [];
    monitor(ref, (down) => downs.push(down));
    const stopped = app.stop();
    app.system.flush();
    clock.advance(99);
    expect(downs).toEqual([]);
    clock.advance(1);
    expect(downs.map((down) => down.reason)).toEqual(['killed']);
    await stopped;
    assertNoLeaks(app.system);
  });
});

describe('a machine that throws', () => {
  it('takes the actors that it started with it', async () => {
    let stopped = 0;
    const inner = fromCallback(() => () => {
      stopped += 1;
    });
    const machine = setup({
      actors: { inner },
      actions: {
        throw: () => {
          throw new Error('chart');
        },
      },
    }).createMachine({
      id: 'm',
      invoke: { src: 'inner' },
      on: { boom: { actions: 'throw' } },
    });
    const { app } = await start({ children: [{ id: 'm', start: { logic: machine }, restart: 'temporary' }] });
    const downs: Down[] = [];
    const ref = await refOf(app, 'm');
    monitor(ref, (down) => downs.push(down));
    ref.send({ type: 'boom' });
    app.system.flush();
    expect(stopped).toBe(1);
    expect(String(downs[0]?.reason)).toBe('Error: chart');
    expect(await ids(app)).toEqual([]);
    await end(app);
  });

  it('never sees an event type that its chart does not name', async () => {
    const machine = createMachine({ id: 'm', on: { known: { actions: assign({}) } } });
    const { app } = await start({ children: [{ id: 'm', start: { logic: machine } }] });
    const ref = await refOf(app, 'm');
    ref.send({ type: `unknown.${Math.random()}` } as never);
    expect(processOf(ref)?.alive).toBe(true);
    await end(app);
  });
});

describe('a monitor', () => {
  it('gives one DOWN for each way of dying', async () => {
    const { app } = await start({ intensity: 10 });
    const reasons: string[] = [];
    const spawn = async (id: string) => {
      const answer = await startChild(app.root, child(id, { restart: 'temporary' }));
      if (answer.error || !answer.ok) throw new Error('did not start');
      monitor(answer.ok, (down) => reasons.push(`${id} ${String(down.reason)}`));
      return answer.ok;
    };
    (await spawn('crash')).send({ type: 'boom' });
    exit(await spawn('kill'), 'kill');
    exit(await spawn('exit'), 'shutdown');
    (await spawn('normal')).send({ type: 'process.exit', reason: 'normal' } as never);
    const stop = await spawn('stop');
    await terminateChild(app.root, 'stop');
    await spawn('ancestor');
    expect(leftovers(app.system)).toMatchObject({ monitor: 1 });
    await app.stop();
    monitor(stop, (down) => reasons.push(`late ${String(down.reason)}`));
    app.system.flush();
    expect(reasons).toEqual([
      'crash Error: boom',
      'kill killed',
      'exit shutdown',
      'normal normal',
      'stop shutdown',
      'ancestor shutdown',
      'late noproc',
    ]);
    assertNoLeaks(app.system);
  });
});
