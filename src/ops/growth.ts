/**
 * What only ever rises. A leak is a figure that goes up and does not come down; one look says nothing, ten in a row that are
 * each above the one before, and together half as much again, are worth a line. A crowd that arrives looks the same, and is
 * told the same: who reads it knows which it is.
 */

export const GROWTH_LOOK_MS = 60_000;
const LOOKS = 10;
const FACTOR = 1.5;
/** Below this a figure is too small to be worth a word. */
const LEAST = 100;

export interface Growth {
  readonly figure: string;
  readonly from: number;
  readonly to: number;
}

export class GrowthWatch {
  readonly #rising = new Map<string, number[]>();

  /** Takes the figures of one look. @returns those that have risen ten looks long; each is told once per rise. */
  look(figures: Readonly<Record<string, number>>): readonly Growth[] {
    const found: Growth[] = [];
    for (const [figure, value] of Object.entries(figures)) {
      const values = this.#rising.get(figure) ?? [];
      if (values.length > 0 && value <= (values.at(-1) as number)) values.length = 0;
      values.push(value);
      this.#rising.set(figure, values);
      const [from] = values as [number];
      if (values.length <= LOOKS) continue;
      if (value >= LEAST && value >= from * FACTOR) {
        found.push({ figure, from, to: value });
        values.splice(0, values.length, value);
      } else values.shift();
    }
    return found;
  }
}
