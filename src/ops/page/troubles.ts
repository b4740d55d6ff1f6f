/** What the gateway says about itself as a process: who held the event loop, who took long, which figure has only risen. */
import type { GatewayEvent } from '../../gateway/views.js';
import { openActor } from './actor.js';
import { ask } from './ask.js';
import { byId, setText } from './dom.js';
import { eventRow } from './event-row.js';
import { many } from './words.js';

const ROWS_MAX = 100;
const TYPES = 'loop.gap,handler.slow,growth.suspected,mailbox.full,process.abandoned,process.threwLate';

let told = -1;

export async function showTroubles(): Promise<void> {
  const { events } = await ask<{ events: readonly GatewayEvent[] }>(`api/events?type=${TYPES}`);
  const newest = events.at(-1)?.id ?? 0;
  if (newest === told) return;
  told = newest;
  const rows = events.slice(-ROWS_MAX).map((event) => {
    const row = eventRow(event);
    if (event.actor === '') return row;
    row.tabIndex = 0;
    row.addEventListener('click', () => openActor(event.actor));
    row.addEventListener('keydown', ({ key }) => key === 'Enter' && openActor(event.actor));
    return row;
  });
  byId('troubles').replaceChildren(...rows.reverse());
  byId('troubles').hidden = rows.length === 0;
  byId('troubles-none').hidden = rows.length > 0;
  setText(byId('troubles-count'), rows.length > 0 ? many(rows.length, 'row') : '');
}

/** Another gateway: what was told is not its own. */
export function forgetTroubles(): void {
  told = -1;
}
