/** A node of a cluster without a gateway around it. */
import { createActor } from 'xstate';
import type { Engine } from '../../src/cluster/engine.js';
import type { Ownership } from '../../src/cluster/holding.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import { realClock } from '../../src/otp/clock.js';

export class BenchNode {
  readonly node: ClusterNode;
  /** When something of it was noted first. */
  readonly notes = new Map<string, number>();
  readonly #actor;

  constructor(name: string, engine: Engine) {
    const note = (type: string): void => {
      if (!this.notes.has(type)) this.notes.set(type, performance.now());
    };
    this.node = new ClusterNode({ name, engine, clock: realClock, random: Math.random, note });
    this.#actor = createActor(nodeLogic(this.node));
    this.node.start((event) => queueMicrotask(() => this.#actor.send(event)));
    this.#actor.start();
  }

  async up(): Promise<void> {
    while (this.node.state !== 'up') await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Again where somebody was quicker. */
  async claim(key: string): Promise<Ownership> {
    for (;;) {
      const answer = await new Promise<Parameters<Parameters<ClusterNode['claim']>[2]>[0]>((resolve) =>
        this.node.claim(key, 0, resolve),
      );
      if (answer.type === 'owned') return answer.ownership;
      if (answer.type !== 'superseded' && answer.type !== 'unavailable') throw new Error(answer.type);
    }
  }

  async close(): Promise<void> {
    this.#actor.stop();
    this.node.close();
    await this.node.engine.close();
  }
}
