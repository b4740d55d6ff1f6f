/**
 * A process written as plain functions: for workers whose life is too simple for a chart. What it starts it acquires
 * through its scope; what it is told arrives in `receive`; it ends by `exit`, by a throw, or by being stopped.
 */
import type { ActorLogic, AnyActorRef, EventObject, Snapshot } from 'xstate';
import type { ExitReason } from './exit-reason.js';
import { type Process, type ProcessTraits, processOf, withTraits } from './process.js';
import type { Scope } from './scope.js';

export interface ProcessContext<I> {
  readonly input: I;
  readonly self: AnyActorRef;
  readonly process: Process;
  readonly scope: Scope;
  /** Ends it with this reason after the current event. */
  exit(reason?: ExitReason): void;
}

export interface ProcessHandlers {
  receive?(event: EventObject): void;
  /** Its end is certain; what it holds is given back after this. Not called when it throws. */
  terminate?(): void;
}

type ProcessSnapshot = Snapshot<unknown> & { readonly input: unknown };

export function fromProcess<I = undefined>(
  begin: (context: ProcessContext<I>) => ProcessHandlers | undefined,
  traits: ProcessTraits = {},
): ActorLogic<ProcessSnapshot, EventObject, I> {
  const handlers = new WeakMap<AnyActorRef, ProcessHandlers>();
  const logic: ActorLogic<ProcessSnapshot, EventObject, I> = {
    getInitialSnapshot: (_scope, input) => ({ status: 'active', output: undefined, error: undefined, input }),
    getPersistedSnapshot: (snapshot) => snapshot,
    start: (snapshot, scope) => {
      const self = scope.self as AnyActorRef;
      const process = processOf(self) as Process;
      const begun = begin({
        input: snapshot.input as I,
        self,
        process,
        get scope() {
          return process.scope;
        },
        exit: (reason = 'normal') => self.send({ type: 'process.exit', reason } as EventObject),
      });
      if (begun) handlers.set(self, begun);
    },
    transition: (snapshot, event, scope) => {
      const self = scope.self as AnyActorRef;
      if (event.type === 'xstate.stop') {
        handlers.get(self)?.terminate?.();
        return { ...snapshot, status: 'stopped' } as ProcessSnapshot;
      }
      if (event.type === 'process.exit') {
        handlers.get(self)?.terminate?.();
        return {
          ...snapshot,
          status: 'done',
          output: (event as EventObject & { reason: ExitReason }).reason,
        } as ProcessSnapshot;
      }
      handlers.get(self)?.receive?.(event);
      return snapshot;
    },
  };
  return withTraits(logic, traits);
}
