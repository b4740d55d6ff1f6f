/**
 * An event as the API shows it: as the gateway tells it, and beside that in the terms of Kubernetes (a line for people, the
 * object it is about, how often, first and last time, and whether it is worth a look). `type` stays the stable code and
 * `reason` the words of why; what Kubernetes calls type is `severity` here.
 */
import { levelOf } from '../gateway/event-types.js';
import { keyOf } from '../gateway/repeats.js';
import type { GatewayEvent } from '../gateway/views.js';

export interface EventRow extends GatewayEvent {
  readonly severity: 'Normal' | 'Warning';
  readonly message: string;
  readonly object: { readonly kind: string; readonly id: string };
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

export function eventRow(event: GatewayEvent): EventRow {
  const { type, actor, kind, reason, atMs, count = 1, firstAtMs = atMs } = event;
  const level = levelOf(event as { type: string; reason?: string });
  const about = actor === '' ? type : `${type} of ${actor}`;
  return {
    ...event,
    severity: level === 'warn' || level === 'error' ? 'Warning' : 'Normal',
    message: `${about}${reason === undefined ? '' : `: ${reason}`}${count > 1 ? ` (${count} times)` : ''}`,
    object: { kind, id: actor },
    count,
    firstAt: new Date(firstAtMs).toISOString(),
    lastAt: new Date(atMs).toISOString(),
  };
}

/** Of events that are repeats of each other the last one, which says how many there were. */
export function distinct(events: readonly GatewayEvent[]): readonly GatewayEvent[] {
  const last = new Map(events.map((event) => [keyOf(event), event]));
  return [...last.values()].sort((a, b) => a.id - b.id);
}
