/**
 * The log is a subscriber: what happened is said once, as an event, and written here. The message is the event's stable
 * code; everything else is a field.
 */
import { levelOf } from '../gateway/event-types.js';
import type { Gateway } from '../gateway/gateway.js';

/** What a pino logger offers and this uses. */
export interface EventLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Writes every event to the log. @returns the undo. */
export function logEvents(log: EventLogger, gateway: Pick<Gateway, 'onEvent'>): () => void {
  return gateway.onEvent((event) => {
    const { actor, kind, reason, detail } = event;
    log[levelOf(event)]({ actor, kind, ...(reason === undefined ? {} : { reason }), ...detail }, event.type);
  });
}
