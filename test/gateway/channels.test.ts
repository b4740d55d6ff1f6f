/** The pool of channels on virtual time, its far side in the hand of the test. M numbers are the Erlang gateway's own tests. */
import { describe, expect, it } from 'vitest';
import { Census, Scope, VirtualClock } from '../../src/otp/index.js';
import { call, exchange, refusal } from './exchange.js';

describe('a pool of channels', () => {
  it('M-M1 M-M2 M-M3 M-M14 begins empty, with nothing connected', async () => {
    const { channels, far, held } = await exchange();
    expect(channels.views()).toEqual([]);
    expect(far.wires).toEqual([]);
    expect(held('channel')).toBe(0);
  });

  it('S0-2 M-M5 connects at the first use, and says so when it has', async () => {
    const { channels, far } = await exchange();
    const asked = channels.acquire('a:1');
    expect(far.wires.map(({ state }) => state)).toEqual(['connecting']);
    expect(channels.counts).toMatchObject({ open: 1, connecting: 1, leases: 0 });
    far.last('a:1').answers();
    const lease = await asked;
    expect(lease.open).toBe(true);
    expect(lease.channel).toBe(far.last('a:1'));
    expect(channels.counts).toMatchObject({ open: 1, connecting: 0, leases: 1, idle: 0 });
  });

  it('S0-1 S0-3 D-6 M-M16 makes one channel for ten who ask at once, and gives each a lease of its own', async () => {
    const { channels, far } = await exchange();
    const asked = Array.from({ length: 10 }, () => channels.acquire('a:1'));
    expect(channels.views()).toMatchObject([{ state: 'connecting', waiting: 10 }]);
    far.last('a:1').answers();
    const leases = await Promise.all(asked);
    expect(far.wires).toHaveLength(1);
    expect(new Set(leases).size).toBe(10);
    expect(new Set(leases.map(({ channel }) => channel)).size).toBe(1);
    expect(channels.counts).toMatchObject({ open: 1, leases: 10, opened: 1 });
  });

  it('M-M6 M-M13 M-M15 lists every channel with its target and what it is at', async () => {
    const { channels, leased, clock } = await exchange();
    await leased('a:1');
    (await leased('b:1')).release();
    void channels.acquire('c:1').catch(() => {});
    clock.advance(20);
    expect(channels.views()).toEqual([
      { id: 'a:1#1', target: 'a:1', state: 'busy', leases: 1, calls: 0, waiting: 0, ageMs: 20 },
      { id: 'b:1#2', target: 'b:1', state: 'idle', leases: 0, calls: 0, waiting: 0, ageMs: 20 },
      { id: 'c:1#3', target: 'c:1', state: 'connecting', leases: 0, calls: 0, waiting: 1, ageMs: 20 },
    ]);
  });

  it('E-a5 shuts one by its id when it is told to, and gives the next who asks a new one', async () => {
    const { channels, leased, far } = await exchange();
    const lease = await leased('a:1');
    const open = call();
    lease.track(open);
    expect(channels.evict('a:1#9')).toBe(false);
    expect(channels.evict('a:1#1')).toBe(true);
    expect(channels.counts?.evictions).toBe(1);
    // Its open call has a while to end; asked again, it is on its way already.
    expect(channels.views()).toMatchObject([{ id: 'a:1#1', state: 'closing', calls: 1 }]);
    expect(channels.evict('a:1#1')).toBe(false);
    expect(open.cancelled).toBe(0);
    await leased('a:1');
    expect(far.wires).toHaveLength(2);
  });

  it('M-M7 M-M20 gives the next who asks the same channel under a new lease', async () => {
    const { leased, far } = await exchange();
    const first = await leased('a:1');
    const { channel } = first;
    first.release();
    const second = await leased('a:1');
    expect(second).not.toBe(first);
    expect(second.channel).toBe(channel);
    expect(far.wires).toHaveLength(1);
  });

  it('S0-1 tells channels with different options apart, in whatever order they are written', async () => {
    const { channels, far } = await exchange();
    far.prompt = true;
    await channels.acquire('a:1', { channel: { x: 1, y: { p: 1, q: 2 } } });
    await channels.acquire('a:1', { channel: { y: { q: 2, p: 1 }, x: 1 } });
    expect(far.wires).toHaveLength(1);
    await channels.acquire('a:1', { channel: { x: 2 } });
    expect(far.wires).toHaveLength(2);
  });

  it('M-M17 refuses a target that is none, and keeps nothing of it', async () => {
    const { channels, held } = await exchange();
    expect(await refusal(channels.acquire(''))).toBe('invalid_argument');
    expect(channels.counts).toMatchObject({ open: 0, connecting: 0, leases: 0 });
    expect(held('channel')).toBe(0);
  });

  it('M-M18 L9 D-6 tells all who wait for an unreachable target, and lets nobody else wait', async () => {
    const { channels, far, leased } = await exchange();
    const asked = [refusal(channels.acquire('dead:1')), refusal(channels.acquire('dead:1'))];
    const other = await leased('a:1');
    expect(other.open).toBe(true);
    far.last('dead:1').refuses();
    expect(await Promise.all(asked)).toEqual(['channel_failed', 'channel_failed']);
    expect(far.last('dead:1')).toMatchObject({ state: 'closed', closings: 1 });
    expect(channels.views().map(({ target }) => target)).toEqual(['a:1']);
  });

  it('D-6 ends a connect that is never answered by its own deadline, and makes the next one anew', async () => {
    const { channels, far, clock, notes } = await exchange();
    const asked = channels.acquire('mute:1');
    const failed = expect(asked).rejects.toThrow('channel to mute:1: no answer within 5000 ms');
    clock.advance(4_999);
    expect(far.last('mute:1').state).toBe('connecting');
    clock.advance(1);
    await failed;
    expect(far.last('mute:1').state).toBe('closed');
    expect(notes).toEqual(['channel.failed mute:1']);
    void channels.acquire('mute:1').catch(() => {});
    expect(far.wires).toHaveLength(2);
  });
});

describe('a lease', () => {
  it('S0-20 takes only its own calls along, and counts what is open', async () => {
    const { channels, leased, far } = await exchange();
    const [ann, bob] = [await leased('a:1'), await leased('a:1')];
    const [anns, bobs] = [call(), call()];
    ann.track(anns);
    bob.track(bobs);
    expect(channels.views()[0]).toMatchObject({ leases: 2, calls: 2 });
    ann.release();
    expect([anns.cancelled, bobs.cancelled]).toEqual([1, 0]);
    expect(far.last('a:1').state).toBe('ready');
    expect(channels.counts).toMatchObject({ leases: 1, calls: 1 });
    expect(bob.open).toBe(true);
  });

  it('S0-8 tells what is open until it is over, once', async () => {
    const { channels, leased } = await exchange();
    const lease = await leased('a:1');
    const over = lease.track(call());
    expect(channels.counts?.calls).toBe(1);
    over();
    over();
    expect(channels.counts?.calls).toBe(0);
  });

  it('M-M11 is given back once, however often', async () => {
    const { channels, leased } = await exchange();
    const [ann, bob] = [await leased('a:1'), await leased('a:1')];
    ann.release();
    ann.release();
    expect(channels.counts).toMatchObject({ leases: 1, idle: 0 });
    expect(bob.open).toBe(true);
  });

  it('gives no channel and lets no call stand once it is given back', async () => {
    const { leased } = await exchange();
    const lease = await leased('a:1');
    lease.release();
    expect(() => lease.channel).toThrow('channel to a:1: expected an open lease, but the lease was given back');
    const late = call();
    lease.track(late);
    expect(late.cancelled).toBe(1);
  });

  it('is given back when its owner ends, and no longer waited for', async () => {
    const { channels, far, app } = await exchange({ channelsMax: 1 });
    const scope = new Scope({ owner: 'x', clock: app.system.clock, census: app.system.census, crash: () => {} });
    far.prompt = true;
    const lease = await channels.acquire('a:1', { scope });
    const waits = refusal(channels.acquire('b:1', { scope }));
    expect(channels.counts).toMatchObject({ leases: 1, waiting: 1 });
    await scope.dispose();
    expect(lease.open).toBe(false);
    expect(await waits).toBe('channel_failed');
    expect(channels.counts).toMatchObject({ leases: 0, waiting: 0, idle: 1 });
    expect(app.system.census.count('lease')).toBe(0);
  });

  it('holds nothing of its owner after it was refused or given back', async () => {
    const { channels, far } = await exchange();
    const census = new Census();
    const scope = new Scope({ owner: 'x', clock: new VirtualClock(), census, crash: () => {} });
    far.prompt = true;
    (await channels.acquire('a:1', { scope })).release();
    await refusal(channels.acquire('', { scope }));
    expect(census.totals()).toEqual({});
  });
});

describe('a channel whose connection is lost', () => {
  it('S0-24 M-M8 M-M9 is gone at once and made anew for the next who asks', async () => {
    const { channels, leased, far, notes } = await exchange();
    const lease = await leased('a:1');
    const first = far.last('a:1');
    first.dies();
    expect(lease.open).toBe(false);
    expect(lease.lost.aborted).toBe(true);
    expect(first).toMatchObject({ state: 'closed', closings: 1 });
    expect(channels.views()).toEqual([]);
    const next = await leased('a:1');
    expect(next.channel).not.toBe(first);
    lease.release();
    expect(next.open).toBe(true);
    expect(channels.counts).toMatchObject({ leases: 1, open: 1 });
    expect(notes).toEqual(['channel.lost a:1']);
  });

  it('lets calls come to their own end before it is closed', async () => {
    const { leased, far, channels } = await exchange();
    const lease = await leased('a:1');
    const running = call();
    const over = lease.track(running);
    far.last('a:1').dies();
    expect(channels.views()).toMatchObject([{ state: 'closing', calls: 1 }]);
    const next = await leased('a:1');
    expect(far.wires).toHaveLength(2);
    over();
    expect(far.wires[0]?.state).toBe('closed');
    expect(running.cancelled).toBe(0);
    expect(next.open).toBe(true);
  });

  it('M-M19 leaves the pool empty when five are killed', async () => {
    const { leased, far, channels, held } = await exchange({ channelsMax: 5 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await leased(`${name}:1`);
    expect(channels.counts?.open).toBe(5);
    for (const wire of far.wires) wire.dies();
    expect(channels.views()).toEqual([]);
    expect(channels.counts).toMatchObject({ open: 0, leases: 0, idle: 0 });
    expect(held('channel')).toBe(0);
  });
});
