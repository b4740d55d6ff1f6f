/** Those who put up a camera and take it away again. Taken away means gone: nothing of it is ever opened again. */
import { EXTRA, extraCamera } from './settings.js';
import type { Stage } from './stage.js';

/** A recorder is waited for, and so is a disk. */
const LONG_MS = 30_000;

export class Installers {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  putUp(): void {
    const { world } = this.#stage;
    const ask = { ...this.#stage.newAsk(`put-up-${EXTRA}`), patienceMs: LONG_MS };
    this.#stage.note(`${ask.label} is asked for`);
    world.ask(ask, world.tree.cameras.add(extraCamera()), () => {});
  }

  takeAway(): void {
    const { world } = this.#stage;
    const ask = { ...this.#stage.newAsk(`take-away-${EXTRA}`), patienceMs: LONG_MS };
    const label = `simulated:${EXTRA}`;
    const there = world.sourcesMade.filter((source) => source.label === label);
    this.#stage.note(`${ask.label} is asked for`);
    world.ask(ask, world.tree.cameras.remove(EXTRA), () => {
      for (const source of there) {
        source.removed = true;
        if (source.attempts.size > 0) world.breach(`I-attempt: ${label} is open and its camera was taken away`);
      }
    });
  }
}
