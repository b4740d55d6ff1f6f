/** One node beside others over the engine in memory, on virtual time. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { Member } from './member.js';
import { pass as passTime, settle } from './virtual-time.js';

describe('a node', () => {
  let clock: VirtualClock;
  let hub: MemoryHub;
  let a: Member;
  let b: Member;

  const pass = (ms: number): Promise<void> => passTime(clock, ms);

  beforeEach(async () => {
    clock = new VirtualClock();
    hub = new MemoryHub({ clock, ttlMs: 12_000, era: 1 });
    a = new Member(hub.connect(), clock, 'a');
    b = new Member(hub.connect(), clock, 'b');
    await settle();
  });

  afterEach(async () => {
    await a.vanish();
    await b.vanish();
    hub.close();
    expect(clock.pending).toBe(0);
  });

  it('is up as soon as it has its lease, and sees the other', async () => {
    expect([a.node.state, b.node.state]).toEqual(['up', 'up']);
    expect(a.node.members().map(({ node, state }) => `${node} ${state}`)).toEqual(['a up', 'b up']);
  });

  it('knows what stood there before it came', async () => {
    await a.own('k');
    const c = new Member(hub.connect(), clock, 'c');
    await settle();
    expect(c.node.whereis('k')?.node).toBe('a');
    expect(c.node.members().map(({ node }) => node)).toEqual(expect.arrayContaining(['a', 'b', 'c']));
    await c.vanish();
  });

  it('tells a monitor of its own key at once that it is fenced', async () => {
    await a.own('k');
    const downs: string[] = [];
    a.node.monitor('k', ({ reason }) => void downs.push(reason));
    a.node.dropAll('fenced');
    expect(downs).toEqual(['fenced']);
    await pass(15_000);
    expect(downs).toHaveLength(1);
  });

  it('takes a key from the other, who loses it with the reason', async () => {
    const first = await a.own('k');
    const second = await b.own('k');
    await settle();
    expect(first.signal.reason).toBe('superseded');
    expect(first.current()).toBe(false);
    expect(() => first.check()).toThrow('fenced: "k" must not be acted for: superseded');
    expect(second.current()).toBe(true);
    expect(second.token.rev).toBeGreaterThan(first.token.rev);
    expect(a.node.whereis('k')).toEqual({ node: 'b', token: second.token });
  });

  it('is told by the new owner, whatever that one has seen of its own claim meanwhile', async () => {
    await a.own('k');
    await settle();
    const told: string[] = [];
    const { engine } = b.node;
    const publish = engine.publish.bind(engine);
    engine.publish = (subject, body) => {
      told.push(subject);
      publish(subject, body);
    };
    await b.own('k');
    expect(told).toEqual(['node.a.superseded']);
  });

  it('is refused a connect older than one that was seen, also after the key was given back', async () => {
    const owned = await a.own('k', 5);
    owned.release();
    await settle();
    expect(a.node.whereis('k')).toBeUndefined();
    expect(await b.claim('k', 4)).toEqual({ type: 'stale_connect' });
    expect((await b.claim('k', 5)).type).toBe('owned');
  });

  it('of two claims at once lets one win and tells the other', async () => {
    const claims = Promise.all([a.claim('k'), b.claim('k')]);
    await settle();
    await pass(100);
    const answers = await claims;
    const holders = [a, b].filter(({ node }) => node.ownership('k')?.current());
    expect(holders.map(({ node }) => node.name)).toHaveLength(1);
    expect(answers.some(({ type }) => type === 'owned')).toBe(true);
  });

  it('passes no guard after its deadline, without a timer that has to fire', async () => {
    const owned = await a.own('k');
    expect(owned.current()).toBe(true);
    // A process that was stopped: time has passed and nothing of it has run.
    const now = clock.now.bind(clock);
    clock.now = () => now() + 11_500;
    expect(owned.current()).toBe(false);
    clock.now = now;
    expect(owned.signal.reason).toBe('fenced');
    expect(a.notes).toContain('cluster.fenced');
    await pass(200);
    expect(a.node.state).toBe('up');
    expect(a.node.held).toBe(0);
  });

  it('comes back after a fence as somebody new, and claims nothing by itself', async () => {
    const before = a.node.inc;
    await a.own('k');
    a.actor.send({ type: 'lease.lost', why: 'a test' });
    await pass(200);
    expect(a.node.inc).toBeGreaterThan(before);
    expect(a.node.ownership('k')).toBeUndefined();
    await pass(2_000);
    expect(b.node.whereis('k')).toBeUndefined();
  });

  it('that vanishes is suspect after its silence, and buried when its lease is over', async () => {
    await a.own('k');
    await settle();
    const downs: string[] = [];
    b.node.monitor('k', ({ reason }) => downs.push(reason));
    await a.vanish();
    await pass(3_000);
    expect(downs).toEqual(['noconnection']);
    expect(b.node.members().find(({ node }) => node === 'a')?.state).toBe('suspect');
    expect(b.node.whereis('k')?.node).toBe('a');
    await pass(12_000);
    expect(b.node.whereis('k')).toBeUndefined();
    expect(b.node.members().map(({ node }) => node)).toEqual(['b']);
    expect(b.notes).toEqual(expect.arrayContaining(['cluster.nodeSilent', 'cluster.nodeGone']));
    expect(downs).toHaveLength(1);
    a = new Member(hub.connect(), clock, 'a');
    await settle();
  });

  it('tells a monitor once why the owner is one no longer', async () => {
    const downs: string[] = [];
    const watch = (key: string) => b.node.monitor(key, (down) => downs.push(`${down.key} ${down.reason}`));
    const released = await a.own('released');
    await a.own('taken');
    await a.own('undone');
    await settle();
    watch('released');
    watch('taken');
    watch('undone')();
    watch('nobody');
    released.release();
    await b.own('taken');
    await b.own('undone');
    await settle();
    expect(downs).toEqual(['nobody noproc', 'released normal', 'taken superseded']);
    expect(b.node.monitors).toBe(0);
  });

  it('stopped in order gives back every key before its lease', async () => {
    await a.own('one');
    await a.own('two');
    a.actor.send({ type: 'supervisor.stop', reason: 'shutdown' });
    await settle();
    expect(a.actor.getSnapshot().status).toBe('done');
    expect(b.node.whereis('one')).toBeUndefined();
    expect(b.node.whereis('two')).toBeUndefined();
    expect(b.node.members().map(({ node }) => node)).toEqual(['b']);
  });

  it('asks another one, and knows at once when there is nobody', async () => {
    const ask = (node: string): Promise<unknown> =>
      new Promise((resolve) => {
        a.node.call(node, 'sum', Uint8Array.from([1, 2]), 1_000, resolve);
      });
    const undo = b.node.serve('sum', (body, reply) => reply(Uint8Array.from([body.reduce((x, y) => x + y, 0)])));
    expect(await ask('b')).toEqual({ type: 'answered', body: Uint8Array.from([3]) });
    expect(await ask('c')).toEqual({ type: 'no_responders' });
    undo();
    expect(await ask('b')).toEqual({ type: 'no_responders' });
  });
});
