/** The pool of channels on virtual time, its far side in the hand of the test. M numbers are the Erlang gateway's own tests. */
import { describe, expect, it } from 'vitest';
import type { GatewayError } from '../../src/gateway/gateway-error.js';
import { Census, Scope, VirtualClock } from '../../src/otp/index.js';
import { exchange } from './switchboard.js';

const refusal = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'granted',
    (error: GatewayError) => error.code,
  );

/** A call that is open until somebody ends it. */
function call() {
  let cancelled = 0;
  return {
    cancel: () => {
      cancelled += 1;
    },
    get cancelled() {
      return cancelled;
    },
  };
}

describe('a pool of channels', () => {
  it('M-M1 M-M2 M-M14 begins empty, with nothing connected', async () => {
    const { channels, board, held } = await exchange();
    expect(channels.views()).toEqual([]);
    expect(board.wires).toEqual([]);
    expect(held('channel')).toBe(0);
  });

  it('S0-2 M-M5 connects at the first use, and says so when it has', async () => {
    const { channels, board } = await exchange();
    const asked = channels.acquire('a:1');
    expect(board.wires.map(({ state }) => state)).toEqual(['connecting']);
    expect(channels.counts).toMatchObject({ open: 1, connecting: 1, leases: 0 });
    board.last('a:1').answers();
    const lease = await asked;
    expect(lease.open).toBe(true);
    expect(lease.channel).toBe(board.last('a:1'));
    expect(channels.counts).toMatchObject({ open: 1, connecting: 0, leases: 1, idle: 0 });
  });

  it('S0-1 S0-3 D-6 M-M16 makes one channel for ten who ask at once, and gives each a lease of its own', async () => {
    const { channels, board } = await exchange();
    const asked = Array.from({ length: 10 }, () => channels.acquire('a:1'));
    expect(channels.views()).toMatchObject([{ state: 'connecting', waiting: 10 }]);
    board.last('a:1').answers();
    const leases = await Promise.all(asked);
    expect(board.wires).toHaveLength(1);
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

  it('M-M7 M-M20 gives the next who asks the same channel under a new lease', async () => {
    const { leased, board } = await exchange();
    const first = await leased('a:1');
    const { channel } = first;
    first.release();
    const second = await leased('a:1');
    expect(second).not.toBe(first);
    expect(second.channel).toBe(channel);
    expect(board.wires).toHaveLength(1);
  });

  it('S0-1 tells channels with different options apart, in whatever order they are written', async () => {
    const { channels, board } = await exchange();
    board.prompt = true;
    await channels.acquire('a:1', { channel: { x: 1, y: { p: 1, q: 2 } } });
    await channels.acquire('a:1', { channel: { y: { q: 2, p: 1 }, x: 1 } });
    expect(board.wires).toHaveLength(1);
    await channels.acquire('a:1', { channel: { x: 2 } });
    expect(board.wires).toHaveLength(2);
  });

  it('M-M17 refuses a target that is none, and keeps nothing of it', async () => {
    const { channels, held } = await exchange();
    expect(await refusal(channels.acquire(''))).toBe('invalid_argument');
    expect(channels.counts).toMatchObject({ open: 0, connecting: 0, leases: 0 });
    expect(held('channel')).toBe(0);
  });

  it('M-M18 L9 D-6 tells all who wait for an unreachable target, and lets nobody else wait', async () => {
    const { channels, board, leased } = await exchange();
    const asked = [refusal(channels.acquire('dead:1')), refusal(channels.acquire('dead:1'))];
    const other = await leased('a:1');
    expect(other.open).toBe(true);
    board.last('dead:1').refuses();
    expect(await Promise.all(asked)).toEqual(['channel_failed', 'channel_failed']);
    expect(board.last('dead:1')).toMatchObject({ state: 'closed', closings: 1 });
    expect(channels.views().map(({ target }) => target)).toEqual(['a:1']);
  });

  it('D-6 ends a connect that is never answered by its own deadline, and makes the next one anew', async () => {
    const { channels, board, clock, notes } = await exchange();
    const asked = channels.acquire('mute:1');
    const failed = expect(asked).rejects.toThrow('channel to mute:1: no answer within 5000 ms');
    clock.advance(4_999);
    expect(board.last('mute:1').state).toBe('connecting');
    clock.advance(1);
    await failed;
    expect(board.last('mute:1').state).toBe('closed');
    expect(notes).toEqual(['channel.failed mute:1']);
    void channels.acquire('mute:1').catch(() => {});
    expect(board.wires).toHaveLength(2);
  });
});

describe('a lease', () => {
  it('S0-20 takes only its own calls along, and counts what is open', async () => {
    const { channels, leased, board } = await exchange();
    const [ann, bob] = [await leased('a:1'), await leased('a:1')];
    const [anns, bobs] = [call(), call()];
    ann.track(anns);
    bob.track(bobs);
    expect(channels.views()[0]).toMatchObject({ leases: 2, calls: 2 });
    ann.release();
    expect([anns.cancelled, bobs.cancelled]).toEqual([1, 0]);
    expect(board.last('a:1').state).toBe('ready');
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
    const { channels, board, app } = await exchange({ channelsMax: 1 });
    const scope = new Scope({ owner: 'x', clock: app.system.clock, census: app.system.census, crash: () => {} });
    board.prompt = true;
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
    const { channels, board } = await exchange();
    const census = new Census();
    const scope = new Scope({ owner: 'x', clock: new VirtualClock(), census, crash: () => {} });
    board.prompt = true;
    (await channels.acquire('a:1', { scope })).release();
    await refusal(channels.acquire('', { scope }));
    expect(census.totals()).toEqual({});
  });
});

describe('a channel whose connection is lost', () => {
  it('S0-24 M-M8 M-M9 is gone at once and made anew for the next who asks', async () => {
    const { channels, leased, board, notes } = await exchange();
    const lease = await leased('a:1');
    const first = board.last('a:1');
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
    const { leased, board, channels } = await exchange();
    const lease = await leased('a:1');
    const running = call();
    const over = lease.track(running);
    board.last('a:1').dies();
    expect(channels.views()).toMatchObject([{ state: 'closing', calls: 1 }]);
    const next = await leased('a:1');
    expect(board.wires).toHaveLength(2);
    over();
    expect(board.wires[0]?.state).toBe('closed');
    expect(running.cancelled).toBe(0);
    expect(next.open).toBe(true);
  });

  it('M-M19 leaves the pool empty when five are killed', async () => {
    const { leased, board, channels, held } = await exchange({ channelsMax: 5 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await leased(`${name}:1`);
    expect(channels.counts?.open).toBe(5);
    for (const wire of board.wires) wire.dies();
    expect(channels.views()).toEqual([]);
    expect(channels.counts).toMatchObject({ open: 0, leases: 0, idle: 0 });
    expect(held('channel')).toBe(0);
  });
});

describe('a pool with no room left', () => {
  it('S3-19 D-5 L7 M-M21 closes the least recently used idle channel for the fourth', async () => {
    const { leased, board, channels, notes } = await exchange();
    for (const target of ['a:1', 'b:1', 'c:1']) (await leased(target)).release();
    await leased('d:1');
    expect(board.wires.map(({ target, state }) => `${target} ${state}`)).toEqual([
      'a:1 closed',
      'b:1 ready',
      'c:1 ready',
      'd:1 ready',
    ]);
    expect(channels.counts).toMatchObject({ open: 3, evictions: 1 });
    expect(notes).toEqual(['channel.evicted a:1']);
  });

  it('L8 M-M22 goes by use and not by age, within one and the same millisecond too', async () => {
    const { leased, board } = await exchange();
    for (const target of ['a:1', 'b:1', 'c:1', 'a:1']) (await leased(target)).release();
    await leased('d:1');
    expect(board.standing.map(({ target }) => target)).toEqual(['a:1', 'c:1', 'd:1']);
  });

  it('D-5 never takes one in use while an idle one exists', async () => {
    const { leased, board } = await exchange();
    const oldest = await leased('a:1');
    await leased('b:1');
    (await leased('c:1')).release();
    await leased('d:1');
    expect(oldest.open).toBe(true);
    expect(board.standing.map(({ target }) => target)).toEqual(['a:1', 'b:1', 'd:1']);
  });

  it('D-5 waits when all are in use, and refuses after its deadline', async () => {
    const { leased, channels, clock, board } = await exchange();
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
    expect(board.wires).toHaveLength(3);
    expect(await refusal(channels.acquire('d:1', { waitMs: 0 }))).toBe('channels_busy');
  });

  it('gives the room to whoever has waited longest, and to all who want the same', async () => {
    const { leased, channels, board } = await exchange({ channelsMax: 1 });
    const only = await leased('a:1');
    board.prompt = true;
    const asked = ['b:1', 'c:1', 'b:1'].map((target) => channels.acquire(target));
    only.release();
    const [first, , third] = asked;
    const [one, two] = [await first, await third];
    expect(one?.channel).toBe(two?.channel);
    expect(board.wires.map(({ target }) => target)).toEqual(['a:1', 'b:1']);
    one?.release();
    expect(board.wires).toHaveLength(2);
    two?.release();
    expect((await asked[1])?.target).toBe('c:1');
    expect(channels.counts).toMatchObject({ open: 1, waiting: 0, leases: 1 });
  });

  it('takes a channel that nobody waits for any more, though it is still connecting', async () => {
    const { channels, board, app } = await exchange({ channelsMax: 1 });
    const scope = new Scope({ owner: 'x', clock: app.system.clock, census: app.system.census, crash: () => {} });
    const gone = refusal(channels.acquire('mute:1', { scope }));
    await scope.dispose();
    expect(await gone).toBe('channel_failed');
    void channels.acquire('a:1').catch(() => {});
    expect(board.standing.map(({ target }) => target)).toEqual(['a:1']);
  });
});

describe('a channel that nobody uses', () => {
  it('S0-4 S0-5 is closed after its idle time, and the next use reconnects by itself', async () => {
    const { leased, board, clock, held } = await exchange();
    (await leased('a:1')).release();
    clock.advance(299_999);
    expect(board.last('a:1').state).toBe('ready');
    clock.advance(1);
    expect(board.last('a:1').state).toBe('closed');
    expect(held('channel')).toBe(0);
    expect((await leased('a:1')).open).toBe(true);
  });

  it('S0-4 begins its idle time anew with each use, and is never idled out under a lease', async () => {
    const { leased, board, clock } = await exchange();
    (await leased('a:1')).release();
    clock.advance(200_000);
    const lease = await leased('a:1');
    clock.advance(10_000_000);
    expect(board.last('a:1').state).toBe('ready');
    lease.release();
    clock.advance(299_999);
    expect(board.last('a:1').state).toBe('ready');
    clock.advance(1);
    expect(board.last('a:1').state).toBe('closed');
  });
});

describe('a channel that is shut', () => {
  it('M-M10 M-M11 M-M12 is gone; a second time, and for a stranger, there is nothing to do', async () => {
    const { leased, board, channels } = await exchange();
    const lease = await leased('a:1');
    await channels.close('a:1');
    expect(lease.open).toBe(false);
    expect(board.last('a:1').state).toBe('closed');
    await channels.close('a:1');
    await channels.close('nobody:1');
    expect(channels.views()).toEqual([]);
  });

  it('S0-19 waits up to 5 s for its calls, then cancels them before it closes', async () => {
    const { leased, board, channels, clock, notes } = await exchange();
    const lease = await leased('a:1');
    const wire = board.last('a:1');
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
    const { leased, board, channels } = await exchange();
    const lease = await leased('a:1');
    const wire = board.last('a:1');
    const order: string[] = [];
    lease.track({ cancel: () => order.push(`cancelled while ${wire.state}`) });
    const closed = channels.close('a:1');
    lease.release();
    await closed;
    expect(order).toEqual(['cancelled while ready']);
    expect(channels.counts?.forced).toBe(0);
  });

  it('S0-18 S0-24 is not handed out: who asks meanwhile gets a fresh one', async () => {
    const { leased, board, channels } = await exchange();
    const old = await leased('a:1');
    const over = old.track(call());
    const closed = channels.close('a:1');
    const fresh = await leased('a:1');
    expect(fresh.channel).toBe(board.wires[1]);
    expect(() => old.channel).toThrow('it is being shut');
    over();
    await closed;
    expect(board.standing).toEqual([board.wires[1]]);
  });

  it('S0-18 refuses those who still wait for it to connect', async () => {
    const { board, channels } = await exchange();
    const asked = refusal(channels.acquire('a:1'));
    await channels.close('a:1');
    expect(await asked).toBe('channel_failed');
    board.last('a:1').answers();
    expect(board.last('a:1').closings).toBe(1);
    expect(channels.counts).toMatchObject({ open: 0, leases: 0 });
  });
});

describe('the end of the pool', () => {
  it('S0-18 S0-19 gives calls their time, refuses newcomers, and leaves nothing', async () => {
    const { leased, channels, board, app, clock, held } = await exchange();
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
    expect(board.standing.map(({ target }) => target)).toEqual(['a:1']);
    clock.advance(5_000);
    await stopped;
    expect(running.cancelled).toBe(1);
    expect(board.standing).toEqual([]);
    expect(held('channel')).toBe(0);
    expect(await refusal(channels.acquire('a:1'))).toBe('draining');
  });

  it('I-own closes every channel when it crashes, and begins again with none', async () => {
    const { leased, channels, board, crash, held } = await exchange();
    const lease = await leased('a:1');
    const running = call();
    lease.track(running);
    const connecting = refusal(channels.acquire('b:1'));
    crash();
    expect(await connecting).not.toBe('granted');
    expect(board.standing).toEqual([]);
    expect(running.cancelled).toBe(1);
    expect(lease.open).toBe(false);
    expect(held('channel')).toBe(0);
    expect(channels.counts).toMatchObject({ open: 0, leases: 0 });
    lease.release();
    expect((await leased('a:1')).open).toBe(true);
    expect(channels.counts).toMatchObject({ open: 1, leases: 1 });
  });
});
