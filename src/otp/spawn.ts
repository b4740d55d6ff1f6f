/** Starting processes: a root of a system, or a child of somebody. */
import { type AnyActorLogic, type AnyActorRef, createActor } from 'xstate';
import { atWork } from './crash-barrier.js';
import { crashReason, type ExitReason, reasonOfOutput } from './exit-reason.js';
import { foundSystem, guarded } from './guarded.js';
import { type Process, type ProcessBody, processOf } from './process.js';
import type { System } from './system.js';
import { createChild } from './xstate-child.js';
import { dropSessionList, installIndexedScheduler, isRunning } from './xstate-internals.js';

export interface SpawnOptions {
  readonly id: string;
  readonly input?: unknown;
  /** What does the work that the logic decides on; found again as `processOf(self).body`. */
  readonly body?: ProcessBody | undefined;
}

/** The process, or why it did not start. A process that did not start is gone; nobody is told of its end but the caller. */
export type Spawned =
  | { readonly process: Process; readonly error?: undefined }
  | { readonly process?: undefined; readonly error: ExitReason };

export function spawn(parent: Process, logic: AnyActorLogic, { id, input, body }: SpawnOptions): Spawned {
  if (!parent.alive) return { error: 'noproc' };
  return started(parent.system, createChild(guarded(logic), { id, input, parent: parent.ref, src: logic }), body);
}

/**
 * Starts the root of a system's tree. XState throws an unhandled error of a root at the process; the observer set here
 * keeps it a DOWN like any other.
 */
export function startRoot(system: System, logic: AnyActorLogic, { id, input }: SpawnOptions): Spawned {
  const { clock, inspect } = system;
  const options = { id, input, clock, ...(inspect ? { inspect } : {}) } as object;
  const ref: AnyActorRef = foundSystem(system, () => createActor(guarded(logic), options));
  dropSessionList(ref.system);
  system.chartTimers = installIndexedScheduler(ref.system);
  ref.subscribe({ error: () => {} });
  const result = started(system, ref);
  system.root = result.process;
  return result;
}

function started(system: System, ref: AnyActorRef, body?: ProcessBody): Spawned {
  const process = processOf(ref) as Process;
  process.body = body;
  const beganMs = process.measured ? performance.now() : 0;
  body?.attach(process);
  // Until it is started, its end is the caller's to hear.
  process.detached = true;
  system.processes.add(process);
  // What the first step starts (timers, promises) is its work already, not its parent's.
  atWork.run(process, () => ref.start());
  if (beganMs > 0) process.worked('start', performance.now() - beganMs);
  const { status, error, output } = ref.getSnapshot() as { status: string; error?: unknown; output?: unknown };
  // Ends in the very first step, or before it, never reach the logic's transition.
  const failed = status === 'error' || (process.alive && process.condemned && !isRunning(ref));
  if (failed) process.exited(crashReason(error));
  process.detached = false;
  if (failed) return { error: process.exit as ExitReason };
  if (system.heard) system.emit({ type: 'process.started', process });
  if (process.alive && status === 'done') process.exited(reasonOfOutput(output));
  else if (process.gone && process.parent?.alive && process.startError === undefined && !process.ignored) {
    system.post(process.parent.ref, { type: 'child.exited', process } as never);
  }
  return { process };
}
