/** How the figures went over the last five minutes, drawn from what this page has seen. A fixed number of points, for ever. */
import { byId, make, setAttribute, setText, within } from './dom.js';
import { bytes, number, percent } from './words.js';

const POINTS_MAX = 300;
/** A page that was just opened shows so many points over the whole width. */
const POINTS_MIN = 60;
const WIDTH = 300;
const HEIGHT = 64;
const SVG = 'http://www.w3.org/2000/svg';

export interface Sample {
  readonly rssBytes: number;
  readonly eventLoopUtilization: number;
  readonly eventsPerSecond: number;
  readonly actors: number;
  readonly clients: number;
  readonly streams: number;
  readonly viewers: number;
  readonly timers: number;
  readonly monitors: number;
  readonly orphans: number;
}

const SERIES: readonly (readonly [key: keyof Sample, label: string, say: (n: number) => string])[] = [
  ['rssBytes', 'Memory', bytes],
  ['eventLoopUtilization', 'Event loop busy', percent],
  ['eventsPerSecond', 'Events a second', (n) => number(Math.round(n))],
  ['actors', 'Actors', number],
  ['clients', 'Clients', number],
  ['streams', 'Streams', number],
  ['viewers', 'Viewers', number],
  ['timers', 'Timers', number],
  ['monitors', 'Monitors', number],
  ['orphans', 'Orphans', number],
];

/** Of these a leak would show. */
const HELD = SERIES.filter(([key]) => !['eventLoopUtilization', 'eventsPerSecond'].includes(key));

const samples: Sample[] = [];

/** Keeps the figures that are drawn, and nothing else of what is given. */
export function remember(given: Sample): void {
  samples.push(Object.fromEntries(SERIES.map(([key]) => [key, given[key]])) as unknown as Sample);
  if (samples.length > POINTS_MAX) samples.shift();
}

export function forgetSamples(): void {
  samples.length = 0;
}

export interface Grown {
  readonly id: string;
  readonly from: string;
  readonly now: string;
  readonly change: string;
  /** It never came down, and is higher now. */
  readonly onlyRose: boolean;
}

/** So many looks until anything can be said. */
const LOOKS_MIN = 30;

/** What was held at first and what is held now; a figure that only rises is the one to look at. */
export function growth(): readonly Grown[] {
  if (samples.length < LOOKS_MIN) return [];
  return HELD.map(([key, label, say]) => {
    const values = samples.map((sample) => sample[key]);
    const [from, now] = [values[0] ?? 0, values.at(-1) ?? 0];
    const rises = values.filter((value, at) => value > (values[at - 1] ?? value)).length;
    const falls = values.filter((value, at) => value < (values[at - 1] ?? value)).length;
    const sign = now < from ? '−' : '+';
    const change = now === from ? '0' : `${sign}${say(Math.abs(now - from))}`;
    return { id: label, from: say(from), now: say(now), change, onlyRose: now > from && falls === 0 && rises > 1 };
  });
}

export function showHistory(): void {
  const place = byId('history');
  if (place.children.length === 0) place.append(...SERIES.map(([, label]) => figure(label)));
  for (const [at, [key, label, say]] of SERIES.entries()) {
    draw(
      place.children[at] as HTMLElement,
      label,
      samples.map((sample) => sample[key]),
      say,
    );
  }
}

function figure(label: string): HTMLElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.append(document.createElementNS(SVG, 'path'), document.createElementNS(SVG, 'polyline'));
  const caption = make('figcaption', {}, make('span', {}, label), make('b'), make('small', { class: 'soft' }));
  return make('figure', { class: 'history' }, caption, svg as Element as HTMLElement);
}

function draw(element: HTMLElement, label: string, values: readonly number[], say: (n: number) => string): void {
  const now = values.at(-1) ?? 0;
  const least = Math.min(...values, now);
  const most = Math.max(...values, now);
  setText(within(element, 'b'), say(now));
  setText(within(element, 'small'), least === most ? '' : `${say(least)} – ${say(most)}`);
  setAttribute(
    within<SVGSVGElement>(element, 'svg'),
    'aria-label',
    `${label}: now ${say(now)}, from ${say(least)} to ${say(most)}`,
  );
  // What does not change is a line in the middle; the rest uses the height it has.
  const span = most - least || 1;
  const points = values.map((value, at) => {
    const x = WIDTH - (values.length - 1 - at) * (WIDTH / (Math.max(POINTS_MIN, values.length) - 1));
    const y = most === least ? HEIGHT / 2 : HEIGHT - 4 - ((value - least) / span) * (HEIGHT - 8);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const [first] = points;
  setAttribute(within<SVGElement>(element, 'polyline'), 'points', points.join(' '));
  const area = first
    ? `M${first} L${points.join(' L')} L${WIDTH},${HEIGHT} L${first.split(',')[0] ?? 0},${HEIGHT} Z`
    : '';
  setAttribute(within<SVGElement>(element, 'path'), 'd', area);
}
