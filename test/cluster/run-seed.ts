/**
 * One seeded history of several nodes and users who move between them, with everything that may go wrong going wrong, and the
 * invariants of ownership checked while it happens:
 *
 *     I1b at most one node acts under a token        I5 a living owner's record is not buried by others
 *     I2  tokens of a key rise                       I7 no older connect wins after a newer one
 *     I3  what a receiver accepts never goes back    I8 a monitor hears DOWN once
 *     I4  nobody acts after the engine ended its lease   I9 in the end every key has the one holder its record names
 *     I6  who was replaced notices in time
 */
import { createActor } from 'xstate';
import type { Ownership } from '../../src/cluster/holding.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { TokenReceiver } from '../../src/cluster/receiver.js';
import { readLease, readOwnRecord } from '../../src/cluster/record.js';
import { RULES, type Rules } from '../../src/cluster/rules.js';
import { compareTokens, type Token } from '../../src/cluster/token.js';
import { type EngineFaults, SimulatedEngine, SimulatedStore } from './simulated-engine.js';
import { Dice, driftingClock, Network, Timeline } from './simulated-world.js';
import { goWrong } from './trouble.js';

/** What is taken away from the protocol, or from the world. */
export interface Mutation {
  readonly rules?: Partial<Rules>;
  readonly engine?: EngineFaults;
  /** Receivers accept everything. */
  readonly openReceivers?: boolean;
  readonly options?: Partial<ClusterOptions>;
  /** The engine forgets acknowledged writes when it was away. */
  readonly forgetful?: boolean;
}

const OPTIONS: Partial<ClusterOptions> = {
  ttlMs: 3_000,
  marginMs: 300,
  renewMs: 700,
  answerMs: 900,
  attempts: 3,
  resyncMs: 1_500,
};
const NODES = ['A', 'B', 'C'];
const KEYS = ['session.x', 'session.y', 'camera.z'];
const END_MS = 60_000;
/** From here on nothing goes wrong any more, and everything must settle. */
const CALM_MS = END_MS - 20_000;
/** A resync, an answer that is late, and another because the first was asked just before. */
const DISPOSED_MS = 1_600 + 2 * 1_000 + 200;
/** A pause between a guard and its effect: a process that was stopped there. */
const STALLED = 0.01;

export interface Outcome {
  readonly faults: readonly string[];
  readonly steps: number;
}

export function runSeed(seed: number, mutation: Mutation = {}): Outcome {
  const dice = new Dice(seed);
  const timeline = new Timeline(dice);
  const network = new Network(timeline, dice, CALM_MS);
  const options = { ...OPTIONS, ...mutation.options };
  const rules = { ...RULES, ...mutation.rules };
  const store = new SimulatedStore(timeline, network, dice, options.ttlMs ?? 3_000);
  const faults: string[] = [];
  const fail = (text: string): void => {
    if (faults.length < 5) faults.push(`${Math.round(timeline.nowMs)} ms: ${text}`);
  };

  const nodes: SimulatedNode[] = [];
  // What the engine wrote, seen from inside it.
  const written = new Map<string, { node: string; inc: number; rev: number }>();
  store.records.listen((bucket, { key, value, rev }) => {
    if (bucket !== 'own') return;
    const record = readOwnRecord(value);
    const before = written.get(key);
    if (before && rev <= before.rev) fail(`I2 the token of ${key} went from ${before.rev} to ${rev}`);
    if (record.end === 'reaped' && before && before.node !== '') {
      const lease = readLease(store.records.get('nodes', before.node)?.value);
      if (lease?.inc === before.inc) fail(`I5 ${key} was buried while ${before.node}/${before.inc} had its lease`);
    }
    written.set(key, { node: record.node, inc: record.inc, rev });
    const old = nodes.find(({ name }) => name === before?.node);
    if (old && record.claim !== '') expectDisposal(old, key, rev);
  });
  /** I6: whoever was replaced, and is reached by the engine all the time, notices within a resync and its answer. */
  const expectDisposal = (old: SimulatedNode, key: string, rev: number): void => {
    const sinceMs = timeline.nowMs;
    timeline.after(DISPOSED_MS, () => {
      if (old.troubledMs >= sinceMs || store.awayUntilMs >= sinceMs) return;
      const ownership = old.cluster.ownership(key);
      if (ownership && ownership.token.rev < rev && ownership.current()) {
        fail(`I6 ${old.name} acts for ${key} under ${ownership.token.rev} ${DISPOSED_MS} ms after ${rev}`);
      }
    });
  };

  /** Which connect was given which token. */
  const granted = new Map<string, { readonly rev: number; readonly ord: number }[]>(KEYS.map((key) => [key, []]));

  // Whoever is acted upon.
  const receiver = new TokenReceiver();
  const accepted = new Map<string, { token: Token; by: string }>();
  const act = (from: SimulatedNode, key: string, token: Token): void => {
    network.send(from.name, 'R', () => {
      if (!receiver.admits(key, token) && !mutation.openReceivers) return;
      const last = accepted.get(key);
      if (last && compareTokens(token, last.token) < 0)
        fail(`I3 ${key}: ${token.rev} by ${from.name} after ${last.token.rev}`);
      if (last && compareTokens(token, last.token) === 0 && last.by !== from.name) {
        fail(`I1b ${key}: ${last.by} and ${from.name} both act under ${token.rev}`);
      }
      accepted.set(key, { token, by: from.name });
    });
  };

  class SimulatedNode {
    readonly name: string;
    readonly #drift = 1 + (dice.roll() - 0.5) * 0.02;
    #engine: SimulatedEngine | undefined;
    #life = 0;
    #inbox: (() => void)[] = [];
    /** Until when something was wrong with it or its way to the engine. */
    troubledMs = 0;
    paused = false;
    crashed = true;
    cluster!: ClusterNode;
    readonly owned = new Map<string, Ownership>();
    /** Monitors that were told, of those that stand. */
    downs = 0;

    constructor(name: string) {
      this.name = name;
    }

    /** To whoever lives now; what was for an earlier life is lost. */
    #deliverTo(life: number) {
      return (fn: () => void): void => {
        if (this.crashed || life !== this.#life) return;
        if (this.paused) this.#inbox.push(() => life === this.#life && !this.crashed && fn());
        else fn();
      };
    }

    start(): void {
      this.#life += 1;
      this.crashed = false;
      this.paused = false;
      this.#inbox = [];
      this.owned.clear();
      const deliver = this.#deliverTo(this.#life);
      const clock = driftingClock(timeline, this.#drift, deliver);
      this.#engine = new SimulatedEngine(this.name, store, deliver, options.answerMs ?? 900, mutation.engine ?? {});
      const cluster = new ClusterNode({
        name: this.name,
        engine: this.#engine,
        clock,
        random: dice.roll,
        options,
        rules,
      });
      this.cluster = cluster;
      const actor = createActor(nodeLogic(cluster), { clock });
      // Before it starts: its first state asks for a lease.
      cluster.start((event) => actor.send(event));
      actor.start();
    }

    crash(): void {
      this.crashed = true;
      this.#engine?.forget();
      this.owned.clear();
    }

    pause(ms: number): void {
      this.paused = true;
      timeline.after(ms, () => {
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

    /** Runs in the node's own time. */
    own(fn: () => void): void {
      this.#deliverTo(this.#life)(fn);
    }

    connect(key: string, ord: number): void {
      this.cluster.claim(key, ord, (answer) => {
        if (answer.type !== 'owned') return;
        granted.get(key)?.push({ rev: answer.ownership.token.rev, ord });
        this.owned.set(key, answer.ownership);
        this.#actFor(key, answer.ownership);
      });
    }

    #actFor(key: string, ownership: Ownership): void {
      if (this.owned.get(key) !== ownership) return;
      if (!ownership.current()) {
        if (ownership.signal.aborted) this.owned.delete(key);
        return;
      }
      const { inc } = this.cluster;
      const stallMs = dice.chance(STALLED) ? dice.roll() * 5_000 : 0;
      const lease = readLease(store.records.get('nodes', this.name)?.value);
      if (stallMs === 0 && lease?.inc !== inc) fail(`I4 ${this.name}/${inc} acts for ${key} without a lease`);
      if (stallMs > 0) timeline.after(stallMs, () => act(this, key, ownership.token));
      else act(this, key, ownership.token);
      const life = this.#life;
      timeline.after(60 + dice.roll() * 40, () => this.#deliverTo(life)(() => this.#actFor(key, ownership)));
    }
  }

  nodes.push(...NODES.map((name) => new SimulatedNode(name)));
  for (const node of nodes) node.start();

  // Users: each connects again and again, somewhere, with an ordinal of its own. Some do not know their ordinal.
  const ords = new Map<string, number>();
  const user = (): void => {
    if (timeline.nowMs < END_MS - 15_000) {
      const key = dice.pick(KEYS);
      const node = dice.pick(nodes);
      const ord = (ords.get(key) ?? 0) + 1;
      ords.set(key, ord);
      network.send('X', node.name, () => node.own(() => node.connect(key, ord)));
    }
    timeline.after(200 + dice.roll() * 1_500, user);
  };
  timeline.after(100, user);

  // Somebody leaves now and then.
  const leave = (): void => {
    const node = dice.pick(nodes);
    node.own(() => {
      const [key] = node.owned.keys();
      if (key !== undefined) node.owned.get(key)?.release();
    });
    timeline.after(1_000 + dice.roll() * 2_000, leave);
  };
  timeline.after(5_000, leave);

  // Monitors: DOWN once each.
  const watchOver = (): void => {
    const node = dice.pick(nodes);
    const key = dice.pick(KEYS);
    node.own(() => {
      let told = 0;
      node.cluster.monitor(key, () => {
        told += 1;
        if (told > 1) fail(`I8 a monitor of ${key} heard DOWN ${told} times`);
      });
    });
    timeline.after(1_000, watchOver);
  };
  timeline.after(1_000, watchOver);

  const trouble = (): void => {
    if (timeline.nowMs < CALM_MS) goWrong({ timeline, dice, network, store, nodes });
    timeline.after(1_500 + dice.roll() * 2_500, trouble);
  };
  timeline.after(2_000, trouble);

  const steps = timeline.run(END_MS);

  for (const [key, grants] of granted) {
    let highest = 0;
    for (const { rev, ord } of grants.sort((a, b) => a.rev - b.rev)) {
      if (ord < highest) fail(`I7 ${key}: connect ${ord} was given ${rev} after connect ${highest}`);
      highest = Math.max(highest, ord);
    }
  }
  for (const key of KEYS) {
    const record = readOwnRecord(store.records.get('own', key)?.value);
    const holders = nodes.filter(({ cluster, crashed }) => !crashed && cluster.ownership(key)?.current());
    const names = holders.map(({ name }) => name).join(', ');
    if (holders.length > 1) fail(`I9 ${key} is held by ${names}`);
    else if (holders.length === 1 && record.node !== names)
      fail(`I9 ${key} is held by ${names}, the record names ${record.node}`);
    else if (holders.length === 0 && record.node !== '')
      fail(`I9 the record of ${key} names ${record.node}, who does not hold it`);
  }
  for (const { name, cluster } of nodes) if (cluster.state !== 'up') fail(`${name} is ${cluster.state} in the end`);
  return { faults, steps };
}
