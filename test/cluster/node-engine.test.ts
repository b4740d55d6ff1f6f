/** A node whose engine says nothing, or less than it did; on virtual time. */
import { describe, expect, it } from 'vitest';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { CLUSTER_DEFAULTS } from '../../src/cluster/options.js';
import { DOUBTS_MAX, LOOKS } from '../../src/cluster/rules.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { HeldEngine } from './held-engine.js';
import { Member } from './member.js';
import { settle } from './virtual-time.js';

describe('a node whose engine is silent', () => {
  it('learns within a heartbeat that it may act no more, though nobody asks it', async () => {
    const clock = new VirtualClock();
    const engine = new HeldEngine(clock);
    const member = new Member(engine, clock, 'a');
    // Asked for between two renewals, so that none of them happens to come at its deadline.
    clock.advance(300);
    engine.answerAll();
    expect(member.node.state).toBe('up');
    while (member.node.leaseMs > 0) clock.advance(10);
    clock.advance(CLUSTER_DEFAULTS.heartbeatMs);
    expect(member.notes).toContain('cluster.fenced');
    await member.vanish();
  });
});

describe('an engine that was put back', () => {
  /** A node that has seen two writes. */
  const owner = async () => {
    const clock = new VirtualClock();
    const hub = new MemoryHub({ clock, ttlMs: 12_000, era: 1 });
    const member = new Member(hub.connect(), clock, 'a');
    await settle();
    const owned = await member.own('k');
    await member.own('l');
    return { clock, hub, member, owned };
  };

  it('halts every node until a new era, and tells it', async () => {
    const { clock, hub, member, owned } = await owner();
    // What was acknowledged is gone: the last write is older than one that was seen.
    const lastRev = hub.records.lastRev.bind(hub.records);
    hub.records.lastRev = (bucket) => (bucket === 'own' ? 1 : lastRev(bucket));
    clock.advance(1_500);
    await settle();
    expect([member.node.state, owned.current()], 'it acts no more').toEqual(['fenced', false]);
    // It asks again when it has kept still, and with each further try to join.
    for (let answers = 2; answers <= DOUBTS_MAX; answers += 1) {
      expect(member.notes).not.toContain('cluster.wentBack');
      clock.advance(answers === 2 ? 100 : 2_000);
      await settle();
    }
    expect(member.node.state).toBe('halted');
    expect(member.notes).toContain('cluster.wentBack');
    expect((await member.claim('k')).type).toBe('fenced');
    hub.records.lastRev = lastRev;
    (hub as { era: number }).era = 2;
    clock.advance(5_000);
    await settle();
    clock.advance(5_000);
    await settle();
    expect(member.node.state).toBe('up');
    expect((await member.own('m')).token.era).toBe(2);
    await member.vanish();
    hub.close();
  });

  it('is not believed to be when one of its servers lags behind and catches up', async () => {
    const { clock, hub, member, owned } = await owner();
    const lastRev = hub.records.lastRev.bind(hub.records);
    for (let times = 0; times < 5; times += 1) {
      hub.records.lastRev = (bucket) => (bucket === 'own' ? 1 : lastRev(bucket));
      for (const ms of [1_500, 100]) {
        clock.advance(ms);
        await settle();
      }
      expect(member.node.state).toBe('joining');
      hub.records.lastRev = lastRev;
      clock.advance(2_000);
      await settle();
      expect(member.node.state).toBe('up');
    }
    expect(owned.current()).toBe(false);
    expect(member.notes).not.toContain('cluster.wentBack');
    await member.vanish();
    hub.close();
  });

  it('goes on when the answer that comes first is of such a server, and another one is not', async () => {
    const { clock, hub, member, owned } = await owner();
    const lastRev = hub.records.lastRev.bind(hub.records);
    let asked = 0;
    hub.records.lastRev = (bucket) => (bucket === 'own' && ++asked % LOOKS !== 0 ? 1 : lastRev(bucket));
    for (let times = 0; times < 10; times += 1) {
      clock.advance(1_500);
      await settle();
    }
    expect(asked).toBeGreaterThan(10);
    expect([member.node.state, owned.current()]).toEqual(['up', true]);
    await member.vanish();
    hub.close();
  });
});
