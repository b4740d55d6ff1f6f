/**
 * What the gateway told about a life while it lasted, and what its end led to: its restart, the supervisors that gave up, and
 * whoever ended of the same cause. The flight recorder has only the actor's own steps; this is the rest of the story, taken
 * from the chronicle for as long as that remembers.
 */
import type { Gateway } from '../../gateway/gateway.js';
import type { GatewayEvent } from '../../gateway/views.js';
import type { Flight } from './recorder.js';

/** What comes later is another story. */
const AFTER_MS = 60_000;
const FOLLOWED_MAX = 100;
const TOLD_MAX = 200;
const CLOSING_MS = 30_000;
/** The recorder and the chronicle look at the clock one after the other. */
const SAME_MS = 5;
/** What is told of an actor when it begins, once more. */
const BEGINS = new Set(['process.started', 'process.restarted']);

export function toldOf(gateway: Pick<Gateway, 'events' | 'why'>, life: Flight): readonly GatewayEvent[] {
  const events = gateway.events();
  const { path, startedAtMs, end } = life;
  const after = end ? followed(events, gateway, life, end.atMs) : [];
  const itsEnd = after[0]?.id;
  const during = events.filter(
    ({ id, actor, atMs, type }) =>
      actor === path &&
      atMs >= startedAtMs - SAME_MS &&
      (itsEnd === undefined ? end === undefined || atMs <= end.atMs + SAME_MS : id < itsEnd) &&
      type !== 'process.down' &&
      !BEGINS.has(type),
  );
  return [...during.slice(-TOLD_MAX), ...after];
}

/** From its end on, in the order in which it was told. */
function followed(
  events: readonly GatewayEvent[],
  gateway: Pick<Gateway, 'why'>,
  { path }: Flight,
  endedAtMs: number,
): readonly GatewayEvent[] {
  // It is told of when all that it held was given back, which may take its time.
  const isItsEnd = ({ type, actor, atMs }: GatewayEvent): boolean =>
    type === 'process.down' && actor === path && atMs >= endedAtMs - SAME_MS && atMs <= endedAtMs + CLOSING_MS;
  const first = events.findIndex(isItsEnd);
  if (first < 0) return [];
  const taken = new Set([path]);
  const found = [events[first] as GatewayEvent];
  for (const event of events.slice(first + 1)) {
    if (event.atMs > endedAtMs + AFTER_MS || found.length >= FOLLOWED_MAX) break;
    // Its next end is the next life's.
    if (event.type === 'process.down' && event.actor === path) break;
    if (event.type === 'process.down' && comesFrom(gateway, event.actor, path, endedAtMs)) taken.add(event.actor);
    const isAbove = path.startsWith(`${event.actor}/`) && event.type === 'supervisor.gaveUp';
    if (isAbove || (taken.has(event.actor) && isOfSupervision(event.type))) found.push(event);
  }
  return found;
}

function comesFrom(gateway: Pick<Gateway, 'why'>, actor: string, path: string, endedAtMs: number): boolean {
  return gateway.why(actor).some((cause) => cause.actor === path && Math.abs(cause.atMs - endedAtMs) <= SAME_MS);
}

function isOfSupervision(type: string): boolean {
  return /^(process|child|supervisor)\./.test(type);
}
