/**
 * A desk: a table with an actor around it. The actor owns the table, so that a throw in it is the crash of the desk and of
 * nobody else; it monitors those whom the table names, once each; and it ends with everything it holds. Its successor is
 * told anew of everybody who is still there.
 *
 * Whoever needs the table asks its desk, by a handle that stands for whichever desk is alive now. The answer comes at once:
 * a desk never waits. While it has crashed and is not yet back there is no answer.
 */
import type { ActorLogic, AnyActorRef, EventObject, Snapshot } from 'xstate';
import { type Down, type Monitor, monitor } from '../otp/monitor.js';
import { type Process, processOf } from '../otp/process.js';
import { withTraits } from '../otp/traits.js';

/** What an actor does for its table. */
export interface DeskContext {
  readonly process: Process;
  /** Monitors an actor; its end comes to `down`. Watching somebody twice is watching once. */
  watch(ref: AnyActorRef): void;
  unwatch(ref: AnyActorRef): void;
}

export interface Desk {
  /** Somebody watched has ended; the monitor is gone with it. */
  down(ref: AnyActorRef): void;
}

interface Asked extends EventObject {
  readonly type: 'desk.ask';
  readonly run: (desk: Desk) => void;
}

type DeskSnapshot = Snapshot<unknown> & { readonly desk: Desk; readonly monitors: Map<AnyActorRef, Monitor> };

/** Named, so that a desk's inferred type can be written into a declaration file. */
export type DeskLogic<I> = ActorLogic<DeskSnapshot, EventObject, I>;

/** @param open makes the table and tells it of everybody alive; called in the actor's first step. */
export function deskLogic<I>(kind: string, open: (input: I, context: DeskContext) => Desk): DeskLogic<I> {
  return withTraits(
    {
      getInitialSnapshot: (scope, input) => {
        const self = scope.self as AnyActorRef;
        const monitors = new Map<AnyActorRef, Monitor>();
        const desk = open(input, {
          process: processOf(self) as Process,
          watch: (ref) => {
            if (!monitors.has(ref)) monitors.set(ref, monitor(ref, self));
          },
          unwatch: (ref) => {
            monitors.get(ref)?.demonitor({ flush: true });
            monitors.delete(ref);
          },
        });
        return { status: 'active', output: undefined, error: undefined, desk, monitors };
      },
      getPersistedSnapshot: (snapshot) => snapshot,
      transition: (snapshot, event) => {
        if (event.type === 'desk.ask') (event as Asked).run(snapshot.desk);
        else if (event.type === 'DOWN') {
          const { ref } = event as Down;
          if (ref && snapshot.monitors.delete(ref)) snapshot.desk.down(ref);
        }
        return snapshot;
      },
    },
    { kind },
  );
}

/** Asks the desk that this process is. `undefined` when there is none, or when it crashed over the question. */
export function askDesk<D extends Desk, T>(process: Process | undefined, ask: (desk: D) => T): T | undefined {
  if (!process?.alive) return undefined;
  let answer: T | undefined;
  const asked: Asked = {
    type: 'desk.ask',
    run: (desk) => {
      answer = ask(desk as D);
    },
  };
  process.ref.send(asked);
  return answer;
}

/** The desk as it is, for figures; nothing is asked of it. */
export function deskOf<D extends Desk>(process: Process | undefined): D | undefined {
  return (process?.ref.getSnapshot() as DeskSnapshot | undefined)?.desk as D | undefined;
}
