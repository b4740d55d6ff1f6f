/**
 * Keys in the simulated world: users who take them at one node after the other, owners who act for them, whoever is acted upon,
 * and the invariants of ownership, looked at while it happens.
 */
import type { Ownership } from '../../src/cluster/holding.js';
import { TokenReceiver } from '../../src/cluster/receiver.js';
import { readOwnRecord } from '../../src/cluster/record.js';
import { compareTokens, type Token } from '../../src/cluster/token.js';
import type { SimulatedNode, World } from './simulated-node.js';

/** A resync, an answer that is late, and another because the first was asked just before. */
const DISPOSED_MS = 1_600 + 2 * 1_000 + 200;
/** The slowest way of a watch or a message from the engine to a node, and a little. */
const HOP_MS = 950;
/** A claim has three tries, each a write and a read that may both go unanswered for 900 ms. */
const ANSWERED_MS = 6_000;
/** Whoever is well for half of it has read, or buried, or its lease has ended. */
const SETTLED_MS = 12_000;
/** A lease, a resync, and their answers. */
const BURIED_MS = 8_000;
/** A pause between a guard and its effect: a process that was stopped there. */
const STALLED = 0.01;

const never = (): boolean => false;

/** What owners and receivers may be made to do wrong. */
export interface OwnerFaults {
  /** Receivers accept everything. */
  readonly openReceivers?: boolean;
  /** Who was fenced takes what it had again, without anybody having come. */
  readonly reclaims?: boolean;
  /** A claim waits until the lease of the owner before is over. */
  readonly polite?: boolean;
}

/** One write of a key's record, as the engine saw it. */
export interface Written {
  readonly node: string;
  readonly inc: number;
  readonly claim: string;
  readonly end: string | undefined;
  readonly rev: number;
}

interface Granted {
  readonly token: Token;
  readonly ord: number;
}

export class SimulatedOwners {
  /** Every write of each key, in order. */
  readonly history = new Map<string, Written[]>();
  readonly #world: World;
  readonly #faults: OwnerFaults;
  readonly #granted = new Map<string, Granted[]>();
  readonly #tokens = new Map<string, string>();
  readonly #receiver = new TokenReceiver();
  readonly #accepted = new Map<string, { token: Token; by: string }>();

  constructor(world: World, faults: OwnerFaults) {
    this.#world = world;
    this.#faults = faults;
    world.store.listen((bucket, { key, value, rev }) => {
      if (bucket === 'own') this.#written(key, { rev, end: undefined, ...readOwnRecord(value) });
    });
  }

  #written(key: string, now: Written): void {
    const { fail, nodes, store } = this.#world;
    const all = this.history.get(key) ?? [];
    this.history.set(key, all);
    const before = all.at(-1);
    if (before && now.rev <= before.rev) fail(`I2 the token of ${key} went from ${before.rev} to ${now.rev}`);
    if (now.end === 'reaped' && before && before.node !== '') {
      if (store.leaseOf(before.node) === before.inc)
        fail(`I5 ${key} was buried while ${before.node}/${before.inc} had its lease`);
    }
    all.push(now);
    const [old, next] = [before, now].map((one) => nodes.find(({ name }) => name === one?.node));
    if (old && now.claim !== '') this.#expectDisposal(old, next, key, now.rev);
    if (next) this.#expectHeld(next, key, now.rev);
  }

  /** I9: a record names who holds the key, or is buried: a claim that was given up may land late. */
  #expectHeld(node: SimulatedNode, key: string, rev: number): void {
    const { timeline, store, fail } = this.#world;
    const unheld = (): boolean => {
      const sinceMs = timeline.nowMs - SETTLED_MS / 2;
      const seen = store.lagUntilMs(node.name) < sinceMs && store.watchAgainMs < 1_000;
      if (this.history.get(key)?.at(-1)?.rev !== rev || !node.wellSince(sinceMs) || !seen) return false;
      return node.cluster.ownership(key)?.token.rev !== rev;
    };
    timeline.after(SETTLED_MS, () => {
      if (!unheld()) return;
      // It may be given back at this moment.
      timeline.after(2 * HOP_MS, () => {
        if (unheld()) fail(`I9 ${key} has been ${node.name}'s, who does not hold it`);
      });
    });
  }

  /** I9: what the dead owned is buried by whoever lives. */
  crashed(node: SimulatedNode): void {
    const { timeline, store, nodes, fail } = this.#world;
    const { life } = node;
    const sinceMs = timeline.nowMs;
    timeline.after(BURIED_MS, () => {
      const witness = nodes.some((one) => one.wellSince(sinceMs) && store.lagUntilMs(one.name) < sinceMs);
      if (node.life !== life || !witness || store.watchAgainMs > 1_000) return;
      for (const [key, history] of this.history)
        if (history.at(-1)?.node === node.name) fail(`I9 ${key} is the dead ${node.name}'s`);
    });
  }

  /**
   * I6: who was replaced, and is reached by the engine all the time, notices by its watch; or where that stands still because the
   * new owner tells it; or where that one cannot, with its next resync.
   */
  #expectDisposal(old: SimulatedNode, next: SimulatedNode | undefined, key: string, rev: number): void {
    const { timeline, store, fail } = this.#world;
    const sinceMs = timeline.nowMs;
    const expectAfter = (ms: number, unless: () => boolean): void => {
      timeline.after(ms, () => {
        if (!old.wellSince(sinceMs) || unless()) return;
        const ownership = old.cluster.ownership(key);
        if (ownership && ownership.token.rev < rev && ownership.current()) {
          fail(`I6 ${old.name} acts for ${key} under ${ownership.token.rev} ${ms} ms after ${rev}`);
        }
      });
    };
    expectAfter(HOP_MS, () => store.lagUntilMs(old.name) >= sinceMs);
    if (next && next !== old) {
      const held = (): boolean => next.cluster.ownership(key)?.token.rev === rev;
      expectAfter(3 * HOP_MS, () => !next.wellSince(sinceMs) || !held());
    }
    expectAfter(DISPOSED_MS, never);
  }

  connect(node: SimulatedNode, key: string, ord: number): void {
    const { timeline, fail } = this.#world;
    const sinceMs = timeline.nowMs;
    let answered = false;
    const done = (): void => {
      answered = true;
    };
    if (this.#faults.polite) this.#claimPolitely(node, key, ord, done);
    else this.#claim(node, key, ord, done);
    timeline.after(ANSWERED_MS, () => {
      if (!answered && node.wellSince(sinceMs)) fail(`I9 a claim of ${key} at ${node.name} waits for somebody`);
    });
  }

  #claim(node: SimulatedNode, key: string, ord: number, done: () => void): void {
    node.cluster.claim(key, ord, (answer) => {
      done();
      if (answer.type !== 'owned') return;
      const { ownership } = answer;
      const { inc } = node.cluster;
      this.#grant(key, ownership.token, node.cluster.ownership(key)?.claim ?? '', ord);
      node.owned.set(key, ownership);
      const reclaim = (): void => {
        if (ownership.signal.reason === 'fenced') this.#after(node, 1_500, () => this.#claim(node, key, ord, () => {}));
      };
      if (this.#faults.reclaims) ownership.signal.addEventListener('abort', reclaim, { once: true });
      this.#actFor(node, key, ownership, inc);
    });
  }

  #claimPolitely(node: SimulatedNode, key: string, ord: number, done: () => void): void {
    const owner = node.cluster.whereis(key)?.node ?? node.name;
    const busy = owner !== node.name && this.#world.store.records.get('nodes', owner) !== undefined;
    if (busy) this.#after(node, 500, () => this.#claimPolitely(node, key, ord, done));
    else this.#claim(node, key, ord, done);
  }

  /** In the node's own time, if it still lives the same life then. */
  #after(node: SimulatedNode, ms: number, fn: () => void): void {
    const { life } = node;
    this.#world.timeline.after(ms, () => {
      if (life === node.life) node.own(fn);
    });
  }

  #grant(key: string, token: Token, claim: string, ord: number): void {
    const { fail } = this.#world;
    const name = `${token.era}.${token.rev}`;
    const other = this.#tokens.get(name);
    if (other !== undefined && other !== claim) fail(`I1 the token ${name} was given to ${other} and to ${claim}`);
    this.#tokens.set(name, claim);
    const grants = this.#granted.get(key) ?? [];
    this.#granted.set(key, grants);
    if (grants.some((one) => one.ord === ord)) fail(`I7 ${key}: connect ${ord} was given a token twice`);
    grants.push({ token, ord });
  }

  #actFor(node: SimulatedNode, key: string, ownership: Ownership, inc: number): void {
    const { dice, timeline, store, fail } = this.#world;
    if (node.owned.get(key) !== ownership) return;
    if (ownership.signal.aborted) {
      node.owned.delete(key);
      return;
    }
    // Whoever may not act at this moment tries again, for ever.
    this.#after(node, 60 + dice.roll() * 40, () => this.#actFor(node, key, ownership, inc));
    if (!ownership.current()) return;
    if (node.cluster.inc !== inc) fail(`I4 ${node.name}/${node.cluster.inc} acts for what ${node.name}/${inc} owned`);
    const stallMs = dice.chance(STALLED) ? dice.roll() * 5_000 : 0;
    if (stallMs === 0 && store.leaseOf(node.name) !== inc)
      fail(`I4 ${node.name}/${inc} acts for ${key} without a lease`);
    if (stallMs > 0) timeline.after(stallMs, () => this.#act(node, key, ownership.token));
    else this.#act(node, key, ownership.token);
  }

  #act(from: SimulatedNode, key: string, token: Token): void {
    const { network, fail } = this.#world;
    network.send(from.name, 'R', () => {
      if (!this.#receiver.admits(key, token) && !this.#faults.openReceivers) return;
      const last = this.#accepted.get(key);
      const order = last ? compareTokens(token, last.token) : 1;
      if (last && order < 0) fail(`I3 ${key}: ${token.rev} by ${from.name} after ${last.token.rev}`);
      if (last && order === 0 && last.by !== from.name) {
        fail(`I1b ${key}: ${last.by} and ${from.name} both act under ${token.rev}`);
      }
      this.#accepted.set(key, { token, by: from.name });
    });
  }

  /** When everything is over. */
  settled(keys: readonly string[]): void {
    const { nodes, store, fail } = this.#world;
    for (const [key, grants] of this.#granted) {
      let highest = 0;
      for (const { token, ord } of grants.sort((a, b) => compareTokens(a.token, b.token))) {
        if (ord < highest) fail(`I7 ${key}: connect ${ord} was given ${token.rev} after connect ${highest}`);
        highest = Math.max(highest, ord);
      }
    }
    for (const key of keys) {
      const record = readOwnRecord(store.records.get('own', key)?.value);
      const holders = nodes.filter(({ cluster, crashed }) => !crashed && cluster.ownership(key)?.current());
      const names = holders.map(({ name }) => name).join(', ');
      if (holders.length > 1) fail(`I9 ${key} is held by ${names}`);
      else if (holders.length === 1 && record.node !== names)
        fail(`I9 ${key} is held by ${names}, the record names ${record.node}`);
      else if (holders.length === 0 && record.node !== '')
        fail(`I9 the record of ${key} names ${record.node}, who does not hold it`);
    }
  }
}
