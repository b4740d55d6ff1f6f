import { afterEach, describe, expect, it } from 'vitest';
import {
  type Application,
  assertNoLeaks,
  type Backoff,
  type ChildSpec,
  countChildren,
  deleteChild,
  type ExitReason,
  fromProcess,
  type KernelEvent,
  monitor,
  restartChild,
  type SupervisorOptions,
  startApplication,
  startChild,
  terminateChild,
  VirtualClock,
  whichChildren,
  why,
} from '../../src/otp/index.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Crashes when it is told to. */
const worker = fromProcess(() => ({
  receive: ({ type }) => {
    if (type === 'boom') throw new Error('boom');
  },
}));

const backoff: Backoff = { initialMs: 100, factor: 2, maxMs: 1_000, resetAfterMs: 5_000 };

class Tree {
  readonly clock = new VirtualClock();
  readonly events: KernelEvent[] = [];
  app!: Application;

  static async start(options: SupervisorOptions, random = () => 0): Promise<Tree> {
    const tree = new Tree();
    tree.app = await startApplication('top', options, { clock: tree.clock, random });
    tree.app.system.on((event) => tree.events.push(event));
    return tree;
  }

  async child(id: string) {
    return (await whichChildren(this.app.root)).find((child) => child.id === id)?.child;
  }

  async state(id: string): Promise<string> {
    const child = await this.child(id);
    return typeof child === 'string' ? child : child ? 'running' : 'none';
  }

  async crash(id: string): Promise<void> {
    const child = await this.child(id);
    if (!child || typeof child === 'string') throw new Error(`child "${id}" is ${child}`);
    child.send({ type: 'boom' });
    this.app.system.flush();
  }

  get chart(): unknown {
    return this.app.root.getSnapshot().value;
  }

  get waits(): number[] {
    return this.events.flatMap((event) => (event.type === 'child.backingOff' ? [event.waitMs] : []));
  }

  get gaveUp(): string[] {
    return this.events.flatMap((event) => (event.type === 'child.gaveUp' ? [event.childId] : []));
  }
}

let tree: Tree;

async function start(child: Partial<ChildSpec>, more: SupervisorOptions = {}, random?: () => number): Promise<void> {
  const spec: ChildSpec = { id: 'a', start: { logic: worker }, ...child };
  tree = await Tree.start({ intensity: 0, ...more, children: [...(more.children ?? []), spec] }, random);
}

afterEach(async () => {
  await tree.app.stop();
  assertNoLeaks(tree.app.system);
  expect(tree.clock.pending).toBe(0);
});

describe('a child with a backoff', () => {
  it('waits as `restarting` and then runs again; its supervisor shows it', async () => {
    await start({ backoff });
    await tree.crash('a');
    expect([await tree.state('a'), tree.chart]).toEqual(['restarting', 'restarting']);
    expect(await countChildren(tree.app.root)).toMatchObject({ specs: 1, active: 0 });
    tree.clock.advance(99);
    expect(await tree.state('a')).toBe('restarting');
    tree.clock.advance(1);
    expect([await tree.state('a'), tree.chart]).toEqual(['running', 'running']);
  });

  it('waits longer each time, never longer than the most, and from the beginning after a long life', async () => {
    await start({ backoff });
    for (let crash = 0; crash < 6; crash += 1) {
      await tree.crash('a');
      tree.clock.advance(1_000);
    }
    expect(tree.waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    tree.clock.advance(5_000);
    await tree.crash('a');
    tree.clock.advance(100);
    expect(tree.waits.at(-1)).toBe(100);
    expect(await tree.state('a')).toBe('running');
  });

  it('does not spend the intensity of its supervisor, and its siblings still do', async () => {
    const children: ChildSpec[] = [{ id: 'plain', start: { logic: worker } }];
    await start({ backoff }, { intensity: 1, children });
    for (let crash = 0; crash < 10; crash += 1) {
      await tree.crash('a');
      tree.clock.advance(1_000);
    }
    await tree.crash('plain');
    expect(await tree.state('plain')).toBe('running');
    const ended: ExitReason[] = [];
    monitor(tree.app.root, ({ reason }) => ended.push(reason));
    await tree.crash('plain');
    expect(ended).toEqual(['shutdown']);
  });

  it('waits less by chance, which is injected', async () => {
    await start({ backoff: { ...backoff, jitter: 0.5 } }, {}, () => 0.5);
    await tree.crash('a');
    expect(tree.waits).toEqual([75]);
    tree.clock.advance(75);
    expect(await tree.state('a')).toBe('running');
  });

  it('can be stopped and deleted while it waits, and its wait is void', async () => {
    await start({ backoff });
    await tree.crash('a');
    expect(await deleteChild(tree.app.root, 'a')).toEqual({ error: { code: 'restarting' } });
    expect(await terminateChild(tree.app.root, 'a')).toEqual({ ok: undefined });
    expect([tree.clock.pending, tree.chart]).toEqual([0, 'running']);
    expect(await deleteChild(tree.app.root, 'a')).toEqual({ ok: undefined });
    tree.clock.advance(10_000);
    expect(await tree.state('a')).toBe('none');
  });

  it('is not started by a wait of before when it was stopped, started and failed anew', async () => {
    await start({ backoff });
    await tree.crash('a');
    tree.clock.advance(60);
    await terminateChild(tree.app.root, 'a');
    await restartChild(tree.app.root, 'a');
    await tree.crash('a');
    tree.clock.advance(60);
    expect([await tree.state('a'), tree.waits]).toEqual(['restarting', [100, 100]]);
    tree.clock.advance(40);
    expect(await tree.state('a')).toBe('running');
  });

  it('waits again, and longer, when its start fails', async () => {
    let works = true;
    const flaky: ChildSpec['start'] = ({ spawn }) => {
      if (!works) throw new Error('not yet');
      return spawn(worker);
    };
    await start({ backoff, start: flaky });
    works = false;
    await tree.crash('a');
    tree.clock.advance(100);
    tree.clock.advance(200);
    works = true;
    tree.clock.advance(400);
    expect([await tree.state('a'), tree.chart]).toEqual(['running', 'running']);
    expect(tree.waits).toEqual([100, 200, 400]);
  });

  it('takes its siblings along after the wait under one_for_all', async () => {
    await start({ backoff }, { strategy: 'one_for_all', children: [{ id: 'b', start: { logic: worker } }] });
    const before = await tree.child('b');
    await tree.crash('a');
    expect(await tree.child('b')).toBe(before);
    tree.clock.advance(100);
    expect(await tree.state('b')).toBe('running');
    expect(await tree.child('b')).not.toBe(before);
  });

  it.each([
    [{ initialMs: 0, maxMs: 1 }, 'initialMs must be more than 0, not 0'],
    [{ initialMs: 5, maxMs: 1 }, 'maxMs must be 5 or more, not 1'],
    [{ initialMs: 5, maxMs: 9, factor: 0.5 }, 'factor must be 1 or more, not 0.5'],
    [{ initialMs: 5, maxMs: 9, jitter: 2 }, 'jitter must be from 0 to 1, not 2'],
  ])('is refused when its numbers are wrong: %j', async (wrong, value) => {
    await start({});
    const answer = await startChild(tree.app.root, { id: 'x', start: { logic: worker }, backoff: wrong });
    expect(answer).toEqual({ error: { code: 'invalid_backoff', value } });
  });
});

describe('a child with a budget of its own', () => {
  it('D-27 stays stopped alone when it has spent it, and its supervisor and siblings go on', async () => {
    await start({ intensity: 2, period: 5 }, { children: [{ id: 'b', start: { logic: worker } }] });
    for (let crash = 0; crash < 3; crash += 1) await tree.crash('a');
    expect([await tree.state('a'), await tree.state('b'), tree.gaveUp]).toEqual(['stopped', 'running', ['a']]);
    expect(await restartChild(tree.app.root, 'a')).toHaveProperty('ok');
  });

  it('D-27 has it anew when its period has passed', async () => {
    await start({ intensity: 1, period: 5 });
    for (let crash = 0; crash < 4; crash += 1) {
      await tree.crash('a');
      tree.clock.advance(6_000);
    }
    expect([await tree.state('a'), tree.gaveUp]).toEqual(['running', []]);
  });

  it('counts its waits too, where it has a backoff', async () => {
    await start({ backoff, intensity: 2, period: 60 });
    for (let crash = 0; crash < 3; crash += 1) {
      await tree.crash('a');
      tree.clock.advance(1_000);
    }
    expect([await tree.state('a'), tree.waits, tree.gaveUp]).toEqual(['stopped', [100, 200], ['a']]);
  });

  it('ends its supervisor where it is significant', async () => {
    await start({ intensity: 0, restart: 'transient', significant: true }, { autoShutdown: 'any_significant' });
    const ended: ExitReason[] = [];
    monitor(tree.app.root, ({ reason }) => ended.push(reason));
    await tree.crash('a');
    await turn();
    expect(ended).toEqual(['shutdown']);
  });
});

describe('a child with restartIf', () => {
  it('stays stopped when its owner says no; the reason and how often it came back are told', async () => {
    const asked: unknown[] = [];
    await start(
      {
        restartIf: (reason, { restarts, failure }) => {
          asked.push([String(reason), restarts, failure?.path]);
          return restarts === 0;
        },
      },
      { intensity: 9 },
    );
    await tree.crash('a');
    expect(await tree.state('a')).toBe('running');
    await tree.crash('a');
    expect(await tree.state('a')).toBe('stopped');
    expect(asked).toEqual([
      ['Error: boom', 0, 'top/a'],
      ['Error: boom', 1, 'top/a'],
    ]);
  });

  it('is asked again when the wait is over', async () => {
    let wanted = true;
    await start({ backoff, restartIf: () => wanted });
    await tree.crash('a');
    wanted = false;
    tree.clock.advance(100);
    expect([await tree.state('a'), tree.chart]).toEqual(['stopped', 'running']);
  });

  it('is restarted when the question itself fails, which is reported', async () => {
    const restartIf = (): boolean => {
      throw new Error('undecided');
    };
    await start({ restartIf }, { intensity: 1 });
    await tree.crash('a');
    expect(await tree.state('a')).toBe('running');
    expect(tree.events.filter(({ type }) => type === 'listener.failed')).toHaveLength(1);
  });
});

describe('a child that is started again', () => {
  it('is told why the one before it ended', async () => {
    const told: unknown[] = [];
    await start({
      backoff,
      start: ({ spawn, previous }) => {
        told.push(previous && String(previous));
        return spawn(worker);
      },
    });
    await tree.crash('a');
    tree.clock.advance(100);
    expect(told).toEqual([undefined, 'Error: boom']);
  });

  it('can be asked why its predecessor ended', async () => {
    await start({ backoff });
    await tree.crash('a');
    tree.clock.advance(100);
    const child = await tree.child('a');
    if (!child || typeof child === 'string') throw new Error('it does not run');
    expect(why(child).map(({ path, reason }) => [path, String(reason)])).toEqual([['top/a', 'Error: boom']]);
  });
});

describe('why something ended', () => {
  it('is the chain from the first failure on', async () => {
    await start({}, { children: [{ id: 'b', start: { logic: worker } }] });
    const b = await tree.child('b');
    if (!b || typeof b === 'string') throw new Error('it does not run');
    await tree.crash('a');
    await turn();
    const chain = why(b).map(({ path, reason }) => [path, String(reason)]);
    expect(chain).toEqual([
      ['top/a', 'Error: boom'],
      ['top/b', 'shutdown'],
    ]);
    expect(why(tree.app.root).map(({ path }) => path)).toEqual(['top/a', 'top']);
  });
});

describe('a start that is retried at once', () => {
  it('does not leave its supervisor showing `restarting`', async () => {
    let failures = 0;
    const flaky: ChildSpec['start'] = ({ spawn, previous }) => {
      if (previous && failures++ < 2) throw new Error('not yet');
      return spawn(worker);
    };
    await start({ start: flaky }, { intensity: 9 });
    await tree.crash('a');
    expect([failures, await tree.state('a'), tree.chart]).toEqual([3, 'running', 'running']);
  });
});

describe('a stop', () => {
  it('tells what had to be killed and what was not given back', async () => {
    let close: () => void = () => {};
    const deaf = fromProcess(() => ({ terminate: () => new Promise<void>(() => {}) }), { trapExit: true });
    const holding = fromProcess(({ scope }) => {
      scope.acquire('socket', () => new Promise<void>((resolve) => (close = resolve)));
      return {};
    });
    await start(
      {},
      {
        children: [
          { id: 'deaf', start: { logic: deaf }, shutdown: 100 },
          { id: 'holding', start: { logic: holding } },
        ],
      },
    );
    const stopped = tree.app.stop();
    for (let waitedMs = 0; waitedMs < 6_000; waitedMs += 100) {
      tree.clock.advance(100);
      await turn();
    }
    expect(await stopped).toBe('shutdown');
    expect(tree.app.abandoned).toEqual([
      { path: 'top/holding', why: 'not_given_back', kinds: ['socket'] },
      { path: 'top/deaf', why: 'overdue', kinds: [] },
    ]);
    close();
    await turn();
  });
});
