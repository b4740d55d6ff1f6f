/** Claims that take nothing from anybody, on virtual time: for what cannot be relied on to check a token. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import type { ExclusiveAnswer } from '../../src/cluster/claim-words.js';
import type { Ownership } from '../../src/cluster/holding.js';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import { CLUSTER_DEFAULTS } from '../../src/cluster/options.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { pass as passTime, settle } from './virtual-time.js';

class Member {
  readonly node: ClusterNode;
  readonly actor;

  constructor(hub: MemoryHub, clock: VirtualClock, name: string) {
    this.node = new ClusterNode({ name, engine: hub.connect(), clock, random: () => 0.5 });
    this.actor = createActor(nodeLogic(this.node), { clock });
    this.node.start((event) => this.actor.send(event));
    this.actor.start();
  }

  claim(key = 'camera.door'): Promise<ExclusiveAnswer> {
    return new Promise((resolve) => this.node.claimExclusive(key, resolve));
  }

  async own(key?: string): Promise<Ownership> {
    const answer = await this.claim(key);
    if (answer.type !== 'owned') throw new Error(answer.type);
    return answer.ownership;
  }

  /** As a process that is killed: nothing is given back. */
  async vanish(): Promise<void> {
    this.actor.stop();
    await this.node.engine.close();
    this.node.close();
  }
}

describe('an exclusive claim', () => {
  const { ttlMs, marginMs, resyncMs } = CLUSTER_DEFAULTS;
  let clock: VirtualClock;
  let hub: MemoryHub;
  let a: Member;
  let b: Member;

  const pass = (ms: number): Promise<void> => passTime(clock, ms);

  /** Time passes until it is there. */
  const inTime = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false;
    void promise.finally(() => {
      over = true;
    });
    while (!over) await pass(10);
    return promise;
  };

  beforeEach(async () => {
    clock = new VirtualClock();
    hub = new MemoryHub({ clock, ttlMs, era: 1 });
    a = new Member(hub, clock, 'a');
    b = new Member(hub, clock, 'b');
    await settle();
  });

  afterEach(async () => {
    await a.vanish();
    await b.vanish();
    hub.close();
    expect(clock.pending).toBe(0);
  });

  it('takes what was never claimed, and nothing that is held; who holds it notices nothing', async () => {
    const first = await a.own();
    expect(await b.claim()).toEqual({ type: 'held', node: 'a' });
    expect(await a.claim()).toEqual({ type: 'held', node: 'a' });
    expect(first.current()).toBe(true);
  });

  it('takes at once what was given back, under a higher token; also by who gave it back, before the engine has said so', async () => {
    const first = await a.own();
    first.release();
    const second = await inTime(a.own());
    expect(second.token.rev).toBeGreaterThan(first.token.rev);
    second.release();
    await settle();
    const third = await b.own();
    expect(third.token.rev).toBeGreaterThan(second.token.rev);
    expect(a.node.ownership('camera.door')).toBeUndefined();
  });

  it('of two at once is granted once', async () => {
    const claims = Promise.all([a.claim(), b.claim()]);
    await pass(200);
    expect((await claims).map(({ type }) => type).sort()).toEqual(['held', 'owned']);
  });

  it('takes what a dead node held a margin after the end of its lease, and not before', async () => {
    await a.own();
    await a.vanish();
    const beganMs = clock.now();
    let answer = await b.claim();
    while (answer.type === 'held') {
      await pass(100);
      answer = await inTime(b.claim());
    }
    expect(answer.type).toBe('owned');
    const waitedMs = clock.now() - beganMs;
    expect(waitedMs).toBeGreaterThanOrEqual(ttlMs + marginMs);
    expect(waitedMs).toBeLessThan(ttlMs + marginMs + 2 * resyncMs);
  });

  it('is refused to who has no lease, and superseded by another of the same node', async () => {
    const [first, second] = [b.claim(), b.claim()];
    expect((await first).type).toBe('superseded');
    await pass(200);
    expect((await second).type).toBe('owned');
    a.node.dropAll('fenced');
    expect(await a.claim()).toEqual({ type: 'fenced' });
  });

  it('does not stop a plain claim, which may take from anybody', async () => {
    const first = await a.own();
    const answer = await new Promise<{ type: string }>((resolve) => b.node.claim('camera.door', 0, resolve));
    expect(answer.type).toBe('owned');
    await settle();
    expect(first.signal.reason).toBe('superseded');
  });
});
