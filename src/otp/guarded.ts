/**
 * Makes any actor logic a process. Its end is seen in the logic itself (a throw, a final snapshot, the stop event), not
 * through XState's observers or relayed events: those name ids, and an id may already belong to a successor.
 */
import type { AnyActorLogic, AnyActorRef, AnyActorScope, EventObject } from 'xstate';
import { atWork } from './crash-barrier.js';
import { crashReason, reasonOfOutput } from './exit-reason.js';
import { Mailbox } from './mailbox.js';
import { carry, Process, processOf } from './process.js';
import type { System } from './system.js';
import { traitsOf } from './traits.js';
import { parentOf, type SnapshotParts, shareParts } from './xstate-internals.js';

/** Systems by XState's own, so that a new actor finds where it belongs. */
const systems = new WeakMap<object, System>();
/** The first step of every actor. */
const INIT: EventObject = { type: 'xstate.init' };
let founding: System | undefined;

/** Runs `create`, which creates a root actor: the actor system that it founds belongs to `system`. */
export function foundSystem<T>(system: System, create: () => T): T {
  founding = system;
  try {
    return create();
  } finally {
    founding = undefined;
  }
}

function systemOf(scope: AnyActorScope): System {
  const known = systems.get(scope.system);
  if (known) return known;
  if (!founding)
    throw new Error(`actor "${scope.id}" belongs to no system; start it with startRoot or under a supervisor`);
  systems.set(scope.system, founding);
  return founding;
}

const guardedLogics = new WeakMap<AnyActorLogic, AnyActorLogic>();

/** Events that a chart with this list never sees: types that come from outside would each stay in XState's cache for ever. */
function knownEvents(logic: AnyActorLogic): ReadonlySet<string> | undefined {
  const { events } = logic as { events?: readonly string[] };
  if (!Array.isArray(events) || events.some((type) => type.includes('*'))) return undefined;
  return new Set(events);
}

/** The same logic as a process. One guarded logic per logic, so that the inspector sees one definition. */
export function guarded(logic: AnyActorLogic): AnyActorLogic {
  const known = guardedLogics.get(logic);
  if (known) return known;
  const wrapped = guard(logic);
  guardedLogics.set(logic, wrapped);
  return wrapped;
}

function guard(logic: AnyActorLogic): AnyActorLogic {
  const traits = traitsOf(logic);
  const { config } = logic as { config?: { readonly id?: string } };
  const kind = traits.kind ?? config?.id ?? 'process';
  const events = knownEvents(logic);
  // A chart that names the stop request ends in its own time; that is what trapping exits means.
  const trapExit = traits.trapExit ?? events?.has('supervisor.stop') ?? false;
  const answersStop = traits.answersStop ?? trapExit;
  const wrapped = Object.create(logic) as AnyActorLogic;

  wrapped.getInitialSnapshot = (scope: AnyActorScope, input: unknown) => {
    const system = systemOf(scope);
    const parent = parentOf(scope.self);
    const process = new Process(scope.self, system, parent && processOf(parent), kind);
    process.trapExit = trapExit;
    process.answersStop = answersStop;
    if (traits.mailbox) process.mailbox = new Mailbox(traits.mailbox);
    carry(process);
    const initial = atWork.run(process, () => logic.getInitialSnapshot(scope, input));
    if (system.onStep) told(system.onStep, process, INIT, initial);
    return initial;
  };

  wrapped.transition = (snapshot: Snapshot, event: EventObject, scope: AnyActorScope) => {
    const process = processOf(scope.self) as Process;
    if (events && !event.type.startsWith('xstate.') && !events.has(event.type)) return snapshot;
    const { slowHandlerMs, onStep } = process.system;
    const beganMs = slowHandlerMs === undefined ? 0 : performance.now();
    return atWork.run(process, () => {
      try {
        const next = logic.transition(snapshot, event, scope) as Snapshot;
        // Before its end is told: who hears of it may ask how it came to that.
        if (onStep) told(onStep, process, event, next);
        if (event.type === 'xstate.stop') process.exited('shutdown');
        else if (next.status === 'done') process.exited(reasonOfOutput(next.output));
        else if (next.status === 'error') process.exited(crashReason(next.error));
        return next;
      } catch (thrown) {
        onStep?.(process, event, undefined);
        stopChildren(snapshot, scope);
        process.exited(crashReason(thrown));
        throw thrown;
      } finally {
        if (slowHandlerMs !== undefined) {
          const ms = performance.now() - beganMs;
          process.system.handled.add(ms / 1_000);
          // Rarely: the call is not worth its cost at each step.
          if (ms >= slowHandlerMs) process.worked(event.type, ms);
        }
      }
    });
  };
  return wrapped;
}

/** What actors in the same state can share they share already now: whoever listens knows a state again by its value. */
function told(
  onStep: NonNullable<System['onStep']>,
  process: Process,
  event: EventObject,
  snapshot: SnapshotParts,
): void {
  shareParts(snapshot);
  onStep(process, event, snapshot);
}

interface Snapshot {
  readonly status: string;
  readonly output: unknown;
  readonly error: unknown;
  readonly children?: Readonly<Record<string, AnyActorRef>>;
}

/** XState leaves the actors of a machine that threw running, even after the root has stopped (its issue 5153). */
function stopChildren(snapshot: Snapshot, scope: AnyActorScope): void {
  for (const child of Object.values(snapshot.children ?? {}).reverse()) scope.stopChild(child);
}
