/** Who has ended lately, and not in order: whose recording is probably what somebody came for. */
import type { GatewayEvent } from '../../gateway/views.js';
import { ask } from './ask.js';
import { byId, make } from './dom.js';
import { clock } from './words.js';

const ROWS_MAX = 20;
/** So long a recording is kept. */
const KEPT_MS = 10 * 60_000;

let toldUpTo = -1;

/** @param replay called with the actor whose recording is wanted. */
export async function showEnded(replay: (id: string) => void): Promise<void> {
  const { events } = await ask<{ events: readonly GatewayEvent[] }>('api/events?type=process.down&distinct=1');
  const newest = events.at(-1)?.id ?? 0;
  if (newest === toldUpTo) return;
  toldUpTo = newest;
  const crashed = events.filter(
    ({ reason = '', atMs }) => !/^(normal|shutdown)/.test(reason) && atMs > Date.now() - KEPT_MS,
  );
  // Of one that ended again and again once: its recording has all its lives.
  const latest = new Map(crashed.map((event) => [event.actor, event]));
  const rows = [...latest.values()].slice(-ROWS_MAX).reverse();
  byId('ended').replaceChildren(...rows.map((event) => rowOf(event, replay)));
  byId('ended-box').hidden = rows.length === 0;
}

function rowOf({ actor, reason = '', atMs }: GatewayEvent, replay: (id: string) => void): HTMLLIElement {
  const button = make('button', { class: 'link mono', type: 'button' }, actor);
  button.addEventListener('click', () => replay(actor));
  const when = make('time', { class: 'soft', datetime: new Date(atMs).toISOString() }, clock.format(atMs));
  return make('li', {}, when, ' ', button, ' ', make('span', { class: 'soft' }, reason));
}
