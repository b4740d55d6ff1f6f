/** How channels make room and come to their end, on virtual time. M numbers are the Erlang gateway's own tests. */
import { describe, expect, it } from 'vitest';
import { assertNoLeaks, Scope } from '../../src/otp/index.js';
import { call, exchange, openExchange, refusal } from './exchange.js';

describe('a pool with no room left', () => {
  it('S3-19 D-5 L7 M-M21 closes the least recently used idle channel for the fourth', async () => {
    const { leased, far, channels, notes } = await exchange();
    for (const target of ['a:1', 'b:1', 'c:1']) (await leased(target)).release();
    await leased('d:1');
    expect(far.wires.map(({ target, state }) => `${target} ${state}`)).toEqual([
      'a:1 closed',
      'b:1 ready',
      'c:1 ready',
      'd:1 ready',
    ]);
    expect(channels.counts).toMatchObject({ open: 3, evictions: 1 });
    expect(notes).toEqual(['channel.evicted a:1']);
  });

  it('L8 M-M22 goes by use and not by age, within one and the same millisecond too', async () => {
    const { leased, far } = await exchange();
    for (const target of ['a:1', 'b:1', 'c:1', 'a:1']) (await leased(target)).release();
    await leased('d:1');
    expect(far.standing.map(({ target }) => target)).toEqual(['a:1', 'c:1', 'd:1']);
  });

  it('D-5 never takes one in use while an idle one exists', async () => {
    const { leased, far } = await exchange();
    const oldest = await leased('a:1');
    await leased('b:1');
    (await leased('c:1')).release();
    await leased('d:1');
    expect(oldest.open).toBe(true);
    expect(far.standing.map(({ target }) => target)).toEqual(['a:1', 'b:1', 'd:1']);
  });

  it('D-5 waits when all are in use, and refuses after its deadline', async () => {
    const { leased, channels, clock, far } = await exchange();
    for (const target of ['a:1', 'b:1', 'c:1']) await leased(target);
    const asked = channels.acquire('d:1');
    const late = expect(asked).rejects.toMatchObject({
      code: 'channels_busy',
      message: 'channel to d:1: all 3 channels are in use, and none came free within 2000 ms',
    });
    clock.advance(1_999);
    expect(channels.counts?.waiting).toBe(1);
    clock.advance(1);
    await late;
    expect(channels.counts?.waiting).toBe(0);
    expect(far.wires).toHaveLength(3);
    expect(await refusal(channels.acquire('d:1', { waitMs: 0 }))).toBe('channels_busy');
  });

  it('gives the room to whoever has waited longest, and to all who want the same', async () => {
    const { leased, channels, far } = await exchange({ channelsMax: 1 });
    const only = await leased('a:1');
    far.prompt = true;
    const asked = ['b:1', 'c:1', 'b:1'].map((target) => channels.acquire(target));
    only.release();
    const [first, , third] = asked;
    const [one, two] = [await first, await third];
    expect(one?.channel).toBe(two?.channel);
    expect(far.wires.map(({ target }) => target)).toEqual(['a:1', 'b:1']);
    one?.release();
    expect(far.wires).toHaveLength(2);
    two?.release();
    expect((await asked[1])?.target).toBe('c:1');
    expect(channels.counts).toMatchObject({ open: 1, waiting: 0, leases: 1 });
  });

  it('takes a channel that nobody waits for any more, though it is still connecting', async () => {
    const { channels, far, app } = await exchange({ channelsMax: 1 });
    const scope = new Scope({ owner: 'x', clock: app.system.clock, census: app.system.census, crash: () => {} });
    const gone = refusal(channels.acquire('mute:1', { scope }));
    await scope.dispose();
    expect(await gone).toBe('channel_failed');
    void channels.acquire('a:1').catch(() => {});
    expect(far.standing.map(({ target }) => target)).toEqual(['a:1']);
  });
});

describe('a channel that nobody uses', () => {
  it('S0-4 S0-5 is closed after its idle time, and the next use reconnects by itself', async () => {
    const { leased, far, clock, held } = await exchange();
    (await leased('a:1')).release();
    clock.advance(299_999);
    expect(far.last('a:1').state).toBe('ready');
    clock.advance(1);
    expect(far.last('a:1').state).toBe('closed');
    expect(held('channel')).toBe(0);
    expect((await leased('a:1')).open).toBe(true);
  });

  it('S0-4 begins its idle time anew with each use, and is never idled out under a lease', async () => {
    const { leased, far, clock } = await exchange();
    (await leased('a:1')).release();
    clock.advance(200_000);
    const lease = await leased('a:1');
    clock.advance(10_000_000);
    expect(far.last('a:1').state).toBe('ready');
    lease.release();
    clock.advance(299_999);
    expect(far.last('a:1').state).toBe('ready');
    clock.advance(1);
    expect(far.last('a:1').state).toBe('closed');
  });
});

describe('a channel that is shut', () => {
  it('M-M10 M-M11 M-M12 is gone; a second time, and for a stranger, there is nothing to do', async () => {
    const { leased, far, channels } = await exchange();
    const lease = await leased('a:1');
    await channels.close('a:1');
    expect(lease.open).toBe(false);
    expect(far.last('a:1').state).toBe('closed');
    await channels.close('a:1');
    await channels.close('nobody:1');
    expect(channels.views()).toEqual([]);
  });

  it('S0-19 waits up to 5 s for its calls, then cancels them before it closes', async () => {
    const { leased, far, channels, clock, notes } = await exchange();
    const lease = await leased('a:1');
    const wire = far.last('a:1');
    const order: string[] = [];
    lease.track({ cancel: () => order.push(`cancelled while ${wire.state}`) });
    const closed = channels.close('a:1');
    clock.advance(4_999);
    expect(wire.state).toBe('ready');
    clock.advance(1);
    await closed;
    expect(order).toEqual(['cancelled while ready']);
    expect(wire.state).toBe('closed');
    expect(channels.counts).toMatchObject({ forced: 1, calls: 0, leases: 0 });
    expect(notes).toEqual(['channel.forced a:1']);
  });

  it('S0-25 D-11 has its last call cancelled by the lease, and closes then', async () => {
    const { leased, far, channels } = await exchange();
    const lease = await leased('a:1');
    const wire = far.last('a:1');
    const order: string[] = [];
    lease.track({ cancel: () => order.push(`cancelled while ${wire.state}`) });
    const closed = channels.close('a:1');
    lease.release();
    await closed;
    expect(order).toEqual(['cancelled while ready']);
    expect(channels.counts?.forced).toBe(0);
  });

  it('S0-18 S0-24 is not handed out: who asks meanwhile gets a fresh one', async () => {
    const { leased, far, channels } = await exchange();
    const old = await leased('a:1');
    const over = old.track(call());
    const closed = channels.close('a:1');
    const fresh = await leased('a:1');
    expect(fresh.channel).toBe(far.wires[1]);
    expect(() => old.channel).toThrow('it is being shut');
    over();
    await closed;
    expect(far.standing).toEqual([far.wires[1]]);
  });

  it('S0-18 refuses those who still wait for it to connect', async () => {
    const { far, channels } = await exchange();
    const asked = refusal(channels.acquire('a:1'));
    await channels.close('a:1');
    expect(await asked).toBe('channel_failed');
    far.last('a:1').answers();
    expect(far.last('a:1').closings).toBe(1);
    expect(channels.counts).toMatchObject({ open: 0, leases: 0 });
  });
});

describe('the end of the pool', () => {
  it('M-M4 S0-18 S0-19 gives calls their time, refuses newcomers, and leaves nothing', async () => {
    const { leased, channels, far, app, clock, held } = await exchange();
    const lease = await leased('a:1');
    const running = call();
    lease.track(running);
    const connecting = refusal(channels.acquire('b:1'));
    await leased('c:1');
    const waiting = refusal(channels.acquire('d:1'));
    const stopped = app.stop();
    expect(await connecting).toBe('draining');
    expect(await waiting).toBe('draining');
    expect(await refusal(channels.acquire('e:1'))).toBe('draining');
    expect(far.standing.map(({ target }) => target)).toEqual(['a:1']);
    clock.advance(5_000);
    await stopped;
    expect(running.cancelled).toBe(1);
    expect(far.standing).toEqual([]);
    expect(held('channel')).toBe(0);
    expect(await refusal(channels.acquire('a:1'))).toBe('draining');
  });

  it('waits for no call and no socket when it is only replaced, so that whoever starts again with it is not missed', async () => {
    const { leased, far, app } = await openExchange({}, false);
    const lease = await leased('a:1');
    const running = call();
    lease.track(running);
    // No time passes: the clock is virtual.
    await app.stop();
    expect(running.cancelled).toBe(1);
    expect(far.standing).toEqual([]);
    assertNoLeaks(app.system);
  });

  it('I-own closes every channel when it crashes, and begins again with none', async () => {
    const { leased, channels, far, crash, held } = await exchange();
    const lease = await leased('a:1');
    const running = call();
    lease.track(running);
    const connecting = refusal(channels.acquire('b:1'));
    crash();
    expect(await connecting).not.toBe('granted');
    expect(far.standing).toEqual([]);
    expect(running.cancelled).toBe(1);
    expect(lease.open).toBe(false);
    expect(held('channel')).toBe(0);
    expect(channels.counts).toMatchObject({ open: 0, leases: 0 });
    lease.release();
    expect((await leased('a:1')).open).toBe(true);
    expect(channels.counts).toMatchObject({ open: 1, leases: 1 });
  });
});
