/**
 * Children of a `simple_one_for_one` supervisor stop in no defined order. Each run of stops of such children is therefore
 * sorted, on Erlang's side and on ours: by path, attempt, terminate before gone.
 */
import type { TraceEvent } from './scenario-tree.js';

export function inStopOrder(events: readonly TraceEvent[]): TraceEvent[] {
  const ordered: TraceEvent[] = [];
  for (let from = 0; from < events.length; ) {
    const parent = dynamicParent(events[from] as TraceEvent);
    let to = from + 1;
    if (parent !== undefined) while (to < events.length && dynamicParent(events[to] as TraceEvent) === parent) to += 1;
    const run = events.slice(from, to);
    ordered.push(...(parent === undefined ? run : run.sort(before)));
    from = to;
  }
  return ordered;
}

/** The supervisor of a dynamic child that stops; the ids of dynamic children begin with `~`. */
function dynamicParent([kind, path]: TraceEvent): string | undefined {
  if (kind !== 'stop' && kind !== 'term') return undefined;
  const slash = path.lastIndexOf('/');
  return path[slash + 1] === '~' ? path.slice(0, slash) : undefined;
}

function before([kindA, pathA, attemptA]: TraceEvent, [kindB, pathB, attemptB]: TraceEvent): number {
  if (pathA !== pathB) return pathA < pathB ? -1 : 1;
  if (attemptA !== attemptB) return attemptA - attemptB;
  return Number(kindA === 'stop') - Number(kindB === 'stop');
}
