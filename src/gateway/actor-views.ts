/** What the gateway shows of its actors: each of them, the tree, those that stand out, and what is held. Plain data. */

export interface ActorView {
  /** Unique in this gateway and stable for the actor's life: its path, `sluice/cameras/camera:front`. */
  readonly id: string;
  readonly kind: string;
  /** The chart's state as dotted text: `alive.live.pictures.fresh`; `running` for actors without a chart. */
  readonly state: string;
  readonly restarts: number;
  readonly startedAtMs: number;
  /** What it holds, by kind. */
  readonly holds: Readonly<Record<string, number>>;
  readonly monitors: number;
  /** Messages that wait to be handled; 0 for actors without a limited mailbox. */
  readonly mailbox: number;
}

/** One actor in full. */
export interface ActorDetail extends RankedActor {
  /** Every state that is active, by its path in the chart, the outer ones first. */
  readonly activeStates: readonly string[];
  /** What its chart remembers, without secrets and without what is large; absent where there is nothing. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Of a limited mailbox: its limit, and the messages that found no room in it so far. */
  readonly mailboxMax?: number;
  readonly mailboxRefused?: number;
  /** Paths of the actors that monitor it, and of those that it monitors. */
  readonly watchedBy: readonly string[];
  readonly watches: readonly string[];
}

export interface RankedActor extends ActorView {
  /** An estimate to compare actors by: the data of its chart and the buffers in it. */
  readonly memoryBytes: number;
}

export type RankSort = 'mailbox' | 'memory' | 'restarts' | 'age';

export interface RankQuery {
  readonly sort: RankSort;
  /** In the path, the kind or the state; empty: all. */
  readonly filter: string;
  readonly limit: number;
}

/** Which part of the tree somebody looks at. */
export interface TreeQuery {
  readonly from: number;
  readonly limit: number;
  /** Supervisors that were opened or folded by hand. */
  readonly opened: ReadonlySet<string>;
  readonly folded: ReadonlySet<string>;
  /** A flat list of those who have it in their path, kind or state; empty: the tree. */
  readonly find: string;
}

export interface TreeRow extends ActorView {
  readonly strategy?: string;
  readonly depth: number;
  /** Its place among its siblings, from 1, and how many these are. */
  readonly position: number;
  readonly siblings: number;
  readonly children: number;
  readonly open: boolean;
  /** The row of its supervisor; absent at the root and in what was found. */
  readonly parent?: number;
}

export interface TreeRows {
  readonly rows: readonly TreeRow[];
  readonly total: number;
  readonly from: number;
}

/** Something that must always hold, and what breaks it now. */
export interface InvariantView {
  readonly name: string;
  readonly holds: boolean;
  readonly broken: readonly string[];
}

export interface LeaksView {
  /** What is held, by kind. */
  readonly census: Readonly<Record<string, number>>;
  /** What is held, by owner and kind: those whose owner has ended first, then the largest. */
  readonly holdings: readonly {
    readonly owner: string;
    readonly kind: string;
    readonly count: number;
    readonly alive: boolean;
  }[];
  readonly holdingsTotal: number;
  readonly orphans: readonly string[];
  readonly invariants: readonly InvariantView[];
}

export interface TreeView extends ActorView {
  readonly strategy?: string;
  readonly children: readonly TreeView[];
}
