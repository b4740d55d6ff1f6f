/** Who this gateway is and how it stands, in one line of figures. */
import { setBadge } from './badge.js';
import { byId, Keyed, make, setClass, setText } from './dom.js';
import { bytes, duration, number, percent } from './words.js';

export interface Health {
  readonly status: string;
  readonly node: string;
  readonly realm: string;
  readonly uptimeSeconds: number;
  readonly actors: number;
  readonly clients: number;
  readonly sessions: number;
  readonly streams: number;
  readonly viewers: number;
  readonly cameras: number;
  readonly monitors: number;
  readonly timers: number;
  readonly orphans: number;
  readonly rssBytes: number;
  readonly eventLoopUtilization: number;
}

/** A gateway whose start moves by more than this is another one under the same address. */
const SAME_START_MS = 5000;

const FIGURES: readonly (readonly [label: string, say: (health: Health) => string])[] = [
  ['Clients', ({ clients }) => number(clients)],
  ['Sessions', ({ sessions }) => number(sessions)],
  ['Streams', ({ streams }) => number(streams)],
  ['Viewers', ({ viewers }) => number(viewers)],
  ['Cameras', ({ cameras }) => number(cameras)],
  ['Actors', ({ actors }) => number(actors)],
  ['Monitors', ({ monitors }) => number(monitors)],
  ['Timers', ({ timers }) => number(timers)],
  ['Orphans', ({ orphans }) => number(orphans)],
  ['Memory', ({ rssBytes }) => bytes(rssBytes)],
  ['Loop busy', ({ eventLoopUtilization }) => percent(eventLoopUtilization)],
];

let bootAtMs = 0;
let shown: Health | undefined;

const figures = new Keyed<(typeof FIGURES)[number], HTMLElement>(byId('figures'), {
  keyOf: ([label]) => label,
  create: ([label]) => make('div', { class: 'figure' }, make('dt', {}, label), make('dd')),
  update: (figure, [label, say]) => {
    if (!shown) return;
    setText(figure.lastElementChild as Element, say(shown));
    setClass(figure, label === 'Orphans' && shown.orphans > 0 ? 'figure alarm' : 'figure');
  },
});

/** @returns whether this is another gateway than the one shown before. */
export function showHealth(health: Health): boolean {
  shown = health;
  setText(byId('node'), health.node);
  setText(byId('realm'), health.realm);
  setBadge(byId('status'), health.status, health.status === 'ok' ? 'good' : 'wait');
  document.title = `Sluice · ${health.node}`;
  figures.show(FIGURES);
  const bootedAtMs = Date.now() - health.uptimeSeconds * 1000;
  const isAnother = bootAtMs > 0 && bootedAtMs - bootAtMs > SAME_START_MS;
  bootAtMs = bootedAtMs;
  showUptime();
  return isAnother;
}

export function showUptime(): void {
  if (bootAtMs > 0) setText(byId('uptime'), duration(Date.now() - bootAtMs));
}
