/**
 * Monitors: one way, stackable, one DOWN each. DOWN carries the true reason for every way of dying; on a process that
 * has ended already, or that is none, it says `noproc` and never the old reason.
 * Source: https://www.erlang.org/doc/system/ref_man_processes.html#monitors
 */
import type { AnyActorRef } from 'xstate';
import { atWork, type Crashable } from './crash-barrier.js';
import type { ExitReason } from './exit-reason.js';
import { Few } from './few.js';
import { type Failure, type Process, processOf } from './process.js';
import { type Enrolled, Roll } from './roll.js';
import type { System } from './system.js';
import { isRunning, sendTo } from './xstate-internals.js';

export interface Down {
  readonly type: 'DOWN';
  readonly monitor: Monitor;
  /** What was watched: the actor, or `undefined` for a name that nobody had. */
  readonly ref: AnyActorRef | undefined;
  /** The actor's path, or the name that was monitored. */
  readonly id: string;
  /** The name, where a name was monitored. */
  readonly name: string | undefined;
  readonly kind: string;
  readonly reason: ExitReason;
  /** The failure that this end was, with the chain behind it; absent for `noproc`. */
  readonly cause: Failure | undefined;
}

/** Who is told: an actor, as an event, or a function. */
export type Watcher = AnyActorRef | ((down: Down) => void);

let lastMonitor = 0;

export class Monitor implements Enrolled<Monitor> {
  readonly id: number;
  /** Its neighbours among those that its holder holds: a client manager holds one for each client and each stream. */
  earlier: Monitor | undefined = undefined;
  later: Monitor | undefined = undefined;
  readonly #target: Process | undefined;
  readonly #watcher: Watcher;
  readonly #holder: Process | undefined;
  readonly #name: string | undefined;
  readonly #setBy: Crashable | undefined;
  #active = true;
  #flushed = false;

  constructor(system: System, target: Process | undefined, watcher: Watcher, name: string | undefined) {
    lastMonitor += 1;
    this.id = lastMonitor;
    this.#target = target;
    this.#watcher = watcher;
    this.#name = name;
    const told = typeof watcher === 'function';
    this.#holder = told ? undefined : processOf(watcher);
    this.#setBy = told ? atWork.getStore() : undefined;
    // Nobody learns of an own end: such a monitor never stands.
    if (target !== undefined && target === this.#holder) {
      this.#active = false;
      return;
    }
    if (!target?.alive) {
      this.#active = false;
      this.#send(system, 'noproc', undefined);
      return;
    }
    system.monitors += 1;
    target.watchers ??= new Few();
    target.watchers.add(this);
    if (!this.#holder) return;
    this.#holder.watching ??= new Roll();
    this.#holder.watching.add(this);
  }

  /** Who watches, where that is an actor. */
  get holderPath(): string | undefined {
    return this.#holder?.path;
  }

  /** Who is watched. */
  get targetPath(): string | undefined {
    return this.#target?.path;
  }

  /**
   * Ends the monitor: no DOWN is sent from now on. One that is in the queue already still arrives, unless `flush`.
   * @returns whether it still stood.
   */
  demonitor(options: { readonly flush?: boolean } = {}): boolean {
    if (options.flush) this.#flushed = true;
    return this.drop();
  }

  /** Takes the monitor away without a DOWN. */
  drop(): boolean {
    if (!this.#active) return false;
    this.#active = false;
    const target = this.#target as Process;
    target.system.monitors -= 1;
    target.watchers?.delete(this);
    this.#holder?.watching?.delete(this);
    return true;
  }

  /** Whether it is this actor who would be told. */
  heldBy(holder: Process): boolean {
    return this.#holder === holder;
  }

  /** A function is the work of whoever set the monitor, and its throw is that actor's crash. */
  #tell(watcher: (down: Down) => void, down: Down): void {
    const owner = this.#setBy;
    if (!owner) watcher(down);
    else {
      atWork.run(owner, () => {
        try {
          watcher(down);
        } catch (thrown) {
          owner.crash(thrown);
        }
      });
    }
  }

  /** Sends the one DOWN. Called by the process that ends. */
  fire(reason: ExitReason, failure: Failure | undefined): void {
    if (this.drop()) this.#send((this.#target as Process).system, reason, failure);
  }

  #send(system: System, reason: ExitReason, failure: Failure | undefined): void {
    const down: Down = {
      type: 'DOWN',
      monitor: this,
      ref: this.#target?.ref,
      id: this.#name ?? this.#target?.path ?? 'unknown',
      name: this.#name,
      kind: this.#target?.kind ?? 'unknown',
      reason,
      cause: failure,
    };
    system.defer(() => {
      if (this.#flushed) return;
      if (typeof this.#watcher === 'function') this.#tell(this.#watcher, down);
      else if (isRunning(this.#watcher)) sendTo(this.#watcher, down);
    });
  }
}

/**
 * Watches an actor, or whoever has a name now. The watcher's own end removes the monitor.
 *
 * @param system needed for a name, and for an actor that is no process; else the target's own.
 */
export function monitor(target: AnyActorRef | string, watcher: Watcher, system?: System): Monitor {
  const named = typeof target === 'string';
  const known = named ? system?.registry.whereis(target) : processOf(target);
  const home = system ?? known?.system ?? (typeof watcher === 'function' ? undefined : processOf(watcher)?.system);
  if (!home) throw new Error(`monitor: nothing is known of "${named ? target : target.id}"; give the system`);
  return new Monitor(home, known, watcher, named ? target : undefined);
}

/** Ends all monitors that one actor holds on another, without looking at the others that either has. */
export function demonitorAll(target: AnyActorRef, holder: AnyActorRef): void {
  const process = processOf(holder);
  if (!process) return;
  for (const each of processOf(target)?.watchers?.members() ?? [])
    if (each.heldBy(process)) each.demonitor({ flush: true });
}
