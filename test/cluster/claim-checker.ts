/**
 * Nodes that take keys from each other as fast as they can, and the book of what they were granted: no token twice, none
 * lower than one that had been acknowledged before its claim began, and none that was acknowledged missing in the end.
 */
import { createActor } from 'xstate';
import type { ClaimAnswer } from '../../src/cluster/claim-words.js';
import type { Engine } from '../../src/cluster/engine.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { realClock } from '../../src/otp/clock.js';

export class Claimer {
  readonly node: ClusterNode;
  readonly notes: string[] = [];
  readonly #noted = new Map<string, () => void>();
  readonly #actor;

  constructor(name: string, engine: Engine, options: Partial<ClusterOptions> = {}) {
    this.node = new ClusterNode({
      name,
      engine,
      clock: realClock,
      random: Math.random,
      options,
      note: (type) => {
        this.notes.push(type);
        this.#noted.get(type)?.();
      },
    });
    this.#actor = createActor(nodeLogic(this.node));
    this.node.start((event) => queueMicrotask(() => this.#actor.send(event)));
    this.#actor.start();
  }

  /** Resolves with the next note of that type. */
  noted(type: string): Promise<void> {
    return new Promise((resolve) => this.#noted.set(type, resolve));
  }

  claim(key: string): Promise<ClaimAnswer> {
    return new Promise((resolve) => this.node.claim(key, 0, resolve));
  }

  async close(): Promise<void> {
    this.#actor.stop();
    this.node.close();
    await this.node.engine.close();
  }
}

export class ClaimBook {
  acknowledged = 0;
  refused = 0;
  longestGapMs = 0;
  readonly faults: string[] = [];
  readonly latenciesMs: number[] = [];
  readonly #granted = new Map<string, string>();
  readonly #highest = new Map<string, number>();
  #lastMs = performance.now();

  /** One claim after another on any of the keys until `over`. */
  async claimOn(claimer: Claimer, keys: readonly string[], over: () => boolean): Promise<void> {
    while (!over()) {
      const key = keys[Math.floor(Math.random() * keys.length)] as string;
      const floor = this.#highest.get(key) ?? 0;
      const beganMs = performance.now();
      const answer = await claimer.claim(key);
      if (answer.type === 'owned') this.#record(key, answer.ownership.token, floor, beganMs, claimer.node.name);
      else this.refused += 1;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Compares with what the engine says in the end. */
  async compare(engine: Engine): Promise<void> {
    for (const [key, rev] of this.#highest) {
      const standing = await new Promise<number | undefined>((resolve) =>
        engine.get('own', key, (answer) => resolve(answer.type === 'read' ? (answer.entry?.rev ?? 0) : undefined)),
      );
      if (standing === undefined) this.faults.push(`${key}: the engine does not answer`);
      else if (standing < rev) this.faults.push(`${key}: ${rev} was acknowledged and ${standing} stands there`);
    }
  }

  #record(key: string, { era, rev }: { era: number; rev: number }, floor: number, beganMs: number, who: string): void {
    const nowMs = performance.now();
    this.latenciesMs.push(nowMs - beganMs);
    this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.acknowledged += 1;
    const token = `${era}.${rev}`;
    const before = this.#granted.get(token);
    if (before !== undefined) this.faults.push(`token ${token} was granted to ${before} and to ${who} for ${key}`);
    this.#granted.set(token, `${who} for ${key}`);
    if (rev <= floor) this.faults.push(`${key}: ${rev} came after ${floor} had been acknowledged`);
    this.#highest.set(key, Math.max(this.#highest.get(key) ?? 0, rev));
  }
}
