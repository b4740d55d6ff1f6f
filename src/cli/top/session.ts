/**
 * `sluice top` while it runs: looks at the gateway again and again, hands keys to the screen, and does what they order. It
 * knows no terminal; whoever draws is told when there is something new.
 *
 * One look at a time: a gateway that is slow to answer is asked less often, and never twice at once.
 */
import type { Remote } from '../remote.js';
import { type Drawing, draw, type Size } from './draw.js';
import { figuresOf, remembered, type Sample } from './figures.js';
import { type Content, look } from './look.js';
import { firstScreen, type Key, type Order, pressed, type Screen } from './screen.js';

export class TopSession {
  /** Resolves when it has been quit. */
  readonly over: Promise<void>;
  readonly #gateway: Remote;
  readonly #size: () => Size;
  readonly #changed = new Set<() => void>();
  #end: () => void = () => {};
  #screen: Screen;
  #samples: readonly Sample[] = [];
  #content: Content | undefined;
  #drawing: Drawing;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  /** Something was ordered while a look was on its way that did not know of it. */
  #again = false;
  #ended = false;

  constructor(gateway: Remote, size: () => Size, intervalMs = firstScreen.intervalMs) {
    this.#gateway = gateway;
    this.#size = size;
    this.#screen = { ...firstScreen, intervalMs };
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#drawing = this.#draw();
  }

  get drawing(): Drawing {
    return this.#drawing;
  }

  /** Calls `fn` when the drawing is a new one; returns the undo. */
  readonly listen = (fn: () => void): (() => void) => {
    this.#changed.add(fn);
    return () => this.#changed.delete(fn);
  };

  start(): void {
    void this.#look();
  }

  quit(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#end();
  }

  key(key: Key): void {
    const { ids, page } = this.#drawing;
    const [screen, order] = pressed(this.#screen, key, { ids, page, mayAct: this.#gateway.mayAct });
    // What belongs to another list or another actor is not shown under the new name.
    if (screen.view !== this.#screen.view || screen.inside !== this.#screen.inside) this.#content = undefined;
    this.#screen = screen;
    this.redraw();
    if (order) this.#obey(order);
  }

  /** Draws anew, for a terminal of another size. */
  redraw(): void {
    this.#drawing = this.#draw();
    for (const fn of this.#changed) fn();
  }

  #draw(): Drawing {
    const { resources } = this.#samples.at(-1) ?? {};
    const figures = this.#samples.length > 0 ? figuresOf(this.#samples) : undefined;
    const { where } = this.#gateway;
    const seen = { where, figures, limits: resources?.limits ?? {}, content: this.#content, nowMs: Date.now() };
    return draw(this.#screen, seen, this.#size());
  }

  #obey(order: Order): void {
    if (order.type === 'quit') this.quit();
    else if (order.type === 'stop') void this.#stop(order.id);
    else void this.#look();
  }

  async #stop(id: string): Promise<void> {
    let notice = `asked to stop: ${id}`;
    try {
      await this.#gateway.post(`/api/actors/${encodeURIComponent(id)}/stop`);
    } catch (error) {
      notice = (error as Error).message;
    }
    this.#screen = { ...this.#screen, notice };
    this.redraw();
    void this.#look();
  }

  /** Looks now, and plans the next time. Never rejects: a gateway that cannot be asked is said on the screen. */
  async #look(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#looking = true;
    const asked = this.#screen;
    try {
      const [sample, content] = await look(this.#gateway, asked);
      this.#samples = remembered(this.#samples, sample);
      if (asked.view === this.#screen.view && asked.inside === this.#screen.inside) this.#content = content;
      if (this.#screen.notice.startsWith(LOST)) this.#screen = { ...this.#screen, notice: '' };
    } catch (error) {
      this.#screen = { ...this.#screen, notice: `${LOST}${(error as Error).message}` };
    }
    this.#looking = false;
    if (this.#ended) return;
    this.redraw();
    if (this.#again) {
      this.#again = false;
      void this.#look();
    } else if (!this.#screen.paused) this.#timer = setTimeout(() => void this.#look(), this.#screen.intervalMs);
  }
}

const LOST = 'no new figures: ';
