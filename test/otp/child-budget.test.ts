import { afterEach, describe, expect, it } from 'vitest';
import {
  assertNoLeaks,
  type ChildSpec,
  type ExitReason,
  fromProcess,
  monitor,
  restartChild,
  type SupervisorOptions,
  why,
} from '../../src/otp/index.js';

import { backoff, Tree, turn, worker } from './tree-on-virtual-time.js';

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
