/** A node over an engine, as its tests drive it, and what it has noted. */
import { createActor } from 'xstate';
import type { ClaimAnswer } from '../../src/cluster/claim-words.js';
import type { Engine } from '../../src/cluster/engine.js';
import type { Ownership } from '../../src/cluster/holding.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import type { VirtualClock } from '../../src/otp/clock.js';

export class Member {
  readonly notes: string[] = [];
  readonly node: ClusterNode;
  readonly actor;

  constructor(engine: Engine, clock: VirtualClock, name: string) {
    this.node = new ClusterNode({
      name,
      engine,
      clock,
      random: () => 0.5,
      note: (type) => this.notes.push(type),
    });
    this.actor = createActor(nodeLogic(this.node), { clock });
    this.node.start((event) => this.actor.send(event));
    this.actor.start();
  }

  claim(key: string, ord = 0): Promise<ClaimAnswer> {
    return new Promise((resolve) => this.node.claim(key, ord, resolve));
  }

  async own(key: string, ord = 0): Promise<Ownership> {
    const answer = await this.claim(key, ord);
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
