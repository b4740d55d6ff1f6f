/**
 * A real actor on its walk through the paths of its chart: in a real system, on virtual time. Messages are delivered only
 * when the walk says so, so that what the runtime posts to itself can be overtaken by anything that the chart allows to
 * overtake it.
 */
import { expect } from 'vitest';
import type { AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';
import { VirtualClock } from '../../../src/otp/clock.js';
import { fromProcess } from '../../../src/otp/from-process.js';
import { leftovers } from '../../../src/otp/leaks.js';
import type { Process } from '../../../src/otp/process.js';
import { exit } from '../../../src/otp/signals.js';
import { type SpawnOptions, spawn, startRoot } from '../../../src/otp/spawn.js';
import { System } from '../../../src/otp/system.js';
import { isRunning } from '../../../src/otp/xstate-internals.js';
import type { ModelEvent } from './model.js';

/** A time that no walk reaches unless it means to. Milliseconds. */
export const NEVER_MS = 1_000_000_000;
/** Timers that may fire before the one that is waited for. */
const TIMERS_MAX = 1_000;

export type Cause = () => void | Promise<void>;

export abstract class Subject {
  readonly clock = new VirtualClock();
  readonly system: System;
  readonly root: Process;
  /** The types of the events that the actor has received in this step, in order. */
  received: string[] = [];
  /** The last event was sent to the actor by the walk: nothing that the walk can do makes the runtime raise it there. */
  injected = false;
  #actor: Process | undefined;

  constructor() {
    this.system = new System({
      clock: this.clock,
      inspect: (event) => {
        if (event.type === '@xstate.event' && event.actorRef === this.#actor?.ref) this.received.push(event.event.type);
      },
    });
    this.root = startRoot(
      this.system,
      fromProcess(() => ({})),
      { id: 'root' },
    ).process as Process;
  }

  /** How the runtime comes to raise the event where the actor is now; `undefined` where it does not. */
  protected abstract causeOf(event: ModelEvent): Cause | undefined;

  /** What has to hold in this state of the model. */
  abstract check(state: AnyMachineSnapshot): void;

  /** What has to hold when everything has ended. */
  checkEnd(): void {}

  /** The actor that walks. */
  get process(): Process {
    return this.#actor as Process;
  }

  get snapshot(): AnyMachineSnapshot {
    return this.process.ref.getSnapshot() as AnyMachineSnapshot;
  }

  get running(): boolean {
    return isRunning(this.process.ref);
  }

  /** Makes the event happen. Synchronous wherever a message has to wait. */
  cause(event: ModelEvent): void | Promise<void> {
    this.received = [];
    const cause = this.running ? this.causeOf(event) : undefined;
    this.injected = cause === undefined;
    return cause ? cause() : this.#inject(event);
  }

  is(state: Parameters<AnyMachineSnapshot['matches']>[0]): boolean {
    return this.snapshot.matches(state as never);
  }

  /** Ends everything, and shows that nothing is left. */
  async end(): Promise<void> {
    for (const process of [...this.system.processes].reverse()) {
      if (process.alive) exit(process.ref, 'kill');
      this.system.flush();
    }
    await this.settled();
    this.checkEnd();
    expect(leftovers(this.system)).toEqual({});
    expect(this.clock.pending, 'timers on the clock').toBe(0);
    this.system.close();
  }

  protected walksAs(process: Process): void {
    this.#actor = process;
  }

  /**
   * Lets time pass, timer by timer, until the actor has received this event. Messages wait meanwhile, as they do while the
   * machine is busy with something else.
   */
  protected advanceTo(type: string): void {
    const deliver = this.clock.afterTimer;
    this.clock.afterTimer = undefined;
    for (let timers = 0; !this.received.includes(type); timers += 1) {
      if (timers === TIMERS_MAX || !this.clock.advanceToNext()) throw new Error(`"${type}" does not come by itself`);
    }
    this.clock.afterTimer = deliver;
  }

  protected start(logic: Parameters<typeof spawn>[1], options: SpawnOptions): Process {
    return spawn(this.root, logic, options).process as Process;
  }

  /** Somebody of no importance. */
  protected bystander(id: string): AnyActorRef {
    return this.start(
      fromProcess(() => ({})),
      { id },
    ).ref;
  }

  /** Every message delivered and every promise settled that does not wait for the walk. */
  protected async settled(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      this.system.flush();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Sends the event to the actor as it is; one that has ended hears nothing. */
  #inject(event: ModelEvent): void {
    const { ref } = this.process;
    if (this.running) ref.send(event as EventObject);
    else this.system.post(ref, event as EventObject);
  }
}
