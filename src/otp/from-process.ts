/**
 * A process written as plain functions: for workers whose life is too simple for a chart, with OTP's `gen_server` as the
 * model. What it starts it acquires through its scope; what it is told arrives in `receive`, what it is asked in `call`;
 * it ends by `exit`, by a throw, or by being asked to stop, and then `terminate` runs; a kill, or a signal that it does
 * not trap, ends it without asking.
 */
import type { ActorLogic, AnyActorRef, EventObject, Snapshot } from 'xstate';
import type { CallRequest } from './call.js';
import { crashReason, type ExitReason, isExitReason } from './exit-reason.js';
import { type Process, processOf } from './process.js';
import type { Scope } from './scope.js';
import { type ProcessTraits, withTraits } from './traits.js';
import { sendTo } from './xstate-internals.js';

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
  /** Somebody asks (`call`) and waits for `reply`, now or later. Without this handler the request comes to `receive`. */
  call?(request: unknown, reply: (answer: unknown) => void, from: AnyActorRef | undefined): void;
  /**
   * It ends in order, for this reason. May take its time (its supervisor waits as long as the child spec says) and may
   * answer another reason. Afterwards what it holds is given back. Not called when it is killed, or ended by a signal
   * that it does not trap.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is the usual one.
  terminate?(reason: ExitReason): void | ExitReason | Promise<void | ExitReason>;
}

/** What `begin` may answer: handlers, or that there is nothing to start. A throw or a rejection is a failed start. */
export type Begun = ProcessHandlers | 'ignore' | undefined;

type ProcessSnapshot = Snapshot<unknown> & { readonly input: unknown };

interface Running {
  handlers: ProcessHandlers;
  /** What came while it was still beginning. */
  early: EventObject[] | undefined;
  ending: boolean;
}

type OwnEvent =
  | { readonly type: 'process.begun'; readonly begun: Begun }
  | { readonly type: 'process.notBegun'; readonly thrown: unknown }
  | { readonly type: 'process.exit' | 'supervisor.stop' | 'process.terminated'; readonly reason: ExitReason };

export function fromProcess<I = undefined>(
  begin: (context: ProcessContext<I>) => Begun | Promise<Begun>,
  traits: ProcessTraits = {},
): ActorLogic<ProcessSnapshot, EventObject, I> {
  const done = (snapshot: ProcessSnapshot, reason: ExitReason): ProcessSnapshot =>
    ({ ...snapshot, status: 'done', output: reason }) as ProcessSnapshot;

  // Said and not thrown on: XState makes the same of both, and each throw costs as much as a start.
  const failed = (snapshot: ProcessSnapshot, thrown: unknown): ProcessSnapshot =>
    ({ ...snapshot, status: 'error', error: thrown }) as ProcessSnapshot;

  const end = (snapshot: ProcessSnapshot, self: AnyActorRef, state: Running, reason: ExitReason): ProcessSnapshot => {
    if (state.ending) return snapshot;
    state.ending = true;
    const answer = state.handlers.terminate?.(reason);
    if (!(answer instanceof Promise)) return done(snapshot, isExitReason(answer) ? answer : reason);
    // It may have been killed meanwhile, because its time was over.
    const terminated = (other: unknown): void =>
      (processOf(self) as Process).send({
        type: 'process.terminated',
        reason: isExitReason(other) ? other : reason,
      } as EventObject);
    answer.then(terminated, (thrown: unknown) => terminated(crashReason(thrown)));
    return snapshot;
  };

  const begun = (snapshot: ProcessSnapshot, self: AnyActorRef, state: Running, answer: Begun): ProcessSnapshot => {
    const process = processOf(self) as Process;
    if (answer === 'ignore') {
      process.ignored = true;
      return done(snapshot, 'normal');
    }
    if (answer) state.handlers = answer;
    const early = state.early ?? [];
    state.early = undefined;
    process.started();
    if (process.mailbox) for (const event of early) if (!isControl(event)) process.mailbox.leave();
    return early.reduce((next, event) => (next.status === 'active' ? step(next, event, self, state) : next), snapshot);
  };

  const step = (snapshot: ProcessSnapshot, event: EventObject, self: AnyActorRef, state: Running): ProcessSnapshot => {
    const own = event as OwnEvent;
    switch (own.type) {
      case 'process.begun':
        return begun(snapshot, self, state, own.begun);
      case 'process.notBegun':
        return failed(snapshot, own.thrown);
      case 'process.terminated':
        return done(snapshot, own.reason);
    }
    if (state.early) {
      state.early.push(event);
      if (!isControl(event)) processOf(self)?.mailbox?.hold();
      return snapshot;
    }
    if (own.type === 'process.exit' || own.type === 'supervisor.stop') return end(snapshot, self, state, own.reason);
    if (state.ending) return snapshot;
    if (event.type === 'EXIT' && ownEnd(event, self)) {
      return end(snapshot, self, state, (event as unknown as ExitSignal).reason);
    }
    try {
      if (event.type === 'call' && state.handlers.call) {
        const { request, reply, from } = event as CallRequest;
        state.handlers.call(request, reply, from);
      } else state.handlers.receive?.(event);
    } catch (thrown) {
      state.ending = true;
      try {
        void state.handlers.terminate?.(crashReason(thrown));
      } catch {
        // It dies of the first throw, whatever `terminate` does.
      }
      return failed(snapshot, thrown);
    }
    return snapshot;
  };

  const logic: ActorLogic<ProcessSnapshot, EventObject, I> = {
    getInitialSnapshot: (_scope, input) => ({ status: 'active', output: undefined, error: undefined, input }),
    getPersistedSnapshot: (snapshot) => snapshot,
    start: (snapshot, scope) => {
      const self = scope.self as AnyActorRef;
      const process = processOf(self) as Process;
      const state: Running = { handlers: {}, early: undefined, ending: false };
      process.state = state;
      const answer = begin(new Context(snapshot.input as I, process));
      if (answer instanceof Promise) {
        state.early = [];
        process.starting = { ready: undefined };
        answer.then(
          (value) => process.send({ type: 'process.begun', begun: value } as OwnEvent),
          (thrown: unknown) => process.send({ type: 'process.notBegun', thrown } as OwnEvent),
        );
      } else if (answer === 'ignore') self.send({ type: 'process.begun', begun: answer } as OwnEvent);
      else if (answer) state.handlers = answer;
    },
    transition: (snapshot, event, scope) => {
      if (event.type === 'xstate.stop') return { ...snapshot, status: 'stopped' } as ProcessSnapshot;
      const self = scope.self as AnyActorRef;
      return step(snapshot, event, self, processOf(self)?.state as Running);
    },
  };
  return withTraits(logic, { ...traits, answersStop: true });
}

class Context<I> implements ProcessContext<I> {
  readonly input: I;
  readonly process: Process;

  constructor(input: I, process: Process) {
    this.input = input;
    this.process = process;
  }

  get self(): AnyActorRef {
    return this.process.ref;
  }

  get scope(): Scope {
    return this.process.scope;
  }

  get exit(): ProcessContext<I>['exit'] {
    const { self } = this;
    return (reason = 'normal') => sendTo(self, { type: 'process.exit', reason } as EventObject);
  }
}

/** What comes of itself and is never limited. */
function isControl({ type }: EventObject): boolean {
  return type === 'EXIT' || type === 'DOWN' || type === 'supervisor.stop' || type === 'process.exit';
}

interface ExitSignal {
  readonly from: AnyActorRef | undefined;
  readonly reason: ExitReason;
}

/** A signal of its parent, or its own, is no news but its end, also where it traps exits. As a gen_server sees it. */
function ownEnd(event: EventObject, self: AnyActorRef): boolean {
  const { from } = event as unknown as ExitSignal;
  return from !== undefined && (from === self || from === processOf(self)?.parent?.ref);
}
