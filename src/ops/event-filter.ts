/**
 * Which events somebody wants: `?type=` codes, separated by commas, each whole or with a `*` at its end; `?reason=` a piece of
 * the reason; `?actor=` the path of an actor, for it and for all below it. Absent: all.
 */
import type { GatewayEvent } from '../gateway/views.js';

export type EventFilter = (event: GatewayEvent) => boolean;

export function eventFilter(query: URLSearchParams): EventFilter {
  const types = (query.get('type') ?? '').split(',').filter((type) => type !== '');
  const reason = query.get('reason') ?? '';
  const actor = query.get('actor') ?? '';
  return (event) =>
    (types.length === 0 || types.some((type) => fits(type, event.type))) &&
    (reason === '' || event.reason?.includes(reason) === true) &&
    (actor === '' || event.actor === actor || event.actor.startsWith(`${actor}/`));
}

function fits(wanted: string, type: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}
