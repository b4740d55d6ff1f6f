/** One actor: where its chart stands, what it holds, who watches whom, what happened to it last, and why it last ended. */
import type { ActorDetail, GatewayEvent } from '../../gateway/views.js';
import { ask, Refusal } from './ask.js';
import { askFirst } from './ask-first.js';
import { setBadge } from './badge.js';
import { Chart } from './chart.js';
import { byId, make, setText } from './dom.js';
import { eventRow } from './event-row.js';
import { EXPORTS, exportActor } from './exports.js';
import type { ChartConfig } from './recording-file.js';
import { replayActor } from './replay.js';
import { actButton } from './token.js';
import { showWhy, type WhyStory } from './why.js';
import { bytes, clock, duration, many, nameOf, number } from './words.js';

type Answer = ActorDetail & {
  readonly events: readonly GatewayEvent[];
  readonly lastError?: string;
  readonly chart?: string;
};

const CONSEQUENCE: Readonly<Record<string, string>> = {
  Stop: 'It is asked to end in order. Its supervisor decides by its restart value whether it comes back.',
  Restart: 'It is killed, and started again by its supervisor.',
  Kill: 'It ends at once, without being asked. What it holds is given back; its supervisor decides whether it comes back.',
};

/** It stands in the event of the deed, for whoever reads that later. */
const WHY = { name: 'reason', label: 'Why (told in the events and the log, may be left empty)' };

const panel = byId('detail');
const chart = new Chart();
let opened = '';
let openedFrom: Element | null = null;
let toldEvents = '';
/** The chart of the actor that was opened last and that has no drawing. */
let written: { readonly id: string; readonly config: ChartConfig | undefined } | undefined;

export function openedActor(): string {
  return opened;
}

export function openActor(id: string): void {
  if (opened === '') openedFrom = document.activeElement;
  opened = id;
  toldEvents = '';
  panel.hidden = false;
  setText(byId('detail-title'), nameOf(id));
  setText(byId('detail-path'), id);
  byId('detail-close').focus({ preventScroll: true });
  panel.scrollTop = 0;
  void showActor().catch(() => {});
}

export function closeActor(): void {
  if (opened === '') return;
  opened = '';
  panel.hidden = true;
  if (openedFrom instanceof HTMLElement && openedFrom.isConnected) openedFrom.focus({ preventScroll: true });
}

/** Brings the panel up to date, if it is open. */
export async function showActor(): Promise<void> {
  const id = opened;
  if (id === '') return;
  const path = encodeURIComponent(id);
  const [actor, story] = await Promise.all([
    ask<Answer>(`api/actors/${path}`).catch((error: unknown) => {
      if (error instanceof Refusal && error.status === 404) return undefined;
      throw error;
    }),
    ask<WhyStory>(`api/why/${path}`),
  ]);
  if (id !== opened) return;
  byId('detail-gone').hidden = actor !== undefined;
  byId('detail-living').hidden = actor === undefined;
  byId('detail-actions').hidden = actor === undefined;
  showWhy(story, openActor);
  if (actor) await showLiving(actor);
  else setBadge(byId('detail-state'), 'ended', 'bad');
}

async function showLiving(actor: Answer): Promise<void> {
  setBadge(byId('detail-state'), actor.state);
  showFacts([
    ['Kind', actor.kind],
    ['Up', duration(Date.now() - actor.startedAtMs)],
    ['Since', clock.format(actor.startedAtMs)],
    ['Restarts', number(actor.restarts)],
    ['Mailbox', mailboxOf(actor)],
    ['Remembers about', bytes(actor.memoryBytes)],
  ]);
  const holds = Object.entries(actor.holds).map(([kind, n]) => many(n, kind.replaceAll('_', ' ')));
  setText(byId('detail-holds'), holds.length > 0 ? holds.join(', ') : 'nothing');
  showActors('detail-watched-by', actor.watchedBy, actor.monitors);
  showActors('detail-watches', actor.watches, actor.watches.length);
  showEvents(actor.events);
  setText(byId('detail-error'), actor.lastError ?? '');
  byId('detail-error-line').hidden = actor.lastError === undefined;
  showContext(actor.context);
  await showChart(actor);
}

/** The drawing that the gateway has, or the chart as it is written: a host's actors have charts as well. */
async function showChart({ id, kind, chart: drawn, activeStates, state }: Answer): Promise<void> {
  const place = byId('detail-chart');
  if (drawn === undefined && activeStates.length > 0 && written?.id !== id) {
    const answer = ask<{ definition: ChartConfig }>(`api/actors/${encodeURIComponent(id)}/flight?form=chart`);
    written = { id, config: await answer.then(({ definition }) => definition).catch(() => undefined) };
  }
  if (id !== opened) return;
  const config = drawn === undefined && written?.id === id ? written.config : undefined;
  place.hidden = drawn === undefined && config === undefined;
  if (!place.hidden) await chart.show(drawn ?? kind, activeStates, state, config, drawn !== undefined);
}

function showContext(context: Answer['context']): void {
  const fields = Object.entries(context ?? {});
  byId('detail-context-box').hidden = fields.length === 0;
  const list = byId('detail-context');
  const names = fields.map(([name]) => name).join(' ');
  if (list.dataset['names'] !== names) {
    list.dataset['names'] = names;
    list.replaceChildren(
      ...fields.map(([name]) => make('div', {}, make('dt', {}, name), make('dd', { class: 'mono' }))),
    );
  }
  for (const [at, [, value]] of fields.entries()) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    setText(list.children[at]?.lastElementChild as Element, text);
  }
}

function mailboxOf({ mailbox, mailboxMax, mailboxRefused = 0 }: Answer): string {
  if (mailboxMax === undefined) return number(mailbox);
  const refused = mailboxRefused > 0 ? `, ${number(mailboxRefused)} refused` : '';
  return `${number(mailbox)} of ${number(mailboxMax)}${refused}`;
}

function showFacts(facts: readonly (readonly [label: string, value: string])[]): void {
  const list = byId('detail-facts');
  if (list.children.length === 0) {
    list.append(...facts.map(([label]) => make('div', {}, make('dt', {}, label), make('dd'))));
  }
  for (const [at, [, value]] of facts.entries()) setText(list.children[at]?.lastElementChild as Element, value);
}

function showActors(listId: string, ids: readonly string[], total: number): void {
  const list = byId(listId);
  const key = `${total} ${ids.join(' ')}`;
  if (list.dataset['shown'] === key) return;
  list.dataset['shown'] = key;
  const items = ids.map((id) => {
    const button = make('button', { class: 'link mono', type: 'button', title: id }, nameOf(id));
    button.addEventListener('click', () => openActor(id));
    return make('li', {}, button);
  });
  // A monitor may belong to something that is no actor.
  const unnamed = total - ids.length;
  if (unnamed > 0)
    items.push(
      make(
        'li',
        { class: 'soft' },
        ids.length > 0 ? `and ${number(unnamed)} more` : `${number(unnamed)} that are no actors`,
      ),
    );
  list.replaceChildren(...(items.length > 0 ? items : [make('li', { class: 'soft' }, 'nobody')]));
}

function showEvents(events: readonly GatewayEvent[]): void {
  const key = String(events.at(-1)?.id ?? 'none');
  if (key === toldEvents) return;
  toldEvents = key;
  const rows = events.map((event) => eventRow(event, false)).reverse();
  byId('detail-events').replaceChildren(...(rows.length > 0 ? rows : [make('li', { class: 'soft' }, 'none kept')]));
}

export function setUpActor(): void {
  byId('detail-chart').append(chart.element);
  for (const verb of Object.keys(CONSEQUENCE)) {
    const text = CONSEQUENCE[verb] ?? '';
    byId('detail-actions').append(
      actButton(verb, () => askFirst({ verb, name: nameOf(opened), id: opened, text, field: WHY })),
    );
  }
  byId('detail-replay').addEventListener('click', () => void replayActor(opened, closeActor));
  for (const name of EXPORTS) {
    const button = make('button', { class: 'button small', type: 'button' }, name);
    button.addEventListener('click', () => void exportActor(name, opened));
    byId('detail-recording').append(button);
  }
  byId('detail-close').addEventListener('click', closeActor);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !document.querySelector('dialog[open]')) closeActor();
  });
}
