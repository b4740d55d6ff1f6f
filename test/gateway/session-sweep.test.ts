import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WholeGateway } from './whole-gateway.js';

const GRACE_MS = 60_000;

let whole: WholeGateway;
beforeEach(async () => {
  whole = await WholeGateway.start({ services: { sweepMs: 61_000 } });
});
afterEach(() => whole.stop());

/** Timers of this length are set and never fire, as in a process whose clock has jumped. */
function loseTimers(ms: number): void {
  const set = whole.clock.setTimeout.bind(whole.clock);
  whole.clock.setTimeout = (fn, after) => set(after === ms ? () => {} : fn, after);
}

describe('a session whose timer was lost', () => {
  it('S1-8 is removed by the sweep when it has waited for twice its time, and not before', async () => {
    loseTimers(GRACE_MS);
    const { control } = await whole.hello('desk');
    control.peerCancelled();
    await whole.settle();
    expect(whole.states).toEqual(['desk grace']);
    expect(whole.live.cleanUp()).toMatchObject({ sessions: 0 });
    await whole.pass(2 * GRACE_MS);
    expect(whole.live.cleanUp(), 'not more than twice').toMatchObject({ sessions: 0 });
    expect(whole.states).toEqual(['desk grace']);
    await whole.pass(1);
    expect(whole.live.cleanUp()).toMatchObject({ sessions: 1 });
    await whole.settle();
    expect(whole.states).toEqual([]);
    expect(whole.ends('sluice/sessions/session:desk')).toHaveLength(1);
  });

  it('S1-8 is removed by the janitor too, when nobody asks for it', async () => {
    loseTimers(GRACE_MS);
    const { control } = await whole.hello('desk');
    control.peerCancelled();
    for (let minute = 0; minute < 5; minute += 1) await whole.pass(60_000);
    expect(whole.states).toEqual([]);
    const swept = whole.live.events().filter(({ type }) => type === 'swept');
    expect(swept).toMatchObject([{ detail: { sessions: 1 } }]);
  });
});

describe('a session that is well', () => {
  it('S1-9 is gone by itself when its grace is over: the sweep finds nothing, however often it is run', async () => {
    for (let run = 0; run < 20; run += 1) {
      const { control } = await whole.hello(`desk-${run % 3}`);
      whole.live.cleanUp();
      control.peerCancelled();
      await whole.settle();
      expect(whole.live.cleanUp()).toMatchObject({ sessions: 0 });
      await whole.pass(GRACE_MS + 1);
      expect(whole.states).toEqual([]);
    }
    expect(whole.live.resources()).toMatchObject({ sessions: 0, clients: 0, orphans: 0 });
  });

  it('is left alone for as long as its client is here, and when that comes back', async () => {
    const { control } = await whole.hello('desk');
    for (let hour = 0; hour < 3; hour += 1) {
      whole.live.cleanUp();
      for (let n = 0; n < 200; n += 1) {
        control.heartbeat(n);
        await whole.pass(10_000);
      }
    }
    expect(whole.states).toEqual(['desk connected']);
  });
});
