/**
 * One process of the simulated world: a node of the product's own code that starts, is paused, crashes and starts anew. Each
 * start is another life; what was for an earlier one is lost, and what comes during a pause waits and loses its order.
 */
import { createActor } from 'xstate';
import type { Ownership } from '../../src/cluster/holding.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import type { ClusterNote } from '../../src/cluster/node-parts.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import type { Rules } from '../../src/cluster/rules.js';
import type { Clock } from '../../src/otp/clock.js';
import { type EngineFaults, SimulatedEngine } from './simulated-engine.js';
import type { SimulatedStore } from './simulated-store.js';
import { type Dice, driftingClock, type Network, type Timeline } from './simulated-world.js';
import type { FragileNode } from './trouble.js';

/** What every part of a history is made of. */
export interface World {
  readonly dice: Dice;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly store: SimulatedStore;
  readonly options: ClusterOptions;
  readonly rules: Rules;
  readonly engineFaults: EngineFaults;
  readonly nodes: readonly SimulatedNode[];
  fail(text: string): void;
}

/** What a life of a node is told to do and tells of. */
export interface LifeHooks {
  /** The engine as this life sees it; may be wrapped. */
  engine(engine: SimulatedEngine, node: SimulatedNode): SimulatedEngine;
  /** A new life begins; its node runs already. */
  began(node: SimulatedNode): void;
  /** Its process has gone. */
  crashed(node: SimulatedNode): void;
  noted(node: SimulatedNode, type: ClusterNote, detail: Readonly<Record<string, unknown>>): void;
}

export class SimulatedNode implements FragileNode {
  readonly name: string;
  troubledMs = 0;
  paused = false;
  crashed = true;
  /** Of this life. */
  cluster!: ClusterNode;
  clock!: Clock;
  life = 0;
  readonly owned = new Map<string, Ownership>();
  readonly #world: World;
  readonly #hooks: LifeHooks;
  readonly #drift: number;
  #engines: SimulatedEngine[] = [];
  #inbox: (() => void)[] = [];

  constructor(name: string, world: World, hooks: LifeHooks) {
    this.name = name;
    this.#world = world;
    this.#hooks = hooks;
    this.#drift = 1 + (world.dice.roll() - 0.5) * 0.02;
  }

  /** Nothing was wrong with it nor with its way to the engine since then, nor with the engine. */
  wellSince(sinceMs: number): boolean {
    return this.troubledMs < sinceMs && this.#world.store.awayUntilMs < sinceMs && !this.crashed && !this.paused;
  }

  start(): void {
    const { timeline, dice, options, rules } = this.#world;
    this.life += 1;
    this.crashed = false;
    this.paused = false;
    this.#inbox = [];
    this.#engines = [];
    this.owned.clear();
    this.clock = driftingClock(timeline, this.#drift, this.#deliverTo(this.life));
    const cluster = new ClusterNode({
      name: this.name,
      engine: this.#hooks.engine(this.connect(), this),
      clock: this.clock,
      random: dice.roll,
      options,
      rules,
      note: (type, detail) => this.#hooks.noted(this, type, detail),
    });
    this.cluster = cluster;
    const actor = createActor(nodeLogic(cluster), { clock: this.clock });
    // Before it starts: its first state asks for a lease.
    cluster.start((event) => actor.send(event));
    actor.start();
    this.#hooks.began(this);
  }

  /** A connection of this life; `link` names its way where that is another than the node's own. */
  connect(link = this.name): SimulatedEngine {
    const { store, options, engineFaults } = this.#world;
    const engine = new SimulatedEngine(link, store, this.#deliverTo(this.life), options.answerMs, engineFaults);
    this.#engines.push(engine);
    return engine;
  }

  crash(): void {
    this.crashed = true;
    for (const engine of this.#engines) engine.forget();
    this.owned.clear();
    this.#hooks.crashed(this);
  }

  pause(ms: number): void {
    const { timeline, dice } = this.#world;
    const { life } = this;
    this.paused = true;
    timeline.after(ms, () => {
      if (life !== this.life) return;
      this.paused = false;
      const inbox = this.#inbox;
      this.#inbox = [];
      // Timers, sockets and signals of a process that wakes come in no order that could be relied on.
      for (let i = inbox.length - 1; i > 0; i -= 1) {
        const j = dice.below(i + 1);
        if (!dice.chance(0.3)) continue;
        [inbox[i], inbox[j]] = [inbox[j] as () => void, inbox[i] as () => void];
      }
      for (const fn of inbox) fn();
    });
  }

  /** Runs in the node's own time, if it still lives the same life then. */
  own(fn: () => void): void {
    this.#deliverTo(this.life)(fn);
  }

  /** Again and again in this life, by the world's time and in the node's own. */
  every(ms: () => number, fn: () => void): void {
    const { life } = this;
    const deliver = this.#deliverTo(life);
    const again = (): void => {
      if (life !== this.life || this.crashed) return;
      deliver(fn);
      this.#world.timeline.after(ms(), again);
    };
    this.#world.timeline.after(ms(), again);
  }

  /** To whoever lives now; what was for an earlier life is lost. */
  #deliverTo(life: number): (fn: () => void) => void {
    return (fn) => {
      if (this.crashed || life !== this.life) return;
      if (this.paused) this.#inbox.push(() => life === this.life && !this.crashed && fn());
      else fn();
    };
  }
}
