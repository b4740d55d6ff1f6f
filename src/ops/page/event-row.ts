/** One event as a row with its time, type, actor and reason. */
import type { GatewayEvent } from '../../gateway/views.js';
import { make } from './dom.js';
import { clock, type Tone } from './words.js';

export function eventRow(event: GatewayEvent, withActor = true): HTMLLIElement {
  const { type, actor, atMs, reason } = event;
  const what = make(
    'div',
    { class: 'what' },
    make('span', { class: 'type' }, type),
    make('span', { class: 'reason' }, reason ?? saying(event)),
  );
  const row = make(
    'li',
    {
      class: `event ${toneOfEvent(event)}`,
      title: [`${type} ${actor}`, reason, saying(event)].filter(Boolean).join('\n'),
    },
    make('time', { datetime: new Date(atMs).toISOString() }, clock.format(atMs)),
    what,
  );
  if (withActor) row.append(make('div', { class: 'actor mono' }, actor));
  return row;
}

function saying({ detail }: GatewayEvent): string {
  if (!detail) return '';
  return Object.entries(detail)
    .map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ');
}

function toneOfEvent({ type, reason }: GatewayEvent): Tone {
  if (/failed$|gaveUp|abandoned/i.test(type)) return 'bad';
  if (type === 'process.down') return /^(normal|shutdown)/.test(reason ?? '') ? '' : 'bad';
  if (/restarted|disconnected|asked|drain/.test(type)) return 'wait';
  return type === 'process.started' ? 'good' : '';
}
