/** What the janitor does when it looks, and whoever asks for it by `POST /cleanup-resources`: everything that sweeps, sweeps. */
import type { Chronicle } from './chronicle.js';
import type { CountedParts } from './resources.js';
import { SessionSweep } from './session-sweep.js';

export class CleanUp {
  readonly #parts: CountedParts;
  readonly #chronicle: Chronicle;
  readonly #sessions: SessionSweep;

  constructor(parts: CountedParts, chronicle: Chronicle) {
    this.#parts = parts;
    this.#chronicle = chronicle;
    this.#sessions = new SessionSweep(parts.options.session);
  }

  /** @returns what was removed, by kind. */
  run(): Readonly<Record<string, number>> {
    const { board, sessions, system } = this.#parts;
    const removed = {
      services: board.services.sweep(),
      sessions: this.#sessions.sweep(sessions.all(), system.clock.now()),
    };
    if (Object.values(removed).some((count) => count > 0)) {
      this.#chronicle.note({ type: 'swept', actor: '', kind: 'gateway', detail: removed });
    }
    return removed;
  }
}
