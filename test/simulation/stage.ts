/** What everybody in the crowd shares: the world, the dice, and how a deed is written down. */
import type { Dice } from './dice.js';
import type { Reading } from './wires.js';
import type { Ask, World } from './world.js';

export class Stage {
  readonly world: World;
  readonly dice: Dice;
  #asked = 0;

  constructor(world: World, dice: Dice) {
    this.world = world;
    this.dice = dice;
  }

  newAsk(what: string): Ask {
    this.#asked += 1;
    return { label: `${what}#${this.#asked}`, atMs: this.world.clock.now(), answer: 'none', code: undefined };
  }

  note(line: string): void {
    this.world.note(`${(this.world.clock.now() / 1_000).toFixed(1)} s  ${line}`);
  }

  /** How somebody new reads. */
  reading(): Reading {
    const kind = this.dice.weighted({ 'at once': 4, 'in a moment': 3, slowly: 4, never: 2, 'until it breaks': 1 });
    if (kind === 'slowly') return { kind, ms: this.dice.int(10, 4_000) };
    if (kind === 'until it breaks') return { kind, writes: this.dice.int(1, 10) };
    return { kind };
  }
}
