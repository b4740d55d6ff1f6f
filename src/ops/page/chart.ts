/**
 * A statechart as it was drawn at development time, with the states marked that are active now. The drawing brings its own
 * style, so it lives in a shadow root, where neither its names nor ours meet.
 */
import { request } from './ask.js';
import { BOXES_STYLE, boxesOf, pathsOf } from './chart-config.js';
import { make } from './dom.js';
import type { ChartConfig } from './recording-file.js';
import { stateOf } from './words.js';

const MARKS = `
:host{display:block}
svg{display:block}
.active>.frame{stroke:var(--accent);stroke-width:2}
.now>.frame{stroke:#c2255c;stroke-width:4;fill:color-mix(in srgb,#f06595 22%,var(--leaf))}
@media (prefers-color-scheme:dark){.now>.frame{stroke:#ff8fb3}}
`;

interface Drawing {
  readonly svg: SVGSVGElement;
  readonly style: string;
}

const drawings = new Map<string, Promise<Drawing>>();

function drawing(name: string): Promise<Drawing> {
  let found = drawings.get(name);
  if (!found) {
    found = request(`api/charts/${encodeURIComponent(name)}.svg`)
      .then((response) => response.text())
      .then(parsed);
    drawings.set(name, found);
    // What did not come is asked for again the next time.
    found.catch(() => drawings.delete(name));
  }
  return found;
}

/** The style is taken out as text: the page's policy allows no style within a document that is parsed, only a sheet that is made. */
function parsed(text: string): Drawing {
  let style = '';
  const bare = text.replace(/<style>([\s\S]*?)<\/style>/, (_, sheet: string) => {
    style = sheet;
    return '';
  });
  return {
    svg: new DOMParser().parseFromString(bare, 'image/svg+xml').documentElement as Element as SVGSVGElement,
    style,
  };
}

export class Chart {
  readonly element: HTMLElement;
  readonly #host = make('div');
  readonly #root: ShadowRoot;
  readonly #scale: number;
  #drawn: Promise<void> = Promise.resolve();
  #name = '';
  #config: ChartConfig | undefined;
  #marked = '';
  #wanted: readonly string[] = [];

  constructor({ scale = 0.8, label = 'Chart' } = {}) {
    this.#scale = scale;
    this.element = make('div', { class: 'chart', tabindex: 0, role: 'img', 'aria-label': label });
    this.element.append(this.#host);
    this.#root = this.#host.attachShadow({ mode: 'open' });
    // A phone that was turned, a window that was made narrower: the current state stays in sight.
    new ResizeObserver(() => this.#revealCurrent()).observe(this.element);
  }

  /**
   * Draws the chart unless it is drawn already, and marks these states.
   * @param config the chart itself, where it is known: it is drawn from this where no drawing is to be had, or one that has
   * not its states, as of another version.
   * @param isDrawn whether it is worth asking for a drawing.
   */
  async show(
    name: string,
    active: readonly string[],
    state: string,
    config?: ChartConfig,
    isDrawn = true,
  ): Promise<void> {
    if (this.#name !== name || this.#config !== config || !this.#root.firstElementChild) {
      this.#name = name;
      this.#config = config;
      this.#root.replaceChildren();
      this.#drawn = this.#load(name, config, isDrawn);
    }
    this.#wanted = active;
    this.element.setAttribute('aria-label', `Chart of ${name}, now in ${stateOf(state)}`);
    await this.#drawn;
    // Another actor may have been opened, or another moment come to, while the drawing came.
    if (this.#name !== name || this.#wanted !== active) return;
    const key = active.join(' ');
    if (key === this.#marked) return;
    this.#marked = key;
    this.#mark(active);
  }

  async #load(name: string, config: ChartConfig | undefined, isDrawn: boolean): Promise<void> {
    const asked = isDrawn ? drawing(name) : Promise.resolve(undefined);
    const found = await asked.catch((error: unknown) => {
      if (config) return undefined;
      throw error;
    });
    if (this.#name !== name || this.#config !== config) return;
    this.#marked = '';
    if (found && hasStates(found.svg, name, config)) this.#draw(document.importNode(found.svg, true), found.style);
    else if (config) this.#fill(boxesOf(name, config), BOXES_STYLE);
  }

  #draw(svg: SVGSVGElement, style: string): void {
    const { width, height } = svg.viewBox.baseVal;
    svg.setAttribute('width', String(width * this.#scale));
    svg.setAttribute('height', String(height * this.#scale));
    svg.setAttribute('aria-hidden', 'true');
    this.#fill(svg, style.replaceAll(':root', ':host') + MARKS);
  }

  #fill(chart: Element, style: string): void {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.replaceChildren(chart);
  }

  #mark(active: readonly string[]): void {
    for (const box of this.#root.querySelectorAll('.active, .now')) box.classList.remove('active', 'now');
    const leaves = active.filter((state) => !active.some((other) => other.startsWith(`${state}.`)));
    for (const box of this.#root.querySelectorAll('[data-state]')) {
      const state = box.getAttribute('data-state')?.slice(this.#name.length + 1) ?? '';
      if (!active.includes(state)) continue;
      box.classList.add(leaves.includes(state) ? 'now' : 'active');
    }
    this.#revealCurrent();
  }

  #revealCurrent(): void {
    const first = this.#root.querySelector('.now');
    if (first) this.#reveal(first);
  }

  /** Brings the current state into the middle, without moving the page around it. */
  #reveal(box: Element): void {
    const outer = this.element.getBoundingClientRect();
    const inner = box.getBoundingClientRect();
    this.element.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
    this.element.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
  }
}

function hasStates(svg: SVGSVGElement, name: string, config: ChartConfig | undefined): boolean {
  if (!config) return true;
  const drawn = new Set([...svg.querySelectorAll('[data-state]')].map((box) => box.getAttribute('data-state')));
  return pathsOf(config).every((path) => drawn.has(`${name}.${path}`));
}
