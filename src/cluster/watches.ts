/** What a node is told of the records: whose keys are whose, and who has a lease. Begun anew with an era, because watches tell first what stands there. */
import type { Directory } from './directory.js';
import type { Engine, Undo } from './engine.js';
import type { Leases } from './leases.js';

export class Watches {
  readonly #engine: Engine;
  readonly #directory: Directory;
  readonly #leases: Leases;
  #undo: Undo[] = [];

  constructor(engine: Engine, directory: Directory, leases: Leases) {
    this.#engine = engine;
    this.#directory = directory;
    this.#leases = leases;
  }

  begin(): void {
    this.#undo = [
      this.#engine.watch('own', (entry) => void this.#directory.see(entry)),
      this.#engine.watch('nodes', (entry) => this.#leases.see(entry)),
    ];
  }

  /** Forgets what was told: another era has begun, in which revisions are others. */
  beginAnew(): void {
    this.end();
    this.#directory.clear();
    this.#leases.clear();
    this.begin();
  }

  end(): void {
    for (const undo of this.#undo) undo();
    this.#undo = [];
  }
}
