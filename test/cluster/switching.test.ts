/** Two gateways, one engine, real clients: whoever connects elsewhere is gone here, and nobody acts in their name twice. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { compareTokens } from '../../src/cluster/token.js';
import type { SluiceGateway } from '../../src/create-gateway.js';
import { realClock } from '../../src/otp/clock.js';
import { exit } from '../../src/otp/signals.js';
import { ThirdParty } from '../gateway/third-party.js';
import { type Pair, startPair, Visit } from './two-gateways.js';

const SWITCHES = 50;
const APPS = ['captions', 'translate', 'notes'];

const until = async (what: () => unknown): Promise<void> => {
  for (let n = 0; n < 1_000; n += 1) {
    if (what()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`it has not come: ${what}`);
};

describe('two gateways that share an engine', () => {
  let hub: MemoryHub;
  let pair: Pair;
  let north: SluiceGateway;
  let south: SluiceGateway;
  const visits: Visit[] = [];
  const visit = (...args: ConstructorParameters<typeof Visit>): Visit => {
    const one = new Visit(...args);
    visits.push(one);
    return one;
  };

  beforeEach(async () => {
    hub = new MemoryHub({ clock: realClock, ttlMs: 12_000 });
    pair = await startPair(() => async () => hub.connect());
    [north, south] = pair.gateways;
  });

  afterEach(async () => {
    for (const one of visits.splice(0)) one.close();
    await pair.stop();
    hub.close();
    expect(north.census()).toEqual({});
    expect(south.census()).toEqual({});
  });

  it('D-18 S4-22 give a user who connects to the other one a new session there, and tell the old connection why', async () => {
    const first = visit(north, 'ada');
    await first.welcomed;
    const second = visit(south, 'ada');
    await second.welcomed;
    const status = await first.ended;
    expect(status.details).toMatch(/^superseded/);
    expect(first.bye).toEqual({ reason: 'superseded', reconnect: false });
    await until(() => north.sessions.get('ada') === undefined);
    expect(south.sessions.get('ada')?.connected).toBe(true);
    expect(compareTokens(second.token ?? { era: 0, rev: 0 }, first.token ?? { era: 0, rev: 0 })).toBeGreaterThan(0);
  });

  it('end a session in grace whose user has come back to the other one', async () => {
    const first = visit(north, 'ada');
    await first.welcomed;
    first.close();
    await until(() => north.sessions.get('ada')?.state === 'grace');
    await visit(south, 'ada').welcomed;
    await until(() => north.sessions.get('ada') === undefined);
  });

  it('end a session at once, without a grace, when the right to act for it is lost', async () => {
    const first = visit(north, 'ada');
    await first.welcomed;
    // Its key is gone from under it, as after a pause beyond the lease.
    north.cluster?.dropAll('fenced');
    await first.ended;
    expect(first.bye).toEqual({ reason: 'fenced', reconnect: true });
    await until(() => north.sessions.get('ada') === undefined);
  });

  it('end a session that is to end, also when its client dies at that very moment of something else', async () => {
    const first = visit(north, 'ada');
    await first.welcomed;
    const session = north.sessions.get('ada');
    session?.end({ shutdown: 'fenced' });
    exit(session?.client.process.ref as AnyActorRef, 'kill');
    await until(() => north.sessions.get('ada') === undefined);
  });

  it('S4-24 give a user who comes with a token of the other one no session by it, and a fresh one without', async () => {
    const first = visit(north, 'ada');
    await first.welcomed;
    await expect(visit(south, 'ada', 0, first.resumeToken).welcomed).rejects.toThrow(/unauthenticated/);
    expect(north.sessions.get('ada')?.connected).toBe(true);
    const second = visit(south, 'ada');
    await second.welcomed;
    expect(second.resumeToken).not.toBe(first.resumeToken);
  });

  it('refuse a connect that is older than one that the other has seen', async () => {
    await visit(south, 'ada', 7).welcomed;
    const stale = visit(north, 'ada', 6);
    await expect(stale.welcomed).rejects.toThrow(/stale_connect/);
    expect(south.sessions.get('ada')?.connected).toBe(true);
    await visit(north, 'ada', 8).welcomed;
    await until(() => south.sessions.get('ada') === undefined);
  });

  it('leave a call without hello where it is: it takes nobody from the other one', async () => {
    const ada = visit(south, 'ada');
    await ada.welcomed;
    const caller = visit(north, 'bob');
    await caller.welcomed;
    await expect(caller.client.call({ procedure: 'nobody' }, { nodeId: 'ada' })).rejects.toThrow(/not_found/);
    expect(south.sessions.get('ada')?.connected).toBe(true);
    expect(ada.bye).toBeUndefined();
  });

  it('forget a user who left: the next session is anywhere, and higher', async () => {
    const first = visit(north, 'ada');
    await first.welcomed;
    first.leave();
    await first.ended;
    await until(() => north.cluster?.held === 0);
    const second = visit(south, 'ada');
    await second.welcomed;
    expect(second.token?.rev).toBeGreaterThan(first.token?.rev ?? 0);
  });

  it(`S4-11 S4-12 S4-22 D-16 start each of three apps once per switch over ${SWITCHES} switches, and the old gateway says nothing after it was superseded`, async () => {
    const parties = await Promise.all(
      APPS.map(async () => {
        const party = new ThirdParty();
        await party.listen();
        return party;
      }),
    );
    const startApps = async (gateway: SluiceGateway): Promise<void> => {
      await until(() => gateway.sessions.get('ada')?.connected);
      const apps = gateway.sessions.get('ada')?.apps;
      await Promise.all(
        APPS.map((packageName, index) => {
          const target = (parties[index] as ThirdParty).target();
          return apps?.start({ packageName, start: target, stop: target });
        }),
      );
    };
    let before: Visit | undefined;
    for (let n = 0; n < SWITCHES; n += 1) {
      const gateway = n % 2 === 0 ? north : south;
      const now = visit(gateway, 'ada', n + 1);
      await now.welcomed;
      if (before) {
        await before.ended;
        expect(before.bye).toEqual({ reason: 'superseded', reconnect: false });
        before.close();
      }
      before = now;
      await startApps(gateway);
      await Promise.all(parties.map((party) => party.called(n + 1)));
    }
    for (const party of parties) {
      expect(party.forged).toEqual([]);
      expect(party.calls.map(({ type }) => type)).toEqual(Array.from({ length: SWITCHES }, () => 'app.start'));
      const tokens = party.calls.map(({ token }) => token);
      for (const [index, token] of tokens.entries()) {
        if (index > 0) expect(compareTokens(token, tokens[index - 1] as typeof token)).toBeGreaterThan(0);
      }
    }
    const last = SWITCHES % 2 === 1 ? north : south;
    before?.leave();
    await until(() => last.sessions.get('ada') === undefined);
    // Who leaves in order has its apps stopped, once each, by the gateway that owned it last.
    await Promise.all(parties.map((party) => party.called(SWITCHES + 1)));
    for (const party of parties) {
      expect(party.calls.at(-1)?.type).toBe('app.stop');
      await party.close();
    }
  });
});
