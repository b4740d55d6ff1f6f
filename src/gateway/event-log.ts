/**
 * The last events, for whoever asks later, and a call for each to whoever listens now. A ring: when it is full the oldest
 * goes, so that a gateway which runs for a year remembers as much as one that runs for a minute.
 *
 * It knows nothing of what the events say; ids are its own, begin at 1 and rise by one, so a gap is visible.
 */

export interface EventLogOptions {
  /** How many events are kept. Default 1000. */
  readonly capacity?: number;
  /** A listener threw. It stays registered, and the others are called all the same. */
  readonly listenerFailed?: (thrown: unknown) => void;
}

export class EventLog<E extends { readonly id: number }> {
  readonly #capacity: number;
  readonly #listenerFailed: (thrown: unknown) => void;
  readonly #listeners = new Set<(event: E) => void>();
  /** The event with id n stands at n modulo the capacity. */
  readonly #ring: E[] = [];
  readonly #undelivered: E[] = [];
  #delivering = false;
  #newestId = 0;

  constructor(options: EventLogOptions = {}) {
    this.#capacity = options.capacity ?? 1000;
    if (!Number.isInteger(this.#capacity) || this.#capacity < 1) {
      throw new RangeError(`capacity: expected a whole number of at least 1, got ${this.#capacity}`);
    }
    this.#listenerFailed = options.listenerFailed ?? (() => {});
  }

  /** The id of the youngest event; 0 before the first. */
  get newestId(): number {
    return this.#newestId;
  }

  /** The id of the oldest event that is still kept; 0 before the first. */
  get oldestId(): number {
    return this.#newestId === 0 ? 0 : Math.max(1, this.#newestId - this.#capacity + 1);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Keeps the event under the next id and tells the listeners. */
  append(event: Omit<E, 'id'>): E {
    this.#newestId += 1;
    const kept = { id: this.#newestId, ...event } as E;
    this.#ring[this.#newestId % this.#capacity] = kept;
    this.#undelivered.push(kept);
    if (!this.#delivering) this.#deliver();
    return kept;
  }

  /** The kept events with an id above `afterId`, the oldest first. */
  since(afterId = 0): readonly E[] {
    const events: E[] = [];
    for (let id = Math.max(afterId + 1, this.oldestId, 1); id <= this.#newestId; id += 1) {
      events.push(this.#ring[id % this.#capacity] as E);
    }
    return events;
  }

  /** Calls `listener` for each event from now on; returns the undo. */
  listen(listener: (event: E) => void): () => void {
    // Wrapped, so that the same function may listen twice and each undo takes back its own.
    const entry = (event: E): void => listener(event);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** A listener may append: what it appends waits, so that every listener sees the events in the order of their ids. */
  #deliver(): void {
    this.#delivering = true;
    for (let event = this.#undelivered.shift(); event; event = this.#undelivered.shift()) {
      for (const listener of [...this.#listeners]) {
        try {
          if (this.#listeners.has(listener)) listener(event);
        } catch (thrown) {
          this.#listenerFailed(thrown);
        }
      }
    }
    this.#delivering = false;
  }
}
