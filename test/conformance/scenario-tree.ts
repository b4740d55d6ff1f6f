/**
 * The tree of a scenario, made of real supervisors and real processes on virtual time. Here is how its children behave
 * (which start attempts fail, what they do when asked to stop) and the record of what happened, taken from the kernel's
 * own telemetry.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import {
  type ChildSpec,
  type ExitReason,
  exit,
  fromProcess,
  type KernelEvent,
  type Process,
  processOf,
  type StartContext,
  type SupervisorOptions,
  System,
  supervisor,
  VirtualClock,
} from '../../src/otp/index.js';
import { decodeReason, encodeReason } from './reasons.js';
import type { ChildScenario, Injected, SupervisorScenario } from './scenario.js';

export type TraceEvent = readonly [kind: string, path: string, attempt: number, reason?: string];

interface Name {
  readonly path: string;
  readonly attempt: number;
}

/** Handles an injected request; given by whoever runs the steps. */
type Inject = (at: string, supervisorPath: string, request: Injected) => void;

/** The one argument of a child that a `simple_one_for_one` supervisor starts. */
export interface DynamicArgs {
  start_failures?: number[] | undefined;
  start_ignores?: number[] | undefined;
}

export class ScenarioTree {
  readonly clock = new VirtualClock();
  readonly system = new System({ clock: this.clock });
  /** What the kernel itself could not do; none is ever expected. */
  readonly failures: unknown[] = [];
  inject: Inject = () => {};
  events: TraceEvent[] = [];
  readonly #attempts = new Map<string, number>();
  readonly #current = new Map<string, Process>();
  readonly #names = new WeakMap<Process, Name>();

  constructor() {
    this.system.on((event) => this.#record(event));
  }

  /** The process that started last at this path, dead or alive. */
  latest(path: string): Process | undefined {
    return this.#current.get(path);
  }

  living(path: string): Process | undefined {
    const process = this.#current.get(path);
    return process?.alive ? process : undefined;
  }

  nameOf(ref: AnyActorRef): Name {
    return this.#names.get(processOf(ref) as Process) as Name;
  }

  /** Lets everything happen that is due, time included, until nothing more would. */
  rest(): void {
    do this.system.flush();
    while (this.clock.advanceToNext());
  }

  attempt(path: string): number {
    const attempt = (this.#attempts.get(path) ?? 0) + 1;
    this.#attempts.set(path, attempt);
    return attempt;
  }

  started(path: string, process: Process): void {
    const attempt = this.#attempts.get(path) as number;
    this.#names.set(process, { path, attempt });
    this.#current.set(path, process);
    this.events.push(['start', path, attempt]);
  }

  #record(event: KernelEvent): void {
    switch (event.type) {
      case 'child.started': {
        const path = `${event.supervisor.path}/${event.childId}`;
        if (event.process) this.started(path, event.process);
        else this.events.push(['ignore', path, this.#attempts.get(path) as number]);
        break;
      }
      case 'child.startFailed': {
        const path = `${event.supervisor.path}/${event.childId}`;
        this.events.push(['fail', path, this.#attempts.get(path) as number]);
        break;
      }
      case 'process.down': {
        const name = this.#names.get(event.process);
        if (name) this.events.push(['stop', name.path, name.attempt, encodeReason(event.reason)]);
        break;
      }
      case 'listener.failed':
        this.failures.push(event.error);
    }
  }

  // What a scenario says, as the kernel takes it

  options(scenario: SupervisorScenario, path: string): SupervisorOptions {
    const { strategy, intensity, period_s: period, auto_shutdown: autoShutdown, children = [] } = scenario;
    return defined({
      strategy,
      intensity,
      period,
      autoShutdown,
      children: children.map((child) => this.spec(child, path, strategy === 'simple_one_for_one')),
    }) as SupervisorOptions;
  }

  spec(child: ChildScenario, supervisorPath: string, template = false): ChildSpec {
    const { id, restart, shutdown, significant, type } = child;
    const start = template
      ? (context: StartContext) => {
          const [dynamicId, args] = context.args as [string, DynamicArgs];
          return this.#start({ ...child, ...args }, `${supervisorPath}/${dynamicId}`, context);
        }
      : (context: StartContext) => this.#start(child, `${supervisorPath}/${id}`, context);
    return defined({ id, restart, shutdown, significant, type, start }) as unknown as ChildSpec;
  }

  #start(child: ChildScenario, path: string, { spawn }: StartContext): AnyActorRef | 'ignore' {
    const attempt = this.attempt(path);
    if (child.start_failures?.includes(attempt)) {
      const request = child.inject?.[attempt];
      if (request) this.inject(`${path}#${attempt}`, path.slice(0, path.lastIndexOf('/')), request);
      throw decodeReason('start_failed');
    }
    if (child.start_ignores?.includes(attempt)) return 'ignore';
    if (child.type === 'supervisor') return spawn(nested, this.options(child, path));
    const terminated = (reason: ExitReason): void => {
      this.events.push(['term', path, attempt, encodeReason(reason)]);
    };
    const answer = child.on_shutdown ?? 'ok';
    return spawn(child.trap_exit ? trappingWorker : worker, { answer, terminated } satisfies WorkerInput);
  }
}

/** A supervisor that is given its options when it starts. */
const nested = supervisor((options: SupervisorOptions) => options);

interface WorkerInput {
  /** How it answers its supervisor's stop request; not how it ends by itself. */
  readonly answer: string;
  readonly terminated: (reason: ExitReason) => void;
}

const [worker, trappingWorker] = [false, true].map((trapExit) =>
  fromProcess<WorkerInput>(
    ({ input, exit: end }) => {
      let { answer } = input;
      return {
        receive: (event) => {
          if (event.type !== 'end') return;
          answer = 'ok';
          const reason = decodeReason((event as unknown as { reason: string }).reason);
          if (reason instanceof Error) throw reason;
          end(reason);
        },
        terminate: (reason) => {
          input.terminated(reason);
          if (reason !== 'shutdown' || answer === 'ok') return undefined;
          if (answer === 'hang') return new Promise<void>(() => {});
          return decodeReason(answer.slice('exit:'.length));
        },
      };
    },
    { trapExit },
  ),
) as [AnyActorLogic, AnyActorLogic];

/** A process ends by itself with this reason; `kill` kills it. */
export function crash(process: Process, reason: string): void {
  if (reason === 'kill') exit(process.ref, 'kill');
  else process.ref.send({ type: 'end', reason } as never);
}

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
