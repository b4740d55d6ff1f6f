/**
 * How a supervisor starts a child: by its logic, or by a function that spawns it. A start that fails leaves nobody behind.
 * Whoever is being started is remembered, so that a supervisor which is killed meanwhile takes it along.
 */
import type { AnyActorRef } from 'xstate';
import type { ChildStart, StartContext } from './child-spec.js';
import type { Child } from './child-table.js';
import type { Endings } from './endings.js';
import { crashReason, type ExitReason } from './exit-reason.js';
import { isOperation, type Operation, type Step } from './operation.js';
import { type Failure, Process, processOf } from './process.js';
import { spawn } from './spawn.js';

type LogicStart = Exclude<ChildStart, (...args: never[]) => unknown>;
type FunctionStart = Exclude<ChildStart, LogicStart>;

/** The process, `undefined` where its start answered that there is nothing to start, or why it did not start. */
export type StartResult = { readonly ok: Process | undefined } | { readonly error: ExitReason };

export class Starts {
  readonly #supervisor: Process;
  readonly #endings: Endings;
  /** Whether a child's first argument is its input, as under `simple_one_for_one`. */
  readonly #inputFromArgs: boolean;
  /** What the start that is running now has spawned; nobody's child until the start has answered. */
  #newborn: Process | undefined;

  constructor(supervisor: Process, endings: Endings, inputFromArgs: boolean) {
    this.#supervisor = supervisor;
    this.#endings = endings;
    this.#inputFromArgs = inputFromArgs;
  }

  one(child: Child): Step<StartResult> {
    this.#newborn = undefined;
    const { start } = child.spec;
    const begun = typeof start === 'function' ? this.#byFunction(child, start) : this.#byLogic(child, start);
    // One that starts asynchronously (a supervisor too) is started when it says so.
    if (isOperation(begun) || (begun instanceof Process && begun.starting)) return this.#slowly(child, begun);
    const result = begun instanceof Process ? resultOf(begun) : begun;
    if (this.#strayed(result)) return this.#slowly(child, result);
    this.#newborn = undefined;
    return result;
  }

  /** The supervisor is dead: whoever is being started goes with it. */
  kill(reason: ExitReason, cause: Failure | undefined): void {
    this.#newborn?.terminate(reason, cause);
  }

  *#slowly(child: Child, step: Step<Process | StartResult>): Operation<StartResult> {
    const begun = isOperation(step) ? yield* step : step;
    if (begun instanceof Process && begun.starting) yield (resume) => awaitStart(begun, resume);
    const result = begun instanceof Process ? resultOf(begun) : begun;
    const newborn = this.#newborn;
    const strayed = this.#strayed(result);
    this.#newborn = undefined;
    if (!newborn || !strayed) return result;
    const ended = this.#endings.one(newborn, child.spec.shutdown, undefined);
    if (isOperation(ended)) yield* ended;
    return result;
  }

  /** A start that spawned and then failed, or answered something else, leaves nobody behind. */
  #strayed(result: StartResult): boolean {
    return this.#newborn !== undefined && !('ok' in result && result.ok === this.#newborn);
  }

  #byLogic(child: Child, start: LogicStart): Process | StartResult {
    const input = this.#inputFromArgs && child.args.length > 0 ? child.args[0] : start.input;
    const { process, error } = spawn(this.#supervisor, start.logic, { id: child.spec.id, input, body: start.body });
    if (!process) return { error };
    this.#newborn = process;
    return process;
  }

  *#byFunction(child: Child, start: FunctionStart): Operation<Process | StartResult> {
    const { id } = child.spec;
    const context: StartContext = {
      previous: child.previous,
      args: child.args,
      supervisor: this.#supervisor.ref,
      spawn: (logic, input, body) => {
        if (this.#newborn) throw new Error(`the start of child "${id}" spawned a second time`);
        const { process, error } = spawn(this.#supervisor, logic, { id, input, body });
        if (!process) throw error;
        this.#newborn = process;
        return process.ref;
      },
    };
    let answer: unknown;
    try {
      answer = start(context);
    } catch (thrown) {
      return { error: crashReason(thrown) };
    }
    if (answer instanceof Promise) {
      const pending: Promise<unknown> = answer;
      const settled = (yield (resume) => {
        pending.then(
          (value) => resume({ value }),
          (thrown: unknown) => resume({ thrown }),
        );
      }) as { readonly value?: unknown; readonly thrown?: unknown };
      if ('thrown' in settled) return { error: crashReason(settled.thrown) };
      answer = settled.value;
    }
    if (answer === 'ignore') return { ok: undefined };
    const process = processOf(answer as AnyActorRef);
    if (!process || process.parent !== this.#supervisor) return { error: new Error(`bad_return: child "${id}"`) };
    return process;
  }
}

function awaitStart({ starting }: Process, ready: () => void): void {
  if (starting) starting.ready = ready;
  else ready();
}

function resultOf(process: Process): StartResult {
  if (process.startError !== undefined) return { error: process.startError };
  return { ok: process.ignored ? undefined : process };
}
