/** Finding the body of an actor from the effects of its chart. */
import type { AnyActorRef } from 'xstate';
import { type ProcessBody, processOf } from '../otp/process.js';

/** The body of this actor. The caller knows its class: it provides the effects of one chart only. */
export function bodyOf<B extends ProcessBody>(self: unknown): B {
  return processOf(self as AnyActorRef)?.body as B;
}

/** A chart's state in one line: `alive.open.flowing`, or `alive.live(pictures.fresh demand.wanted)` where it is parallel. */
export function stateText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return 'running';
  const parts = Object.entries(value).map(([key, inner]) => {
    const rest = typeof inner === 'object' && Object.keys(inner as object).length === 0 ? '' : stateText(inner);
    return rest === '' ? key : rest.startsWith('(') ? `${key}${rest}` : `${key}.${rest}`;
  });
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(' ')})`;
}
