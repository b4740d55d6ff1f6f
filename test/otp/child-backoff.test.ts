import { afterEach, describe, expect, it } from 'vitest';
import {
  assertNoLeaks,
  type ChildSpec,
  countChildren,
  deleteChild,
  type ExitReason,
  monitor,
  restartChild,
  type SupervisorOptions,
  startChild,
  terminateChild,
} from '../../src/otp/index.js';

import { backoff, Tree, worker } from './tree-on-virtual-time.js';

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
