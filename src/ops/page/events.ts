/**
 * The stream of events. The gateway sends digests: what fits the filter, and how many there were in all. So a page costs the
 * same whether ten things a second happen or ten thousand, and the list never holds more than its newest rows.
 */

import type { GatewayEvent } from '../../gateway/views.js';
import type { Digest } from '../event-digest.js';
import { openActor } from './actor.js';
import { base } from './ask.js';
import { setBadge } from './badge.js';
import { picturesEnded } from './cameras.js';
import { byId, setText } from './dom.js';
import { eventRow } from './event-row.js';
import { many, number, type Tone } from './words.js';

const ROWS_MAX = 200;
const RETRY_MS = 2000;
const FILTER_MS = 250;
/** Of how many seconds the rate is told. */
const RATE_MS = 5000;

const list = byId('events');
const filter = byId<HTMLInputElement>('filter');
const counts: { readonly atMs: number; readonly count: number }[] = [];
let source: EventSource | undefined;
let lastId = 0;
let deaf = false;
let typing: ReturnType<typeof setTimeout> | undefined;
let happened: (count: number) => void = () => {};

function add(events: readonly GatewayEvent[]): void {
  const rows = events.map((event) => {
    const row = eventRow(event);
    row.tabIndex = -1;
    row.addEventListener('click', () => openActor(event.actor));
    row.addEventListener('keydown', ({ key }) => key === 'Enter' && openActor(event.actor));
    return row;
  });
  // Who reads further down keeps their place.
  const heightBefore = list.scrollTop > 4 ? list.scrollHeight : 0;
  list.prepend(...rows.reverse());
  while (list.children.length > ROWS_MAX) list.lastElementChild?.remove();
  if (heightBefore > 0) list.scrollTop += list.scrollHeight - heightBefore;
}

/** The list is one stop of the keyboard; its rows are walked with the arrows and opened with Enter. */
function moved(event: KeyboardEvent): void {
  const here = document.activeElement?.closest('.event');
  const next = {
    ArrowDown: here ? here.nextElementSibling : list.firstElementChild,
    ArrowUp: here?.previousElementSibling,
    Home: list.firstElementChild,
    End: list.lastElementChild,
  }[event.key];
  if (!(next instanceof HTMLElement)) return;
  next.focus();
  event.preventDefault();
}

/** Events a second over the last seconds. */
export function eventRate(): number {
  const since = Date.now() - RATE_MS;
  while ((counts[0]?.atMs ?? since) < since) counts.shift();
  return (counts.reduce((sum, { count }) => sum + count, 0) * 1000) / RATE_MS;
}

function took({ upTo, count, events }: Digest): void {
  // The first digest tells of the past; that is no rate.
  if (lastId > 0) counts.push({ atMs: Date.now(), count });
  lastId = upTo;
  add(events);
  const rate = eventRate();
  const shown = many(list.children.length, 'row');
  setText(byId('events-count'), rate >= 1 ? `${shown} · ${number(Math.round(rate))} events/s` : shown);
  byId('events-none').hidden = list.children.length > 0;
  happened(count);
}

function setLine(text: string, tone: Tone): void {
  setBadge(byId('line'), text, tone);
}

export function listen(): void {
  if (source || document.hidden) return;
  const query = new URLSearchParams({ digest: '1', since: String(lastId), filter: filter.value.trim() });
  const line = new EventSource(`${base}api/events?${query}`);
  source = line;
  line.onopen = () => {
    setLine('events live', 'good');
    // While nothing could be heard, pictures may have ended.
    if (deaf) picturesEnded();
    deaf = false;
  };
  line.addEventListener('view.ended', ({ data }) => picturesEnded((JSON.parse(data) as { cameraId: string }).cameraId));
  line.addEventListener('digest', ({ data }) => took(JSON.parse(data) as Digest));
  line.onerror = () => {
    deaf = true;
    setLine('events reconnecting', 'wait');
    // A refusal ends an EventSource for good; a broken line does not.
    if (line.readyState !== EventSource.CLOSED) return;
    stopListening();
    setTimeout(listen, RETRY_MS);
  };
}

export function stopListening(): void {
  source?.close();
  source = undefined;
}

/** Another gateway, or another filter: what was heard so far is not its past. */
export function forgetEvents(): void {
  lastId = 0;
  counts.length = 0;
  list.replaceChildren();
  stopListening();
  listen();
}

export function sleepEvents(): void {
  stopListening();
  setLine('asleep', '');
}

export function refusedLine(text: string, tone: Tone): void {
  setLine(text, tone);
}

/** @param whenHappened told how much has happened with each digest. */
export function setUpEvents(whenHappened: (count: number) => void): void {
  happened = whenHappened;
  list.addEventListener('keydown', moved);
  filter.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(forgetEvents, FILTER_MS);
  });
}
