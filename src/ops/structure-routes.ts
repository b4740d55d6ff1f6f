/** What is asked about actors: the tree or the visible part of it, those that stand out, one in full, and what is held. */
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { RankSort, TreeView } from '../gateway/views.js';
import { answerJson } from './answer.js';
import { isDrawn } from './charts.js';
import type { Exchange } from './exchange.js';
import { HttpError } from './http-error.js';
import { wholeNumber } from './paging.js';

const ROWS_DEFAULT = 100;
const ROWS_MAX = 1_000;
const RANKED_DEFAULT = 100;
const RANKED_MAX = 1_000;
const LAST_EVENTS_MAX = 30;
const SORTS: readonly RankSort[] = ['mailbox', 'memory', 'restarts', 'age'];

/**
 * One nested object; `?children=` lists so many children of each supervisor and counts the others in `more`. With `?rows=`
 * the flat list that a page shows, from that row on: `limit` of them, `open=` and `fold=` (each as often as wanted) for the
 * supervisors opened and folded by hand, `find=` for those who have a text in path, kind or state.
 */
export function tree({ res, gateway, query }: Exchange): void {
  if (query.has('rows')) {
    const from = wholeNumber(query, 'rows', 0, 0);
    const limit = wholeNumber(query, 'limit', ROWS_DEFAULT, 1, ROWS_MAX);
    const opened = new Set(query.getAll('open'));
    const folded = new Set(query.getAll('fold'));
    answerJson(res, 200, gateway.treeRows({ from, limit, opened, folded, find: query.get('find') ?? '' }));
    return;
  }
  const childrenMax = wholeNumber(query, 'children', Number.MAX_SAFE_INTEGER, 0);
  answerJson(res, 200, pruned(gateway.tree(), childrenMax));
}

function pruned(node: TreeView, childrenMax: number): TreeView & { readonly more?: number } {
  const children = node.children.slice(0, childrenMax).map((child) => pruned(child, childrenMax));
  const more = node.children.length - children.length;
  return more > 0 ? { ...node, children, more } : { ...node, children };
}

/** `?sort=`, `?filter=` and `?limit=`: the first of all in this order. @returns whether that was asked for. */
export function rankedIfAsked({ res, gateway, query, flights }: Exchange): boolean {
  if (!query.has('sort') && !query.has('filter')) return false;
  const sort = query.get('sort') ?? 'age';
  const known = SORTS.find((one) => one === sort);
  if (!known) throw new HttpError(400, 'invalid_argument', `sort: expected ${SORTS.join(', ')}`);
  const limit = wholeNumber(query, 'limit', RANKED_DEFAULT, 1, RANKED_MAX);
  const ranked = gateway.rankedActors({ sort: known, filter: query.get('filter') ?? '', limit });
  // What each took last, where that is recorded.
  const events = flights?.lastEvents(new Set(ranked.map(({ id }) => id)));
  answerJson(res, 200, { actors: ranked.map((one) => ({ ...one, event: events?.get(one.id) })) });
  return true;
}

/** One actor in full: with its last events, the reason of its last end and the name of its chart's drawing. */
export function actor(gateway: Gateway, id = ''): unknown {
  const detail = gateway.actor(id);
  if (!detail) throw new GatewayError('actor_not_found', `actor: there is none with the id ${JSON.stringify(id)}`);
  const events = gateway
    .events()
    .filter((event) => event.actor === id)
    .slice(-LAST_EVENTS_MAX);
  const [lastEnd] = gateway.why(id);
  return {
    ...detail,
    events,
    ...(lastEnd ? { lastError: lastEnd.reason } : {}),
    ...(isDrawn(detail.kind) && detail.activeStates.length > 0 ? { chart: detail.kind } : {}),
  };
}
