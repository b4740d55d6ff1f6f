/**
 * Monitors and calls between nodes of the simulated world. DOWN comes once, says the truth where it claims to, and comes at all;
 * `noconnection` is a hint and comes after a silence only. A call to a process that is gone is refused at once.
 */
import type { Down } from '../../src/cluster/peers.js';
import type { SimulatedEngine } from './simulated-engine.js';
import type { SimulatedNode, World } from './simulated-node.js';
import type { SimulatedOwners } from './simulated-owners.js';

const CALL_MS = 3_000;
/** Two ways over a bad network. */
const REFUSED_MS = 2_000;

interface Standing {
  readonly key: string;
  /** Whom it watches. */
  readonly node: string;
  readonly rev: number;
  readonly life: number;
  told: number;
}

export class SimulatedMonitors {
  readonly #world: World;
  readonly #owners: SimulatedOwners;
  readonly #keys: readonly string[];
  readonly #standing = new Map<SimulatedNode, Set<Standing>>();
  /** When a node's life last heard from another one: `life node other`. */
  readonly #heardMs = new Map<string, number>();
  readonly #handled = new Map<number, number>();
  #lastCall = 0;

  constructor(world: World, owners: SimulatedOwners, keys: readonly string[]) {
    this.#world = world;
    this.#owners = owners;
    this.#keys = keys;
  }

  /** A monitor each second, and a call each two. */
  begin(): void {
    const { timeline, dice, nodes } = this.#world;
    const again = (ms: number, fn: (node: SimulatedNode) => void): void => {
      timeline.after(ms, () => {
        const node = dice.pick(nodes);
        node.own(() => fn(node));
        again(ms, fn);
      });
    };
    again(1_000, (node) => this.#watch(node, dice.pick(this.#keys)));
    again(2_000, (node) => this.#call(node, dice.pick(nodes)));
  }

  /** A life begins: what it hears of others is noted, and calls are answered. */
  began(node: SimulatedNode): void {
    this.#standing.set(node, new Set());
    node.cluster.serve('ping', (body, reply) => {
      const call = new DataView(body.buffer, body.byteOffset).getUint32(0);
      const times = (this.#handled.get(call) ?? 0) + 1;
      this.#handled.set(call, times);
      if (times > 1) this.#world.fail(`I8 call ${call} was carried out ${times} times`);
      reply(body);
    });
  }

  /** Notes heartbeats as they are delivered. */
  listening(engine: SimulatedEngine, node: SimulatedNode): SimulatedEngine {
    const subscribe = engine.subscribe.bind(engine);
    const { life } = node;
    engine.subscribe = (subject, onMessage) =>
      subscribe(subject, (body, from) => {
        if (subject === 'heartbeat.*') {
          this.#heardMs.set(`${life} ${node.name} ${from.slice('heartbeat.'.length)}`, node.clock.now());
        }
        onMessage(body, from);
      });
    return engine;
  }

  /** A node has lost its lease: monitors of its own keys are told by itself, at once. */
  fenced(node: SimulatedNode): void {
    const open = [...(this.#standing.get(node) ?? [])].filter((one) => one.node === node.name && one.told === 0);
    this.#world.timeline.after(0, () => {
      for (const { key } of open.filter(({ told }) => told === 0))
        this.#world.fail(`I8 a monitor of ${key} at ${node.name} was not told that it is fenced`);
    });
  }

  #watch(node: SimulatedNode, key: string): void {
    const known = node.cluster.whereis(key);
    const one: Standing = {
      key,
      node: known?.node ?? '',
      rev: known?.token.rev ?? 0,
      life: node.life,
      told: 0,
    };
    this.#standing.get(node)?.add(one);
    node.cluster.monitor(key, (down) => {
      one.told += 1;
      if (one.told > 1) this.#world.fail(`I8 a monitor of ${key} heard DOWN ${one.told} times`);
      const fault = this.#faultOf(down, one, node);
      if (fault !== undefined)
        this.#world.fail(`I8 a monitor of ${key} at ${node.name} heard ${down.reason}: ${fault}`);
    });
    if (!known && one.told === 0) this.#world.fail(`I8 a monitor of ${key}, whom nobody owns, heard nothing`);
  }

  /** What speaks against the reason; undefined when nothing does. */
  #faultOf({ reason }: Down, { key, node: owner, rev }: Standing, node: SimulatedNode): string | undefined {
    const history = this.#owners.history.get(key) ?? [];
    const claim = history.find((written) => written.rev === rev)?.claim;
    const later = history.filter((written) => written.rev > rev && written.claim !== claim);
    const { silenceMs } = this.#world.options;
    switch (reason) {
      case 'noproc':
        return owner === '' ? undefined : `${owner} owned it`;
      case 'superseded':
        return later.some((written) => written.node !== '') ? undefined : 'nobody took it';
      case 'normal':
        return later.some(({ end }) => end === 'released') ? undefined : 'nobody gave it back';
      case 'fenced':
        if (owner === node.name && node.cluster.state !== 'up') return undefined;
        return later.some(({ end }) => end === 'reaped' || end === 'orphan') ? undefined : 'nobody was buried';
      case 'noconnection': {
        const heardMs = this.#heardMs.get(`${node.life} ${node.name} ${owner}`) ?? Number.NEGATIVE_INFINITY;
        const silentMs = node.clock.now() - heardMs;
        return silentMs > silenceMs ? undefined : `${owner} was heard ${Math.round(silentMs)} ms before`;
      }
    }
  }

  #call(node: SimulatedNode, other: SimulatedNode): void {
    if (other === node) return;
    const { timeline, fail } = this.#world;
    this.#lastCall += 1;
    const call = this.#lastCall;
    const sinceMs = timeline.nowMs;
    const { life, crashed } = other;
    const body = new Uint8Array(4);
    new DataView(body.buffer).setUint32(0, call);
    let answer = '';
    node.cluster.call(other.name, 'ping', body, CALL_MS, ({ type }) => {
      answer = type;
      if (type === 'answered' && !this.#handled.has(call))
        fail(`I8 call ${call} was answered and carried out by nobody`);
    });
    timeline.after(REFUSED_MS, () => {
      const gone = crashed && other.crashed && other.life === life;
      if (gone && node.wellSince(sinceMs) && answer !== 'no_responders')
        fail(`I8 a call to ${other.name}, which is gone, was ${answer || 'not refused at once'}`);
    });
  }

  /** When everything is over: whoever knows that a key went on has told its monitors. */
  settled(): void {
    for (const [node, all] of this.#standing) {
      for (const { key, node: owner, rev, told } of all) {
        const knows = node.cluster.whereis(key)?.token.rev !== rev;
        if (told === 0 && knows) this.#world.fail(`I8 a monitor of ${key} never heard that ${owner} lost it`);
      }
    }
  }
}
