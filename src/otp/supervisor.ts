/**
 * Supervisors as XState actors: a real chart for the supervisor's own life (`machines/supervisor.ts`), which the
 * inspector draws, and a private table of children beside it. The logic here is the mailbox: one message at a time, and
 * none while an operation waits.
 */
import type { ActorLogic, AnyActorRef, AnyActorScope, EventObject, SnapshotFrom } from 'xstate';
import { supervisorMachine } from '../../machines/supervisor.js';
import type { Child } from './child-table.js';
import type { ExitReason } from './exit-reason.js';
import { Fifo } from './fifo.js';
import { isOperation, type Operation, type Step } from './operation.js';
import { type ChildExited, type Process, processOf } from './process.js';
import type { Held } from './scope.js';
import type { SupervisorCall } from './supervisor-api.js';
import { SupervisorCore } from './supervisor-core.js';
import { checkedOptions, type FullSupervisorOptions, type SupervisorOptions } from './supervisor-options.js';
import { SupervisorRequests } from './supervisor-requests.js';
import { withTraits } from './traits.js';

type Chart = typeof supervisorMachine;
type ChartSnapshot = SnapshotFrom<Chart>;

type Message =
  | ChildExited
  | SupervisorCall
  | { readonly type: 'child.retry'; readonly child: Child }
  | { readonly type: 'child.waited'; readonly child: Child; readonly waiting: Held }
  | { readonly type: 'supervisor.stop'; readonly reason: ExitReason }
  | { readonly type: 'operation.resumed'; readonly operation: Operation<unknown>; readonly value: unknown }
  | { readonly type: 'supervisor.suspend' | 'supervisor.resume' };

const runtimes = new WeakMap<AnyActorRef, SupervisorRuntime>();

/**
 * Supervisor logic. Options given as a function are made at each start from the supervisor's input, as OTP's `init/1`
 * makes them from its arguments; one logic then serves any number of supervisors.
 * Throws when the options are wrong, naming what is: a programmer's error.
 */
export function supervisor<I = unknown>(
  options: SupervisorOptions | ((input: I) => SupervisorOptions) = {},
): ActorLogic<ChartSnapshot, EventObject, I> {
  const fixed = typeof options === 'function' ? undefined : checkedOptions(options);
  const logic: ActorLogic<ChartSnapshot, EventObject, I> & { config: Chart['config'] } = {
    config: supervisorMachine.config,
    getInitialSnapshot: (scope, input) => {
      const self = scope.self as AnyActorRef;
      const full = fixed ?? checkedOptions((options as (input: I) => SupervisorOptions)(input));
      runtimes.set(self, new SupervisorRuntime(processOf(self) as Process, full));
      return supervisorMachine.getInitialSnapshot(scope as never, undefined as never) as ChartSnapshot;
    },
    getPersistedSnapshot: (snapshot) => supervisorMachine.getPersistedSnapshot(snapshot, undefined),
    start: (snapshot, scope) => runtimeOf(scope.self as AnyActorRef).begin(snapshot, scope as AnyActorScope),
    transition: (snapshot, event, scope) =>
      runtimeOf(scope.self as AnyActorRef).receive(snapshot, event as Message, scope as AnyActorScope),
  };
  return withTraits(logic, { kind: 'supervisor', trapExit: true });
}

/** Children without an order: each with a spec of its own, restarted alone, stopped all at once. As Elixir's. */
export function dynamicSupervisor(
  options: Pick<SupervisorOptions, 'intensity' | 'period' | 'maxChildren'> = {},
): ReturnType<typeof supervisor> {
  return supervisor({ ...options, strategy: 'one_for_one', parallelStop: true });
}

/** The children of a supervisor as they stand, in start order, without asking it. For views. */
export function childrenOf(ref: AnyActorRef): readonly Child[] {
  return runtimes.get(ref)?.core.children.inOrder() ?? [];
}

export function supervisorOptionsOf(ref: AnyActorRef): FullSupervisorOptions | undefined {
  return runtimes.get(ref)?.core.options;
}

function runtimeOf(ref: AnyActorRef): SupervisorRuntime {
  return runtimes.get(ref) as SupervisorRuntime;
}

/** The mailbox of one supervisor and the operation that it is in. */
class SupervisorRuntime {
  readonly core: SupervisorCore;
  readonly #requests: SupervisorRequests;
  readonly #process: Process;
  /** What waits; most of the time nothing does. */
  #inbox: Fifo<Message> | undefined;
  #operation: Operation<unknown> | undefined;
  #suspended = false;
  #snapshot: ChartSnapshot | undefined;
  #scope: AnyActorScope | undefined;

  constructor(process: Process, options: FullSupervisorOptions) {
    this.#process = process;
    this.core = new SupervisorCore(process, options);
    this.#requests = new SupervisorRequests(this.core);
  }

  begin(snapshot: ChartSnapshot, scope: AnyActorScope): void {
    this.#snapshot = snapshot;
    this.#scope = scope;
    this.#process.starting = { ready: undefined };
    this.#run(this.#start());
  }

  *#start(): Operation {
    const fault = yield* this.core.init();
    // The chart is advanced by a message: nothing can be transitioned while XState is still starting the actor.
    this.#process.ref.send({ type: 'children.started', fault } as never);
  }

  receive(snapshot: ChartSnapshot, event: Message | StartedMessage, scope: AnyActorScope): ChartSnapshot {
    this.#snapshot = snapshot;
    this.#scope = scope;
    switch (event.type as string) {
      case 'children.started':
        this.#started((event as StartedMessage).fault);
        break;
      case 'operation.resumed': {
        const { operation, value } = event as Extract<Message, { type: 'operation.resumed' }>;
        if (operation === this.#operation) this.#run(operation, value);
        break;
      }
      case 'xstate.stop':
        this.#operation = undefined;
        // It is dead from here on; its children die of it, so that the chain of causes runs through it.
        this.#process.exited('shutdown');
        this.core.killAll();
        this.#snapshot = supervisorMachine.transition(snapshot, event as never, scope as never) as ChartSnapshot;
        break;
      case 'supervisor.suspend':
        this.#suspended = true;
        break;
      case 'supervisor.resume':
        this.#suspended = false;
        break;
      case 'child.exited':
      case 'child.retry':
      case 'child.waited':
      case 'supervisor.call':
      case 'supervisor.stop':
        if (this.#free && !this.#inbox && this.core.stopping === undefined) this.#take(event as Message);
        else {
          this.#inbox ??= new Fifo();
          this.#inbox.push(event as Message);
        }
        break;
    }
    this.#next();
    return this.#snapshot;
  }

  #started(fault: ExitReason | undefined): void {
    if (fault === undefined) {
      this.#process.started();
      this.#step({ type: 'children.started' });
      return;
    }
    // Whoever started it is told by its end, after everything it held is given back.
    this.#process.startError = fault;
    this.#step({ type: 'stop.begun' });
    this.#step({ type: 'children.stopped', reason: fault });
  }

  /** Nothing keeps it from handling a message now. */
  get #free(): boolean {
    return !this.#operation && !this.#suspended && !this.#process.starting && !this.#ended;
  }

  /** Handles messages until one has to wait. */
  #next(): void {
    while (this.#free) {
      if (this.core.stopping !== undefined) {
        const reason = this.core.stopping;
        this.#step({ type: 'stop.begun' });
        this.#run(this.#stop(reason));
        continue;
      }
      const message = this.#inbox?.take();
      if (!message) {
        this.#inbox = undefined;
        return;
      }
      this.#take(message);
    }
  }

  #take(message: Message): void {
    const step = this.#handle(message);
    if (isOperation(step)) this.#run(step);
    else this.#showRestarting();
  }

  get #ended(): boolean {
    return this.#snapshot?.status !== 'active';
  }

  /** Handles a message, or answers the operation that does, where it may have to wait. */
  #handle(message: Message): Step {
    switch (message.type) {
      case 'child.exited':
        return this.core.childExited(message.process);
      case 'child.retry':
        return this.core.retry(message.child);
      case 'child.waited':
        return this.core.waited(message.child, message.waiting);
      case 'supervisor.call': {
        const answer = this.#requests.answer(message.request);
        if (isOperation(answer)) return this.#reply(message, answer);
        message.reply(answer);
        return undefined;
      }
      case 'supervisor.stop':
        this.core.stopping = message.reason;
        return undefined;
      default:
        return undefined;
    }
  }

  *#reply({ reply }: SupervisorCall, answer: Operation<unknown>): Operation {
    reply(yield* answer);
  }

  *#stop(reason: ExitReason): Operation {
    yield* this.core.stopAll();
    this.#step({ type: 'children.stopped', reason });
  }

  /** Runs an operation until it is done or has to wait. */
  #run(operation: Operation<unknown>, value?: unknown): void {
    this.#operation = operation;
    for (let given = value; ; ) {
      const { done, value: wait } = operation.next(given);
      if (done) {
        this.#operation = undefined;
        this.#showRestarting();
        return;
      }
      let resumed: { readonly value: unknown } | undefined;
      let waiting = false;
      wait((answer) => {
        // Its supervisor may have been killed meanwhile.
        if (waiting && this.#process.alive)
          this.#process.ref.send({ type: 'operation.resumed', operation, value: answer } as never);
        else if (!waiting) resumed = { value: answer };
      });
      waiting = true;
      if (!resumed) {
        this.#showRestarting();
        return;
      }
      given = resumed.value;
    }
  }

  #showRestarting(): void {
    if (this.core.restarting) this.#step({ type: 'restart.begun' });
    else if (this.#snapshot?.value === 'restarting') this.#step({ type: 'restart.completed' });
  }

  #step(event: Parameters<Chart['transition']>[1]): void {
    if (!this.#snapshot || this.#ended) return;
    this.#snapshot = supervisorMachine.transition(this.#snapshot, event, this.#scope as never) as ChartSnapshot;
  }
}

interface StartedMessage {
  readonly type: 'children.started';
  readonly fault: ExitReason | undefined;
}
