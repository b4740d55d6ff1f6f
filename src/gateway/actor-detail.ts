/** One actor in full, and the actors that are worth a look: those with the most waiting, remembered or restarted, and the oldest. */
import type { Process } from '../otp/process.js';
import { contextView } from './context-view.js';
import { memoryEstimate } from './memory-estimate.js';
import { actorView } from './structure.js';
import { mentions } from './tree-rows.js';
import type { ActorDetail, RankedActor, RankQuery, RankSort } from './views.js';

/** Names of watchers and of watched ones that are listed; the number tells the rest. */
const NAMED_MAX = 100;

export function actorDetail(process: Process): ActorDetail {
  const watchers = process.watchers?.members() ?? [];
  const watching = process.watching?.members() ?? [];
  const { value, context } = process.ref.getSnapshot() as { readonly value?: unknown; readonly context?: unknown };
  const remembered = contextView(context);
  const { mailbox } = process;
  return {
    ...actorView(process),
    memoryBytes: memoryEstimate(process),
    activeStates: activeStates(value),
    ...(remembered ? { context: remembered } : {}),
    ...(mailbox ? { mailboxMax: mailbox.max, mailboxRefused: mailbox.overflowed } : {}),
    // A monitor may be a function of something that is no actor; it watches all the same, but has no name to give.
    watchedBy: named(watchers.map((monitor) => monitor.holderPath)),
    watches: named(watching.map((monitor) => monitor.targetPath)),
  };
}

function named(paths: readonly (string | undefined)[]): string[] {
  return paths.filter((path) => path !== undefined).slice(0, NAMED_MAX);
}

/** Every state that is active, by its path in the chart, the outer ones first: `alive`, `alive.live`, `alive.live.pictures`. */
export function activeStates(value: unknown, above = ''): string[] {
  if (typeof value === 'string') return [above + value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [above + key, ...activeStates(inner, `${above}${key}.`)]);
}

/** By what a list may be ordered, the most first; `age` puts the oldest first. */
const KEYS: Readonly<Record<RankSort, (process: Process) => number>> = {
  mailbox: (process) => process.mailbox?.waiting ?? 0,
  memory: memoryEstimate,
  restarts: (process) => process.restarts,
  age: (process) => -process.startedAtMs,
};

export const RANK_SORTS = Object.keys(KEYS) as readonly RankSort[];

/** The first of all living actors in this order; equals keep the order in which they were started. */
export function rankedActors(processes: Iterable<Process>, { sort, filter, limit }: RankQuery): readonly RankedActor[] {
  const keyOf = KEYS[sort];
  const keyed: { readonly process: Process; readonly key: number }[] = [];
  for (const process of processes) {
    if (filter === '' || mentions(process, filter)) keyed.push({ process, key: keyOf(process) });
  }
  return keyed
    .sort((a, b) => b.key - a.key)
    .slice(0, limit)
    .map(({ process }) => ({ ...actorView(process), memoryBytes: memoryEstimate(process) }));
}
