/**
 * What nodes offer to each other over an engine in memory, on virtual time: the product's own node and sharing. Services and
 * topics across whole gateways are in `neighbours.test.ts`.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import type { Engine } from '../../src/cluster/engine.js';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import { Sharing } from '../../src/cluster/sharing.js';
import { Calls } from '../../src/gateway/calls.js';
import { Neighbours } from '../../src/gateway/neighbours.js';
import { Services } from '../../src/gateway/services.js';
import { Topics } from '../../src/gateway/topics.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { MovingEngine } from './moving-engine.js';
import { pass as passTime, settle } from './virtual-time.js';

/** A node that shares its cameras; it has no clients. */
class Sharer {
  readonly cameras = new Set<string>();
  readonly node: ClusterNode;
  readonly sharing: Sharing;
  readonly gone: string[] = [];
  readonly #actor;

  constructor(engine: Engine, clock: VirtualClock, name: string) {
    this.node = new ClusterNode({ name, engine, clock, random: () => 0.5, note: () => this.sharing.reconcile() });
    const none = () => undefined;
    const parts = { services: new Services(none), calls: new Calls(none), topics: new Topics(none) };
    this.sharing = new Sharing({
      node: this.node,
      clock,
      neighbours: new Neighbours({ ...parts, supervisor: none }),
      cameras: () => [...this.cameras],
      onGone: (node) => this.gone.push(node),
    });
    this.#actor = createActor(nodeLogic(this.node), { clock });
    this.sharing.start();
    this.node.start((event) => this.#actor.send(event));
    this.#actor.start();
  }

  async vanish(): Promise<void> {
    this.sharing.close();
    this.#actor.stop();
    await this.node.engine.close();
    this.node.close();
  }
}

describe('what a node offers', () => {
  let clock: VirtualClock;
  const sharers: Sharer[] = [];
  const ends: (() => void)[] = [];

  const pass = (ms: number): Promise<void> => passTime(clock, ms);
  const sharer = (engine: Engine, name: string): Sharer => {
    const one = new Sharer(engine, clock, name);
    sharers.push(one);
    return one;
  };
  const hubOf = (era: number): MemoryHub => {
    const hub = new MemoryHub({ clock, ttlMs: 12_000, era });
    ends.push(() => hub.close());
    return hub;
  };
  const pairInMemory = async () => {
    const hub = hubOf(1);
    const pair = [sharer(hub.connect(), 'west'), sharer(hub.connect(), 'east')] as const;
    await settle();
    return pair;
  };

  beforeEach(() => {
    clock = new VirtualClock();
  });

  afterEach(async () => {
    for (const one of sharers.splice(0)) await one.vanish();
    for (const end of ends.splice(0)) end();
    expect(clock.pending).toBe(0);
  });

  it('M-G16 M-G17 lives its whole life: found nowhere, stored, found elsewhere, taken back, not available', async () => {
    const [west, east] = await pairInMemory();
    expect(east.sharing.nodeOf('front')).toBeUndefined();
    west.cameras.add('front');
    west.sharing.changed();
    await pass(100);
    expect(east.sharing.nodeOf('front')).toBe('west');
    expect(east.sharing.offerOf('west')?.cameras).toEqual(new Set(['front']));
    expect(west.sharing.nodeOf('front'), 'one does not look for what one has').toBeUndefined();
    west.cameras.delete('front');
    west.sharing.changed();
    await pass(100);
    expect(east.sharing.nodeOf('front')).toBeUndefined();
    west.cameras.add('front');
    west.sharing.changed();
    await pass(100);
    await west.vanish();
    // Heard no more long before its lease is over.
    await pass(5_000);
    expect(east.sharing.nodeOf('front')).toBeUndefined();
    expect(east.gone).toEqual(['west']);
    await pass(40_000);
    expect(east.sharing.offerOf('west')).toBeUndefined();
    sharers.shift();
  });

  it('M-G10 is read again in turn, though its watch stands still', async () => {
    const hub = hubOf(1);
    const west = sharer(new MovingEngine(hub), 'west');
    const east = sharer(new MovingEngine(hub, 'services'), 'east');
    west.cameras.add('front');
    await pass(200);
    await pass(10_000);
    expect(east.sharing.nodeOf('front')).toBe('west');
    west.cameras.delete('front');
    west.sharing.changed();
    await pass(10_000);
    expect(east.sharing.nodeOf('front')).toBeUndefined();
  });

  it('is known again soon after the engine has begun a new era, in which revisions are low', async () => {
    const hub = hubOf(1);
    const engines = [new MovingEngine(hub), new MovingEngine(hub)] as const;
    const [west, east] = [sharer(engines[0], 'west'), sharer(engines[1], 'east')];
    for (let n = 0; n < 20; n += 1) {
      for (const one of [west, east]) one.cameras.add(`${one.node.name}-${n}`);
      for (const one of [west, east]) one.sharing.changed();
      await pass(200);
    }
    const anew = hubOf(2);
    for (const engine of engines) await engine.moveTo(anew);
    for (const one of [west, east]) one.cameras.add(`${one.node.name}-late`);
    await pass(4_000);
    expect([west.node.era, east.node.era]).toEqual([2, 2]);
    expect(east.sharing.nodeOf('west-late')).toBe('west');
    expect(west.sharing.nodeOf('east-late')).toBe('east');
  });
});
