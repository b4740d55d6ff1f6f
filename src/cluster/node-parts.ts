/** What a node is made of, what it tells of itself, and how it shows the others. */
import type { Clock } from '../otp/clock.js';
import type { Engine } from './engine.js';
import type { ClusterOptions } from './options.js';
import type { Rules } from './rules.js';

/** What a node tells of itself. The names are stable; logs and events carry them. */
export type ClusterNote =
  | 'cluster.joined'
  | 'cluster.fenced'
  | 'cluster.wentBack'
  | 'cluster.left'
  | 'cluster.nodeUp'
  | 'cluster.nodeSilent'
  | 'cluster.nodeHeard'
  | 'cluster.nodeGone'
  | 'cluster.offerCut'
  | 'cluster.relaySlow';

export interface ClusterNodeParts {
  /** Unique among the gateways of one engine. */
  readonly name: string;
  /** Where it can be reached, for people. */
  readonly addr?: string;
  readonly engine: Engine;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly options?: Partial<ClusterOptions>;
  /** Replaced by tests that take a rule away. */
  readonly rules?: Rules;
  readonly note?: (type: ClusterNote, detail: Readonly<Record<string, unknown>>) => void;
}

export interface Member {
  readonly node: string;
  readonly inc: number;
  readonly addr: string;
  /** `suspect`: its lease stands, but it was not heard lately. */
  readonly state: 'up' | 'suspect';
  readonly keys: number;
}

export type NodeState = 'joining' | 'up' | 'fenced' | 'halted' | 'left';
