/** Names of processes. A name belongs to one living process at a time and is free again in the moment it ends. */
import type { Process } from './process.js';

export class Registry {
  readonly #byName = new Map<string, Process>();

  /** False when the name is taken, or the process has a name already or has ended. */
  register(name: string, process: Process): boolean {
    if (this.#byName.has(name) || process.name !== undefined || process.exit !== undefined) return false;
    this.#byName.set(name, process);
    process.name = name;
    return true;
  }

  unregister(name: string): boolean {
    const process = this.#byName.get(name);
    if (!process) return false;
    this.#byName.delete(name);
    process.name = undefined;
    return true;
  }

  whereis(name: string): Process | undefined {
    return this.#byName.get(name);
  }

  get size(): number {
    return this.#byName.size;
  }
}
