/** A node along every path of `machines/node.ts`: the real one over an engine that answers when the walk says so. */
import { expect } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { NODE_TIMES, type NodeEvent, nodeMachine } from '../../machines/node.js';
import type { Ownership } from '../../src/cluster/holding.js';
import { ClusterNode } from '../../src/cluster/node.js';
import { nodeLogic } from '../../src/cluster/node-logic.js';
import type { NodeState } from '../../src/cluster/node-parts.js';
import { DOUBTS_MAX } from '../../src/cluster/rules.js';
import { isDelay, type ModelEvent } from '../gateway/paths/model.js';
import { type Cause, Subject } from '../gateway/paths/subject.js';
import { walkEveryPath } from '../gateway/paths/walk.js';
import { HeldEngine } from './held-engine.js';

const KEY = 'session.ada';
const TTL_MS = 12_000;

class NodeSubject extends Subject {
  readonly #engine = new HeldEngine(this.clock);
  readonly #node: ClusterNode;
  /** What the node has told its chart and the chart has not heard yet, as it waits in a microtask outside of tests. */
  readonly #told: NodeEvent[] = [];
  #ownership: Ownership | undefined;
  readonly #lost: unknown[] = [];

  constructor() {
    super();
    const { clock } = this;
    this.#node = new ClusterNode({
      name: 'a',
      engine: this.#engine,
      clock,
      random: () => 0.5,
      options: { ttlMs: TTL_MS },
    });
    this.#node.start((event) => this.#told.push(event));
    this.walksAs(this.start(nodeLogic(this.#node), { id: 'node', input: NODE_TIMES }));
    this.process.scope.acquire('cluster_node', () => this.#node.close());
  }

  protected override causeOf({ type }: ModelEvent): Cause | undefined {
    if (isDelay(type)) return () => this.advanceTo(type);
    switch (type) {
      case 'lease.granted':
        return this.is({ alive: 'joining' }) ? () => this.#granted() : undefined;
      case 'lease.lost':
        return this.is({ alive: 'up' }) ? () => this.#expired() : undefined;
      case 'engine.wentBack':
        return this.#seesItsEngineGoBack ? () => this.#wentBack() : undefined;
      case 'era.began':
        return this.is({ alive: 'looking' }) ? () => this.#newEra() : undefined;
      case 'keys.released':
        return this.is('leaving') ? () => this.#answered(type) : undefined;
      default:
        return undefined;
    }
  }

  override check({ status, value }: AnyMachineSnapshot): void {
    const { state, held } = this.#node;
    expect(state, 'the state of the node').toBe(stateOf(value, status));
    // What was lost once never comes back, whatever follows.
    const owns = state === 'up' && this.#ownership !== undefined && this.#lost.length === 0;
    expect(held, 'keys that it holds').toBe(owns ? 1 : 0);
    if (state !== 'up') expect(this.#node.mayAct(), 'whether it may act').toBe(false);
    expect(this.#ownership?.current() ?? false, 'whether its owner may act').toBe(owns);
  }

  override checkEnd(): void {
    expect(this.#lost.length, 'times that the key was lost').toBeLessThanOrEqual(1);
    expect(this.#ownership === undefined || this.#lost.length === 1).toBe(true);
  }

  /** While it is up by what it holds; in `joining` once it has seen something: nothing can be less than nothing. */
  get #seesItsEngineGoBack(): boolean {
    return (
      (this.is({ alive: 'up' }) && this.#ownership?.current() === true) ||
      (this.is({ alive: 'joining' }) && this.#ownership !== undefined && this.#engine.era === 1)
    );
  }

  #granted(): void {
    this.#answered('lease.granted');
    // The first time it is up it takes a key; afterwards nothing comes back by itself.
    if (this.#lost.length > 0 || this.#ownership) return;
    this.#node.claim(KEY, 1, (answer) => {
      if (answer.type !== 'owned') throw new Error(answer.type);
      this.#ownership = answer.ownership;
      answer.ownership.signal.addEventListener('abort', () => this.#lost.push(answer.ownership.signal.reason));
    });
    this.#engine.answerAll();
  }

  /** No renewal is answered until its deadline has passed: it notices by itself. */
  #expired(): void {
    const deliver = this.clock.afterTimer;
    this.clock.afterTimer = undefined;
    this.#engine.forget();
    while (this.#node.mayAct()) {
      this.clock.advanceToNext();
      this.#engine.forget();
    }
    this.clock.afterTimer = deliver;
    this.#hear('lease.lost');
  }

  #wentBack(): void {
    if (this.is({ alive: 'up' })) {
      this.#engine.lostKeys = true;
      this.#node.resync(1);
    } else {
      // One answer may be of a server that lags: it is asked again with each try to join.
      this.#engine.wentBack = true;
      for (let asked = 1; asked < DOUBTS_MAX; asked += 1) {
        this.#engine.answerAll();
        this.#node.takeLease();
      }
    }
    this.#answered('engine.wentBack');
  }

  #newEra(): void {
    this.#engine.wentBack = false;
    this.#engine.lostKeys = false;
    this.#engine.era += 1;
    this.#answered('era.began');
  }

  #answered(type: NodeEvent['type']): void {
    this.#engine.answerAll();
    this.#hear(type);
  }

  /** The chart hears what the node has told it. */
  #hear(type: NodeEvent['type']): void {
    const at = this.#told.findIndex((event) => event.type === type);
    if (at < 0) throw new Error(`the node has not told "${type}" but ${JSON.stringify(this.#told)}`);
    const [event] = this.#told.splice(at, 1);
    this.process.ref.send(event as NodeEvent);
  }
}

function stateOf(value: unknown, status: string): NodeState {
  if (status === 'done' || value === 'leaving') return 'left';
  const { alive } = value as { alive: 'joining' | 'up' | 'fenced' | 'halted' | 'looking' };
  return alive === 'looking' ? 'halted' : alive;
}

walkEveryPath('a node of a cluster', {
  machine: nodeMachine,
  size: { states: 13, moves: 29 },
  input: NODE_TIMES,
  events: [
    { type: 'lease.granted' },
    { type: 'lease.lost', why: 'its deadline passed before it was renewed' },
    { type: 'engine.wentBack' },
    { type: 'era.began' },
    { type: 'keys.released' },
    { type: 'supervisor.stop', reason: 'shutdown' },
  ],
  begin: () => new NodeSubject(),
  injected: {
    'supervisor.stop': 'the request as its supervisor sends it, delivered without what it posts being delivered too',
    'engine.wentBack':
      'a node that has seen nothing yet or holds nothing, or that asks nothing while it keeps still, cannot notice it',
    'era.began': 'before it has looked, nobody tells it',
  },
});
