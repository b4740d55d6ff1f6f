/**
 * The log is a subscriber: what happened is said once, as an event, and written here. The message is the event's stable
 * code; everything else is a field.
 */
import type { Gateway } from '../gateway/gateway.js';
import type { GatewayEvent } from '../gateway/views.js';

/** What a pino logger offers and this uses. */
export interface EventLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A restart is never silent; a failure is a warning; who comes and goes in order is for whoever debugs. */
function levelOf({ type, reason }: GatewayEvent): keyof EventLogger {
  switch (type) {
    case 'supervisor.gaveUp':
    case 'listener.failed':
    case 'process.abandoned':
    case 'process.threwLate':
    case 'child.gaveUp':
      return 'error';
    case 'process.restarted':
    case 'process.startFailed':
    case 'camera.disconnected':
    case 'camera.retrying':
    case 'frame.failed':
    case 'child.backingOff':
    case 'mailbox.full':
    case 'audio.dropped':
    case 'audio.failed':
    case 'audio.oddPayload':
    case 'audio.sendFailed':
    case 'audio.timedOut':
    case 'play.failed':
    case 'room.cleanup':
      return 'warn';
    case 'process.down':
      return reason === 'normal' || reason?.startsWith('shutdown') ? 'debug' : 'warn';
    case 'process.started':
    case 'audio.started':
      return 'debug';
    default:
      return 'info';
  }
}

/** Writes every event to the log. @returns the undo. */
export function logEvents(log: EventLogger, gateway: Pick<Gateway, 'onEvent'>): () => void {
  return gateway.onEvent((event) => {
    const { actor, kind, reason, detail } = event;
    log[levelOf(event)]({ actor, kind, ...(reason === undefined ? {} : { reason }), ...detail }, event.type);
  });
}
