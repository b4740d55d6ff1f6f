/**
 * Walks one life moment by moment: the chart with the state marked as it was, what was taken and what it carried, and after
 * the end what the supervisors did. By buttons, keys, the list, or a slider over time.
 */
import { setBadge } from './badge.js';
import { Chart } from './chart.js';
import { statesOf, textOf } from './chart-config.js';
import { byId, make, setAttribute, setText } from './dom.js';
import type { Life, Moment } from './recording-file.js';
import { age, clock, many, nameOf, number, stateOf, type Tone } from './words.js';

const PLAY_MS = 800;
const SVG = 'http://www.w3.org/2000/svg';
/** More marks than that are not told apart. */
const MARKS_MAX = 400;

const chart = new Chart({ scale: 0.7, label: 'Chart at this moment' });
const slider = byId<HTMLInputElement>('replay-time');
const list = byId('replay-moments');
const playButton = byId('replay-play');
let life: Life | undefined;
let at = 0;
let playing: ReturnType<typeof setInterval> | undefined;
let openActor: (id: string) => void = () => {};

const beginsMs = (): number => life?.moments[0]?.atMs ?? 0;
const lastsMs = (): number => (life?.moments.at(-1)?.atMs ?? 0) - beginsMs();

/** Shows this life from its first moment on. */
export function playLife(next: Life): void {
  life = next;
  pause();
  slider.max = String(Math.max(1, lastsMs()));
  drawMarks();
  list.replaceChildren(...next.moments.map(rowOf));
  byId('replay-chart').hidden = next.chart === undefined;
  byId('replay-chartless').hidden = next.chart !== undefined;
  // A crash is read from its end; but the way there begins at the beginning.
  go(0);
}

export function forgetLife(): void {
  life = undefined;
  pause();
  list.replaceChildren();
}

/** @returns whether it was a key of the player. */
export function playerKey(key: string): boolean {
  if (!life) return false;
  const goal = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1 }[key];
  if (goal !== undefined) walk(goal);
  else if (key === 'Home') walk(0);
  else if (key === 'End') walk(life.moments.length - 1);
  else if (key === ' ') togglePlay();
  else return false;
  return true;
}

function walk(goal: number): void {
  pause();
  const hadFocus = list.contains(document.activeElement);
  go(goal);
  if (hadFocus) currentRow()?.focus({ preventScroll: true });
}

function go(goal: number): void {
  if (!life) return;
  at = Math.max(0, Math.min(life.moments.length - 1, goal));
  const moment = life.moments[at] as Moment;
  slider.value = String(moment.atMs - beginsMs());
  setAttribute(slider, 'aria-valuetext', `${placeOf()}: ${titleOf(moment)}`);
  setText(byId('replay-where'), placeOf());
  setText(byId('replay-when'), `${clockOf(moment.atMs)} · +${age(moment.atMs - beginsMs())}`);
  byId<HTMLButtonElement>('replay-first').disabled = at === 0;
  byId<HTMLButtonElement>('replay-back').disabled = at === 0;
  const isLast = at === life.moments.length - 1;
  byId<HTMLButtonElement>('replay-forward').disabled = isLast;
  byId<HTMLButtonElement>('replay-last').disabled = isLast;
  showMoment(moment);
  for (const row of list.querySelectorAll<HTMLElement>('[aria-current], [tabindex="0"]')) {
    row.removeAttribute('aria-current');
    row.tabIndex = -1;
  }
  const row = currentRow();
  if (row) {
    row.setAttribute('aria-current', 'step');
    row.tabIndex = 0;
    reveal(row);
  }
  const { chart: config } = life;
  if (config)
    void chart.show(String(config.id ?? ''), statesOf(moment.value), textOf(moment.value), config).catch(() => {});
}

function placeOf(): string {
  return `moment ${number(at + 1)} of ${number(life?.moments.length ?? 0)}`;
}

function currentRow(): HTMLElement | undefined {
  return (list.children[at]?.firstElementChild ?? undefined) as HTMLElement | undefined;
}

function showMoment(moment: Moment): void {
  const { kind, data, actor, value } = moment;
  setText(byId('replay-kind'), { step: 'It took', end: 'Its end', told: 'The gateway told' }[kind]);
  setText(byId('replay-event'), titleOf(moment));
  setBadge(byId('replay-state'), textOf(value) || 'running', kind === 'end' ? 'bad' : undefined);
  const facts = data.map(([name, said]) => make('div', {}, make('dt', {}, name), make('dd', {}, said)));
  const whom = actor !== undefined && actor !== life?.path ? [aboutWhom(actor)] : [];
  byId('replay-data').replaceChildren(...whom, ...facts);
  byId('replay-bare').hidden = kind !== 'step' || facts.length > 0;
}

function aboutWhom(actor: string): HTMLElement {
  const button = make('button', { class: 'link mono', type: 'button', title: actor }, actor);
  button.addEventListener('click', () => openActor(actor));
  return make('div', {}, make('dt', {}, 'about'), make('dd', {}, button));
}

function rowOf(moment: Moment, index: number): HTMLLIElement {
  const before = life?.moments[index - 1];
  const words = [
    make(
      'span',
      { class: 'after' },
      before ? `+${age(Math.max(0, moment.atMs - before.atMs))}` : clock.format(moment.atMs),
    ),
    make('span', { class: 'type' }, titleOf(moment)),
    make('span', { class: 'soft into' }, asideOf(moment)),
  ];
  const button = make(
    'button',
    { class: `moment ${moment.kind} ${toneOf(moment)}`, type: 'button', tabindex: -1 },
    ...words,
  );
  button.addEventListener('click', () => walk(index));
  return make('li', {}, button);
}

function titleOf({ kind, event, data }: Moment): string {
  if (kind !== 'end') return EVENTS_OF_XSTATE[event] ?? inShort(event);
  return `ended: ${data[0]?.[1] ?? 'nothing is said of why'}`;
}

const EVENTS_OF_XSTATE: Readonly<Record<string, string>> = {
  'xstate.init': 'begins',
  'xstate.stop': 'is stopped',
  '': 'snapshot',
};

/** `xstate.after.retryDelay.camera.alive.backingOff` → `after retryDelay`. */
function inShort(event: string): string {
  return event.replace(/^xstate\.after\.([^.]+)\..+$/, 'after $1').replace(/^xstate\.done\.\w+\.(.+)$/, 'done: $1');
}

function asideOf({ kind, actor, value }: Moment): string {
  if (kind === 'told') return actor === undefined || actor === life?.path ? '' : nameOf(actor);
  return kind === 'step' ? `→ ${stateOf(textOf(value)) || 'running'}` : '';
}

function toneOf({ kind, event }: Moment): Tone {
  if (kind === 'end' || /\.(down|gaveUp|startFailed|abandoned)$/.test(event)) return 'bad';
  if (kind === 'step') return '';
  return /restarted|started/.test(event) ? 'good' : 'wait';
}

function clockOf(atMs: number): string {
  return `${clock.format(atMs)}.${String(Math.trunc(atMs) % 1000).padStart(3, '0')}`;
}

/** Brings the row into sight, without moving the page around the list. */
function reveal(row: HTMLElement): void {
  const inner = row.getBoundingClientRect();
  const outer = list.getBoundingClientRect();
  if (inner.top < outer.top) list.scrollTop += inner.top - outer.top;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
}

/** A mark over the slider for each moment. */
function drawMarks(): void {
  const moments = life?.moments ?? [];
  const every = Math.ceil(moments.length / MARKS_MAX);
  const marks = moments
    .filter((moment, index) => index % every === 0 || moment.kind === 'end')
    .map((moment) => {
      const mark = document.createElementNS(SVG, 'rect');
      const x = ((moment.atMs - beginsMs()) / Math.max(1, lastsMs())) * 1000;
      setAttribute(mark, 'x', (x - 1).toFixed(1));
      setAttribute(mark, 'class', `${moment.kind} ${toneOf(moment)}`);
      setAttribute(mark, 'width', 2);
      setAttribute(mark, 'height', 10);
      return mark;
    });
  byId('replay-marks').replaceChildren(...marks);
}

/** The last moment that is not after this one. */
function seek(ms: number): number {
  const moments = life?.moments ?? [];
  const after = moments.findIndex(({ atMs }) => atMs - beginsMs() > ms);
  return (after < 0 ? moments.length : after) - 1;
}

function togglePlay(): void {
  if (playing) {
    pause();
    return;
  }
  if (life && at >= life.moments.length - 1) go(0);
  playing = setInterval(() => {
    if (life && at < life.moments.length - 1) go(at + 1);
    else pause();
  }, PLAY_MS);
  sayPlaying();
}

function pause(): void {
  clearInterval(playing);
  playing = undefined;
  sayPlaying();
}

function sayPlaying(): void {
  setText(playButton, playing ? 'Pause' : 'Play');
  setAttribute(playButton, 'aria-pressed', String(playing !== undefined));
}

/** What is said of a life in one line. */
export function lifeInWords({ moments, lost, endedWith, path }: Life): string {
  const steps = moments.filter(({ kind }) => kind === 'step').length;
  const followed = moments.slice(moments.findIndex(({ kind }) => kind === 'end') + 1).length;
  const parts = [path, many(steps, 'step'), ...(lost > 0 ? [`${many(lost, 'earlier one')} not kept`] : [])];
  if (endedWith === undefined) return [...parts, 'has not ended'].join(' · ');
  return [...parts, `ended: ${endedWith}`, `${many(followed, 'event')} told after it`].join(' · ');
}

/** @param onActor what a name in the recording opens. */
export function setUpPlayer(onActor: (id: string) => void): void {
  openActor = onActor;
  byId('replay-chart').append(chart.element);
  byId('replay-first').addEventListener('click', () => walk(0));
  byId('replay-back').addEventListener('click', () => walk(at - 1));
  byId('replay-forward').addEventListener('click', () => walk(at + 1));
  byId('replay-last').addEventListener('click', () => walk((life?.moments.length ?? 1) - 1));
  playButton.addEventListener('click', togglePlay);
  slider.addEventListener('input', () => {
    const goal = seek(Number(slider.value));
    // The slider stays where it was put; a moment need not be there.
    const put = slider.value;
    walk(goal);
    slider.value = put;
  });
}
