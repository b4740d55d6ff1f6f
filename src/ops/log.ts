/**
 * The log is a subscriber: what happened is said once, as an event, and written here. The message is the event's stable
 * code; everything else is a field.
 */
import { levelOf } from '../gateway/event-types.js';
import type { Gateway } from '../gateway/gateway.js';
import type { GatewayEvent } from '../gateway/views.js';

/** What a pino logger offers and this uses. */
export interface EventLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A logger that makes children, as pino's does. */
interface Bearing extends EventLogger {
  /** May be set while it is used. */
  readonly level?: string;
  isLevelEnabled?(level: string): boolean;
  child?(bindings: { readonly actor: string; readonly kind: string }): EventLogger;
}

/** A warning that repeats is written so many times in full, and then one in so many, which says how often it was. */
const IN_FULL = 10;
const ONE_IN = 50;
/** Never left out: a restart is never silent. */
const ALWAYS: ReadonlySet<string> = new Set(['process.restarted', 'supervisor.gaveUp', 'child.gaveUp']);
/** Actors of these kinds live long and are spoken of often: each has a child of the logger of its own. */
const OWN_CHILD: ReadonlySet<string> = new Set(['camera', 'recorder', 'room', 'session', 'uplink', 'app', 'cluster']);
const CHILDREN_MAX = 1_000;

/** Writes events to the log, repeated warnings now and then. @returns the undo. */
export function logEvents(log: Bearing, gateway: Pick<Gateway, 'onEvent'>): () => void {
  const children = new Map<string, EventLogger>();
  let ofLevel = log.level;
  /** The one of this actor, made at its first word; `undefined` for actors that have none. */
  const childOf = ({ type, actor, kind }: GatewayEvent): EventLogger | undefined => {
    const known = children.get(actor);
    // Whatever the kind: a session's actor is a supervisor to the kernel.
    if (type === 'process.down') children.delete(actor);
    if (!log.child || !OWN_CHILD.has(kind)) return undefined;
    if (known || type.startsWith('process.')) return known;
    if (children.size >= CHILDREN_MAX) return undefined;
    const made = log.child({ actor, kind });
    children.set(actor, made);
    return made;
  };
  return gateway.onEvent((event) => {
    const { type, actor, kind, reason, detail, count = 1 } = event;
    const level = levelOf(event as { type: string; reason?: string });
    // A child keeps the level that its parent had when it was made.
    if (log.level !== ofLevel) children.clear();
    ofLevel = log.level;
    // Before anything is made for it: most of what happens is below the level of most logs.
    if (log.isLevelEnabled?.(level) === false) {
      if (type === 'process.down') children.delete(actor);
      return;
    }
    const own = childOf(event);
    if (level === 'warn' && count > IN_FULL && count % ONE_IN !== 0 && !ALWAYS.has(type)) return;
    const fields = {
      ...(own ? {} : { actor, kind }),
      ...(reason === undefined ? {} : { reason }),
      ...detail,
      ...(count > IN_FULL ? { times: count } : {}),
    };
    (own ?? log)[level](fields, type);
  });
}
