/**
 * One seeded history of several nodes and users who move between them, with everything that may go wrong going wrong, and the
 * invariants checked while it happens:
 *
 *     I1  a token is given to one claim              I1b at most one node acts under a token
 *     I2  tokens of a key rise                       I3 what a receiver accepts never goes back
 *     I4  nobody acts after the engine ended its lease   I5 a living owner's record is not buried by others
 *     I6  who was replaced notices in time           I7 no older connect wins after a newer one, none twice
 *     I8  a monitor hears DOWN once, and the truth   I9 in the end every key has the one holder its record names
 *     I10 nobody acts on an engine that went back
 *
 * and F1 to F7 of frames between nodes, which stand in `simulated-relay.ts`. Which rule each of them would miss stands in
 * `mutants.ts`.
 */
import { CLUSTER_DEFAULTS, type ClusterOptions } from '../../src/cluster/options.js';
import { RULES, type Rules } from '../../src/cluster/rules.js';
import type { EngineFaults } from './simulated-engine.js';
import { SimulatedMonitors } from './simulated-monitors.js';
import { type LifeHooks, SimulatedNode, type World } from './simulated-node.js';
import { type OwnerFaults, SimulatedOwners } from './simulated-owners.js';
import { SimulatedRelay } from './simulated-relay.js';
import { SimulatedStore } from './simulated-store.js';
import { Dice, Network, Timeline } from './simulated-world.js';
import { goWrong } from './trouble.js';

/** What is taken away from the protocol, or from the world. */
export interface Mutation extends OwnerFaults {
  readonly rules?: Partial<Rules>;
  readonly engine?: EngineFaults;
  readonly options?: Partial<ClusterOptions>;
  /** The engine forgets acknowledged writes when it was away, and an operator begins a new era later. */
  readonly forgetful?: boolean;
  /** Faults that count; all by default. */
  readonly only?: RegExp;
}

const OPTIONS: ClusterOptions = {
  ...CLUSTER_DEFAULTS,
  ttlMs: 3_000,
  marginMs: 300,
  renewMs: 700,
  answerMs: 900,
  attempts: 3,
  resyncMs: 1_500,
};
const NODES = ['A', 'B', 'C'];
/** Those that users take, and all. */
const USERS = ['session.x', 'session.y', 'session.w'];
const KEYS = [...USERS, 'camera.z'];
const END_MS = 60_000;
/** From here on nothing goes wrong any more, and everything must settle. */
const CALM_MS = END_MS - 20_000;
const FAULTS_MAX = 5;
/** A resync and its answer. */
const NOTICED_MS = 4_000;

export interface Outcome {
  readonly faults: readonly string[];
  readonly steps: number;
}

export async function runSeed(seed: number, mutation: Mutation = {}): Promise<Outcome> {
  const dice = new Dice(seed);
  const timeline = new Timeline(dice);
  const network = new Network(timeline, dice, CALM_MS);
  const options = { ...OPTIONS, ...mutation.options };
  const faults: string[] = [];
  const nodes: SimulatedNode[] = [];
  const world: World = {
    dice,
    timeline,
    network,
    nodes,
    options,
    store: new SimulatedStore(timeline, network, dice, options.ttlMs),
    rules: { ...RULES, ...mutation.rules },
    engineFaults: mutation.engine ?? {},
    fail: (text) => {
      if (faults.length < FAULTS_MAX && (mutation.only?.test(text) ?? true))
        faults.push(`${Math.round(timeline.nowMs)} ms: ${text}`);
    },
  };
  if (dice.chance(0.5)) world.store.watchAgainMs = 10_000;
  const owners = new SimulatedOwners(world, mutation);
  const monitors = new SimulatedMonitors(world, owners, KEYS);
  const relay = new SimulatedRelay(world, END_MS);
  const hooks: LifeHooks = {
    engine: (engine, node) => monitors.listening(engine, node),
    began: (node) => {
      monitors.began(node);
      relay.began(node);
    },
    crashed: (node) => owners.crashed(node),
    noted: (node, type, { node: other }) => {
      if (type === 'cluster.fenced') monitors.fenced(node);
      if (type === 'cluster.nodeSilent' || type === 'cluster.nodeGone') relay.gone(node, String(other));
    },
  };
  nodes.push(...NODES.map((name) => new SimulatedNode(name, world, hooks)));
  for (const node of nodes) node.start();

  // Users: each connects again and again, somewhere, with an ordinal of its own.
  const ords = new Map<string, number>();
  again(timeline, 100, () => {
    if (timeline.nowMs < END_MS - 15_000) {
      const key = dice.pick(USERS);
      const node = dice.pick(nodes);
      const ord = (ords.get(key) ?? 0) + 1;
      ords.set(key, ord);
      network.send('X', node.name, () => node.own(() => owners.connect(node, key, ord)));
    }
    return 200 + dice.roll() * 1_500;
  });
  // Somebody leaves now and then.
  again(timeline, 5_000, () => {
    const node = dice.pick(nodes);
    node.own(() => {
      const [key] = node.owned.keys();
      if (key !== undefined && timeline.nowMs < END_MS - 3_000) node.owned.get(key)?.release();
    });
    return 1_000 + dice.roll() * 2_000;
  });
  again(timeline, 2_000, () => {
    if (timeline.nowMs < CALM_MS) goWrong(world);
    return 1_500 + dice.roll() * 2_500;
  });
  if (mutation.forgetful) timeline.after(10_000 + dice.roll() * 15_000, () => forget(world));
  monitors.begin();

  const steps = await timeline.runKeeping(END_MS);

  owners.settled(KEYS);
  monitors.settled();
  relay.settled();
  for (const { name, cluster } of nodes)
    if (cluster.state !== 'up') world.fail(`${name} is ${cluster.state} in the end`);
  return { faults, steps };
}

/** The engine forgets its last writes. I10: whoever had seen them notices with its next resync, and acts no more. */
function forget({ store, timeline, nodes, dice, fail }: World): void {
  const sinceMs = timeline.nowMs;
  const lastRev = store.records.lastRev('own');
  const seen = nodes.filter(({ name, troubledMs, crashed }) => {
    const saw = Math.max(troubledMs, store.awayUntilMs, store.lagUntilMs(name)) < sinceMs - NOTICED_MS;
    return saw && !crashed;
  });
  const lives = new Map(seen.map((node) => [node, node.life]));
  store.forget(2 + dice.below(3));
  timeline.after(NOTICED_MS, () => {
    if (store.records.lastRev('own') >= lastRev) return;
    for (const node of seen) {
      if (node.life === lives.get(node) && node.wellSince(sinceMs) && node.cluster.state === 'up')
        fail(`I10 ${node.name} acts on an engine that went back`);
    }
  });
  // An operator has seen the alarm.
  timeline.after(12_000, () => {
    store.era += 1;
  });
}

/** `fn` says when it is called the next time. */
function again(timeline: Timeline, ms: number, fn: () => number): void {
  timeline.after(ms, () => again(timeline, fn(), fn));
}
