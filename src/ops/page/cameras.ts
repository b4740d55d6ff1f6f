/**
 * Cameras with their pictures. A browser keeps six connections to a server, so three pictures move and the others are stills,
 * and who does not look (a hidden tab, a card out of sight, paused pictures) is no viewer.
 */
import type { CameraView } from '../../gateway/views.js';
import { ask, base } from './ask.js';
import { askFirst } from './ask-first.js';
import { badge, setBadge } from './badge.js';
import { byId, Keyed, make, setAttribute, setText, within } from './dom.js';
import { actButton } from './token.js';
import { age, inWords, many, number, toneOf } from './words.js';

const MOVING_MAX = 3;
const CARDS_MAX = 60;
const RETRY_MS = 2000;
const STILL_MS = 3000;
const RATE_SAMPLES = 6;
const FACTS = ['Viewers', 'Frames', 'Age', 'Attempts'];

/** `moving`: watched live. `still`: a snapshot now and then. `off`: nothing is asked for. */
type Mode = 'moving' | 'still' | 'off';

class Card {
  camera: CameraView;
  readonly element: HTMLElement;
  readonly #img: HTMLImageElement;
  readonly #still = make('canvas', { 'aria-hidden': 'true' });
  readonly #word = make('span', { class: 'word' });
  readonly #rate = make('span', { class: 'rate' });
  readonly #facts: HTMLElement[];
  readonly #seen: (readonly [atMs: number, frames: number])[] = [];
  mode: Mode = 'off';
  shown = false;
  notBefore = 0;
  #stillAt = 0;

  constructor(camera: CameraView) {
    this.camera = camera;
    this.#img = make('img', { alt: camera.id });
    const values = FACTS.map((label) => make('div', {}, make('dt', {}, label), make('dd')));
    this.#facts = values.map((value) => within(value, 'dd'));
    const kill = actButton(`Kill ${camera.id}`, () => this.#kill(), false);
    const title = make('div', { class: 'title' }, make('h3', {}, camera.id), badge());
    const about = [title, make('p', { class: 'source mono' }), make('dl', { class: 'facts' }, ...values)];
    const picture = make('div', { class: 'picture' }, this.#still, this.#img, this.#word, this.#rate);
    this.element = make(
      'article',
      { class: 'camera', 'aria-label': `Camera ${camera.id}` },
      picture,
      make('div', { class: 'about' }, ...about, make('p', { class: 'fault' }), kill),
    );
    // A view that could not begin, or that ended, is asked for again.
    this.#img.addEventListener('error', () => this.lost());
    this.#img.addEventListener('load', () => {
      this.shown = true;
      this.#word.hidden = true;
    });
  }

  #kill(): void {
    const { id, viewers } = this.camera;
    askFirst({
      verb: 'Kill',
      name: id,
      id: `sluice/cameras/camera:${id}`,
      text: `The camera ends at once and its source is closed. Its supervisor starts it again; ${many(viewers, 'viewer')} will miss pictures until then.`,
    });
  }

  lost(): void {
    if (this.mode === 'off') return;
    this.#keepStill();
    this.#img.removeAttribute('src');
    this.mode = 'off';
    this.notBefore = Date.now() + RETRY_MS;
    setTimeout(arrangePictures, RETRY_MS + 20);
  }

  /** Keeps the last picture under the moving one, for the time in which there is none. */
  #keepStill(): void {
    const { naturalWidth, naturalHeight } = this.#img;
    if (!this.#img.getAttribute('src') || !naturalWidth) return;
    try {
      this.#still.width = naturalWidth;
      this.#still.height = naturalHeight;
      this.#still.getContext('2d')?.drawImage(this.#img, 0, 0);
    } catch {
      // A picture that is broken half way has nothing to keep.
    }
  }

  setMode(mode: Mode): void {
    if (this.mode === mode) return;
    this.#keepStill();
    this.mode = mode;
    if (mode === 'moving') this.#img.src = `${this.#path}/live.mjpg`;
    else if (mode === 'still') this.#takeStill();
    else {
      // Without the first step the browser would go on reading a picture that it no longer shows.
      this.#img.src = '';
      this.#img.removeAttribute('src');
    }
  }

  get #path(): string {
    return `${base}cameras/${encodeURIComponent(this.camera.id)}`;
  }

  #takeStill(): void {
    this.#stillAt = Date.now();
    this.#img.src = `${this.#path}/snapshot.jpg?at=${this.#stillAt}`;
  }

  freshen(): void {
    if (Date.now() - this.#stillAt > STILL_MS && this.#img.complete) this.#takeStill();
  }

  update(camera: CameraView): void {
    this.camera = camera;
    const { state, viewers, frames, dataAgeMs, attempts, source, lastError } = camera;
    setBadge(within(this.element, '.badge'), inWords(state), toneOf(state));
    setAttribute(this.element, 'data-state', state);
    const values = [number(viewers), number(frames), age(dataAgeMs), number(attempts)];
    for (const [at, value] of values.entries()) setText(this.#facts[at] as HTMLElement, value);
    const where = within(this.element, '.source');
    setText(where, source);
    setAttribute(where, 'title', source);
    const fault = within(this.element, '.fault');
    setText(fault, lastError ?? '');
    fault.hidden = !lastError;
    this.#showRate(frames);
    const fresh = state === 'live' || state === 'lingering';
    const word = paused ? 'paused' : fresh && this.shown ? '' : state === 'live' ? 'connecting' : inWords(state);
    setText(this.#word, word);
    this.#word.hidden = word === '';
  }

  #showRate(frames: number): void {
    const now = performance.now();
    this.#seen.push([now, frames]);
    if (this.#seen.length > RATE_SAMPLES) this.#seen.shift();
    const [then, before] = this.#seen[0] ?? [now, frames];
    const perSecond = now > then ? ((frames - before) * 1000) / (now - then) : 0;
    const text = perSecond > 0.05 ? `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} fps` : '';
    setText(this.#rate, text);
    this.#rate.hidden = text === '';
  }
}

let paused = matchMedia('(prefers-reduced-motion: reduce)').matches;
const cards = new Map<Element, Card>();
const inView = new Set<Element>();
const looker = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) inView.add(target);
      else inView.delete(target);
    }
    arrangePictures();
  },
  { rootMargin: '150px' },
);

const list = new Keyed<CameraView, HTMLElement>(byId('cameras'), {
  keyOf: ({ id }) => id,
  create: (camera) => {
    const card = new Card(camera);
    cards.set(card.element, card);
    looker.observe(card.element);
    return card.element;
  },
  update: (element, camera) => cards.get(element)?.update(camera),
  removed: (element) => {
    looker.unobserve(element);
    inView.delete(element);
    cards.get(element)?.setMode('off');
    cards.delete(element);
  },
});

export function arrangePictures(): void {
  const now = Date.now();
  let moving = 0;
  for (const element of list.elements) {
    const card = cards.get(element) as Card;
    if (document.hidden || !inView.has(element)) card.setMode('off');
    else if (card.notBefore > now) continue;
    else if (paused) {
      if (card.mode === 'moving') card.setMode('off');
      else if (card.mode === 'off' && !card.shown) card.setMode('still');
    } else if (moving < MOVING_MAX) {
      moving += 1;
      card.setMode('moving');
    } else if (card.mode === 'still') card.freshen();
    else card.setMode('still');
  }
}

/** A browser shows the last picture of an ended view for ever and tells nobody. The event stream tells. */
export function picturesEnded(cameraId?: string): void {
  for (const card of cards.values()) {
    if (card.mode === 'moving' && (cameraId === undefined || cameraId === card.camera.id)) card.lost();
  }
}

export async function showCameras(): Promise<void> {
  const { cameras, next } = await ask<{ cameras: CameraView[]; next?: string }>(`api/cameras?limit=${CARDS_MAX}`);
  list.show(cameras);
  byId('cameras-none').hidden = cameras.length > 0;
  byId('cameras').hidden = cameras.length === 0;
  byId('cameras').classList.toggle('few', cameras.length <= 2);
  const counted = cameras.length > 0 ? number(cameras.length) : '';
  setText(byId('cameras-count'), next === undefined ? counted : `the first ${counted}`);
  arrangePictures();
}

export function setUpCameras(changed: () => void): void {
  const show = (): void => {
    document.body.classList.toggle('paused', paused);
    byId('pause').setAttribute('aria-pressed', String(paused));
    setText(byId('pause-word'), paused ? 'Play' : 'Pause');
    arrangePictures();
  };
  byId('pause').addEventListener('click', () => {
    paused = !paused;
    show();
    changed();
  });
  show();
}
