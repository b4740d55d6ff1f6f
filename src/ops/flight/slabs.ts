/**
 * Where the flight recorder writes: a slab of the last steps for each actor, in tables of numbers. A step is four numbers
 * (when, which event, which state, what it said) that are written over the oldest, so that recording makes no garbage, and a slab is used
 * again when nobody wants what is in it. What numbers mean is the recorder's.
 */

/** Steps that are kept of an actor. A power of two. */
export const STEPS = 32;
const SLABS_PER_CHUNK = 256;
const BYTES_PER_STEP = 8 + 2 + 2 + 4;
export const SLAB_BYTES = STEPS * BYTES_PER_STEP + 4;

interface Chunk {
  readonly times: Float64Array;
  readonly events: Uint16Array;
  readonly states: Uint16Array;
  readonly words: Uint32Array;
  /** Steps that were ever written into each slab. */
  readonly written: Uint32Array;
}

export interface SlabStep {
  readonly atMs: number;
  readonly event: number;
  readonly state: number;
  readonly words: number;
}

export class Slabs {
  readonly #chunks: Chunk[] = [];
  readonly #chunksMax: number;
  /** Slabs that nobody has. */
  readonly #free: number[] = [];

  constructor(bytesMax: number) {
    this.#chunksMax = Math.max(1, Math.floor(bytesMax / (SLABS_PER_CHUNK * SLAB_BYTES)));
  }

  /** What the tables take now. */
  get bytes(): number {
    return this.#chunks.length * SLABS_PER_CHUNK * SLAB_BYTES;
  }

  /** A slab without steps; undefined when there is no room for one. Numbers begin at 1. */
  take(): number | undefined {
    if (this.#free.length === 0 && this.#chunks.length < this.#chunksMax) this.#grow();
    const slab = this.#free.pop();
    if (slab !== undefined) this.#chunk(slab).written[slab % SLABS_PER_CHUNK] = 0;
    return slab;
  }

  giveBack(slab: number): void {
    this.#free.push(slab);
  }

  write(slab: number, atMs: number, event: number, state: number, words: number): void {
    const chunk = this.#chunk(slab);
    const row = slab % SLABS_PER_CHUNK;
    const written = chunk.written[row] as number;
    const at = row * STEPS + (written & (STEPS - 1));
    chunk.times[at] = atMs;
    chunk.events[at] = event;
    chunk.states[at] = state;
    chunk.words[at] = words;
    // It wraps after four billion steps; the fewer that are then said to be there are written again at once.
    chunk.written[row] = written + 1;
  }

  /** The last steps, the oldest first. */
  read(slab: number): readonly SlabStep[] {
    const { times, events, states, words, written } = this.#chunk(slab);
    const row = slab % SLABS_PER_CHUNK;
    const all = written[row] as number;
    const steps: SlabStep[] = [];
    for (let n = Math.max(0, all - STEPS); n < all; n += 1) {
      const at = row * STEPS + (n & (STEPS - 1));
      steps.push({
        atMs: times[at] as number,
        event: events[at] as number,
        state: states[at] as number,
        words: words[at] as number,
      });
    }
    return steps;
  }

  /** The last step's event; undefined where there is none. */
  lastEvent(slab: number): number | undefined {
    const { events, written } = this.#chunk(slab);
    const row = slab % SLABS_PER_CHUNK;
    const all = written[row] as number;
    return all === 0 ? undefined : events[row * STEPS + ((all - 1) & (STEPS - 1))];
  }

  /** Steps that were written over. */
  lost(slab: number): number {
    return Math.max(0, (this.#chunk(slab).written[slab % SLABS_PER_CHUNK] as number) - STEPS);
  }

  #chunk(slab: number): Chunk {
    return this.#chunks[Math.floor(slab / SLABS_PER_CHUNK)] as Chunk;
  }

  #grow(): void {
    const first = this.#chunks.length * SLABS_PER_CHUNK;
    this.#chunks.push({
      times: new Float64Array(SLABS_PER_CHUNK * STEPS),
      events: new Uint16Array(SLABS_PER_CHUNK * STEPS),
      states: new Uint16Array(SLABS_PER_CHUNK * STEPS),
      words: new Uint32Array(SLABS_PER_CHUNK * STEPS),
      written: new Uint32Array(SLABS_PER_CHUNK),
    });
    // Slab 0 is nobody's: an actor with the number 0 has none.
    for (let slab = first + SLABS_PER_CHUNK - 1; slab >= Math.max(1, first); slab -= 1) this.#free.push(slab);
  }
}
