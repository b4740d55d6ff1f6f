/**
 * One seeded history of several nodes that all want the same cameras, exclusively, with everything going wrong that may. A camera
 * notices nothing of tokens here: that nobody reads it beside somebody else is the protocol's alone.
 *
 *     X1 no two nodes read a key at one moment     X3 in the end every key that is wanted is read by one
 *     X2 nobody reads after the engine ended its lease
 */
import { createActor } from 'xstate';
import type { Ownership } from '../../src/cluster/holding.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import { readLease } from '../../src/cluster/record.js';
import { RULES, type Rules } from '../../src/cluster/rules.js';
import { SimulatedEngine } from './simulated-engine.js';
import { SimulatedStore } from './simulated-store.js';
import { Dice, driftingClock, Network, Timeline } from './simulated-world.js';
import { goWrong } from './trouble.js';

const OPTIONS = { ttlMs: 3_000, marginMs: 300, renewMs: 700, answerMs: 900, attempts: 3, resyncMs: 1_500 };
const NODES = ['A', 'B', 'C'];
const KEYS = ['camera.x', 'camera.y'];
const END_MS = 60_000;
/** From here on nothing goes wrong any more, and everything must settle. */
const CALM_MS = END_MS - 20_000;
/** Whoever reads a key after that keeps it. */
const LAST_RELEASE_MS = END_MS - 5_000;
/** How long a camera is read in one go, at most. */
const READ_MS = 8_000;

export interface ExclusiveOutcome {
  readonly faults: readonly string[];
  /** How often a key was granted. */
  readonly grants: number;
}

export function runExclusiveSeed(seed: number, rules: Partial<Rules> = {}): ExclusiveOutcome {
  const dice = new Dice(seed);
  const timeline = new Timeline(dice);
  const network = new Network(timeline, dice, CALM_MS);
  const store = new SimulatedStore(timeline, network, dice, OPTIONS.ttlMs);
  const faults: string[] = [];
  const fail = (text: string): void => {
    if (faults.length < 5) faults.push(`${Math.round(timeline.nowMs)} ms: ${text}`);
  };
  let grants = 0;

  class Reader {
    readonly name: string;
    readonly #drift = 1 + (dice.roll() - 0.5) * 0.02;
    readonly reading = new Map<string, Ownership>();
    readonly #wanting = new Set<string>();
    #engine: SimulatedEngine | undefined;
    #life = 0;
    #inbox: (() => void)[] = [];
    cluster!: ClusterNode;
    troubledMs = 0;
    paused = false;
    crashed = true;

    constructor(name: string) {
      this.name = name;
    }

    start(): void {
      this.#life += 1;
      const life = this.#life;
      this.crashed = this.paused = false;
      this.#inbox = [];
      const deliver = (fn: () => void): void => {
        if (this.crashed || life !== this.#life) return;
        if (this.paused) this.#inbox.push(() => deliver(fn));
        else fn();
      };
      const clock = driftingClock(timeline, this.#drift, deliver);
      this.#engine = new SimulatedEngine(this.name, store, deliver, OPTIONS.answerMs, {});
      this.cluster = new ClusterNode({
        name: this.name,
        engine: this.#engine,
        clock,
        random: dice.roll,
        options: OPTIONS,
        rules: { ...RULES, ...rules },
      });
      const actor = createActor(nodeLogic(this.cluster), { clock });
      this.cluster.start((event) => actor.send(event));
      actor.start();
      const again = (): void => {
        for (const key of KEYS) this.#want(key);
        clock.setTimeout(again, 200 + dice.roll() * 400);
      };
      clock.setTimeout(again, 0);
    }

    crash(): void {
      this.crashed = true;
      this.#engine?.forget();
      this.reading.clear();
      this.#wanting.clear();
    }

    pause(ms: number): void {
      this.paused = true;
      timeline.after(ms, () => {
        this.paused = false;
        for (const fn of this.#inbox.splice(0)) fn();
      });
    }

    /** As an attempt at a source does. */
    #want(key: string): void {
      if (this.reading.has(key) || this.#wanting.has(key)) return;
      this.#wanting.add(key);
      const life = this.#life;
      this.cluster.claimExclusive(key, (answer) => {
        this.#wanting.delete(key);
        if (answer.type !== 'owned' || life !== this.#life) return;
        grants += 1;
        this.#read(key, answer.ownership);
      });
    }

    #read(key: string, ownership: Ownership): void {
      this.reading.set(key, ownership);
      ownership.signal.addEventListener('abort', () => this.reading.delete(key), { once: true });
      const life = this.#life;
      timeline.after(dice.roll() * READ_MS, () => {
        if (life === this.#life && !this.paused && timeline.nowMs < LAST_RELEASE_MS) ownership.release();
      });
    }
  }

  const nodes = NODES.map((name) => new Reader(name));
  for (const node of nodes) node.start();

  /** Who takes a picture of the key at this moment. A process that stands still takes none. */
  const readers = (key: string): readonly Reader[] =>
    nodes.filter(({ crashed, paused, reading }) => !crashed && !paused && reading.get(key)?.current());
  const look = (): void => {
    for (const key of KEYS) {
      const now = readers(key);
      if (now.length > 1) fail(`X1 ${key} is read by ${now.map(({ name }) => name).join(' and ')}`);
      for (const { name, cluster } of now) {
        const lease = readLease(store.records.get('nodes', name)?.value);
        if (lease?.inc !== cluster.inc) fail(`X2 ${name}/${cluster.inc} reads ${key} without a lease`);
      }
    }
    timeline.after(10 + dice.roll() * 30, look);
  };
  look();
  const trouble = (): void => {
    if (timeline.nowMs < CALM_MS) goWrong({ timeline, dice, network, store, nodes });
    timeline.after(1_500 + dice.roll() * 2_500, trouble);
  };
  timeline.after(2_000, trouble);

  timeline.run(END_MS);
  for (const key of KEYS) {
    const names = readers(key).map(({ name }) => name);
    if (names.length !== 1) fail(`X3 ${key} is read by ${names.join(' and ') || 'nobody'} in the end`);
  }
  return { faults, grants };
}
