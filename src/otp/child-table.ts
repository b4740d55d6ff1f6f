/** A supervisor's children in the order in which they were first started, and what it knows of each. */
import type { FullChildSpec } from './child-spec.js';
import type { ExitReason } from './exit-reason.js';
import type { Failure, Process } from './process.js';
import { RestartBackoff } from './restart-backoff.js';
import { RestartIntensity } from './restart-intensity.js';
import { type Enrolled, Roll } from './roll.js';
import type { Held } from './scope.js';

export class Child implements Enrolled<Child> {
  readonly spec: FullChildSpec;
  readonly args: readonly unknown[];
  process: Process | undefined;
  state: 'running' | 'stopped' | 'restarting' = 'stopped';
  restarts = 0;
  /** How the last one ended; handed to the next. */
  previous: ExitReason | undefined;
  failure: Failure | undefined;
  /** When it was started last, on the system's clock. */
  startedAtMs = 0;
  /** Its own budget of restarts, where its spec has one. */
  readonly budget: RestartIntensity | undefined;
  readonly backoff: RestartBackoff | undefined;
  /** Set while it waits to be started again. */
  waiting: Held | undefined;
  earlier: Child | undefined;
  later: Child | undefined;

  constructor(spec: FullChildSpec, args: readonly unknown[], random: () => number) {
    this.spec = spec;
    this.args = args;
    const { intensity, period = DEFAULT_PERIOD_SECONDS, backoff } = spec;
    this.budget = intensity === undefined ? undefined : new RestartIntensity(intensity, period);
    this.backoff = backoff && new RestartBackoff(backoff, random);
  }
}

/** What a child is started with where nobody says more. */
export const NO_ARGS: readonly unknown[] = [];

/** As a supervisor's. */
const DEFAULT_PERIOD_SECONDS = 5;

/** Up to so many children are looked through for an id; most supervisors never have more, and a map weighs as much as two. */
const SCANNED_MAX = 8;

export class ChildTable {
  readonly #all = new Roll<Child>();
  /** Under `simple_one_for_one` ids name nobody. */
  readonly #named: boolean;
  /** From the first time that they are too many to be looked through. */
  #byId: Map<string, Child> | undefined;

  constructor(named: boolean) {
    this.#named = named;
  }

  get size(): number {
    return this.#all.size;
  }

  get(id: string): Child | undefined {
    if (!this.#named) return undefined;
    if (this.#byId) return this.#byId.get(id);
    return this.#all.find((child) => child.spec.id === id);
  }

  has(child: Child): boolean {
    return this.#all.has(child);
  }

  add(child: Child): void {
    this.#all.add(child);
    if (this.#byId) this.#byId.set(child.spec.id, child);
    else if (this.#named && this.#all.size > SCANNED_MAX)
      this.#byId = new Map(this.#all.members().map((each) => [each.spec.id, each]));
  }

  delete(child: Child): void {
    if (!this.#all.has(child)) return;
    this.#all.delete(child);
    this.#byId?.delete(child.spec.id);
  }

  /** Those who are in it now, in order. */
  inOrder(): Child[] {
    return this.#all.members();
  }

  clear(): void {
    for (const child of this.#all) this.delete(child);
  }
}
