/**
 * What a supervisor does: the table of its children and the operations on it. Each operation is a generator that yields
 * when it has to wait (for a child to start, or to end), so that the code reads in the order in which things happen and
 * the supervisor answers nobody meanwhile, as OTP's does. Where nothing has to be waited for, it runs through at once.
 *
 * The rules are OTP's (https://www.erlang.org/doc/apps/stdlib/supervisor.html); what differs is in `README.md`.
 */
import type { AnyActorRef } from 'xstate';
import { type ChildStart, completeSpec, type FullChildSpec, type StartContext } from './child-spec.js';
import { Endings } from './endings.js';
import { crashReason, type ExitReason, isClean } from './exit-reason.js';
import { Mailbox } from './mailbox.js';
import type { Operation } from './operation.js';
import { type Failure, Process, processOf } from './process.js';
import { RestartBackoff } from './restart-backoff.js';
import { RestartIntensity } from './restart-intensity.js';
import type { Held } from './scope.js';
import { spawn } from './spawn.js';
import type { FullSupervisorOptions } from './supervisor-options.js';

export interface Child {
  readonly key: ChildKey;
  readonly spec: FullChildSpec;
  readonly args: readonly unknown[];
  process: Process | undefined;
  state: 'running' | 'stopped' | 'restarting';
  restarts: number;
  /** How the last one ended; handed to the next. */
  previous: ExitReason | undefined;
  failure: Failure | undefined;
  /** When it was started last, on the system's clock. */
  startedAtMs: number;
  /** Its own budget of restarts, where its spec has one. */
  readonly budget: RestartIntensity | undefined;
  readonly backoff: RestartBackoff | undefined;
  /** Set while it waits to be started again. */
  waiting: Held | undefined;
}

/** An id; under `simple_one_for_one`, where ids name nobody, the child itself. */
export type ChildKey = string | object;

type LogicStart = Exclude<ChildStart, (...args: never[]) => unknown>;
type FunctionStart = Exclude<ChildStart, LogicStart>;

type StartResult = { readonly ok: Process | undefined } | { readonly error: ExitReason };

export class SupervisorCore {
  readonly process: Process;
  readonly options: FullSupervisorOptions;
  readonly children = new Map<ChildKey, Child>();
  /** Set when the supervisor has decided to end, and why. */
  stopping: ExitReason | undefined;
  readonly #intensity: RestartIntensity;
  /** Children that are not back yet. */
  #restarting = 0;
  /** What the start that is running now has spawned; nobody's child until the start has answered. */
  #newborn: Process | undefined;
  readonly #endings: Endings;

  constructor(process: Process, options: FullSupervisorOptions) {
    this.process = process;
    this.options = options;
    this.#intensity = new RestartIntensity(options.intensity, options.period);
    this.#endings = new Endings(process);
  }

  get #simple(): boolean {
    return this.options.strategy === 'simple_one_for_one';
  }

  get restarting(): boolean {
    return this.#restarting > 0;
  }

  // Starting

  /** Starts the first children in order. Answers why the supervisor cannot start, if it cannot; those started are stopped again. */
  *init(): Operation<ExitReason | undefined> {
    if (this.#simple) return undefined;
    for (const spec of this.options.children.map(completeSpec)) {
      const child = this.add(spec, spec.id, []);
      const result = yield* this.start(child);
      if ('error' in result) {
        this.children.delete(child.key);
        yield* this.stopAll();
        return { shutdown: { failed_to_start_child: spec.id, reason: result.error } };
      }
      if (!result.ok && spec.restart === 'temporary') this.children.delete(child.key);
    }
    return undefined;
  }

  add(spec: FullChildSpec, key: ChildKey, args: readonly unknown[]): Child {
    const { intensity, period = DEFAULT_PERIOD_SECONDS, backoff } = spec;
    const child: Child = {
      budget: intensity === undefined ? undefined : new RestartIntensity(intensity, period),
      backoff: backoff && new RestartBackoff(backoff, this.process.system.random),
      waiting: undefined,
      startedAtMs: 0,
      key,
      spec,
      args,
      process: undefined,
      state: 'stopped',
      restarts: 0,
      previous: undefined,
      failure: undefined,
    };
    this.children.set(key, child);
    return child;
  }

  /** Starts one child that is not running. A failure leaves it stopped. */
  *start(child: Child): Operation<StartResult> {
    this.#newborn = undefined;
    const { start } = child.spec;
    const begun = typeof start === 'function' ? yield* this.#startByFunction(child, start) : this.#spawn(child, start);
    // A child that starts asynchronously (a supervisor too) is started when it says so.
    if (begun instanceof Process && begun.starting) yield (resume) => this.#awaitStart(begun, resume);
    const result = begun instanceof Process ? startResult(begun) : begun;
    const newborn: Process | undefined = this.#newborn;
    this.#newborn = undefined;
    // A start that spawned and then failed, or answered something else, leaves nobody behind.
    if (newborn && !('ok' in result && result.ok === newborn))
      yield* this.#endings.one(newborn, child.spec.shutdown, undefined);
    const process = 'ok' in result ? result.ok : undefined;
    child.process = process;
    this.#setRestarting(child, false);
    child.state = process ? 'running' : 'stopped';
    if (process) {
      process.restarts = child.restarts;
      process.child = child;
      if (child.spec.mailbox) process.mailbox = new Mailbox(child.spec.mailbox);
    }
    const { system } = this.process;
    if (child.backoff) child.startedAtMs = system.clock.now();
    if (!system.heard) return result;
    const about = { supervisor: this.process, childId: child.spec.id };
    if ('error' in result) system.emit({ type: 'child.startFailed', ...about, reason: result.error });
    else system.emit({ type: 'child.started', ...about, process });
    return result;
  }

  #spawn(child: Child, start: LogicStart): Process | StartResult {
    const input = this.#simple && child.args.length > 0 ? child.args[0] : start.input;
    const { process, error } = spawn(this.process, start.logic, { id: child.spec.id, input });
    if (!process) return { error };
    this.#newborn = process;
    return process;
  }

  *#startByFunction(child: Child, start: FunctionStart): Operation<Process | StartResult> {
    const { id } = child.spec;
    const context: StartContext = {
      previous: child.previous,
      args: child.args,
      spawn: (logic, input, body) => {
        if (this.#newborn) throw new Error(`the start of child "${id}" spawned a second time`);
        const { process, error } = spawn(this.process, logic, { id, input, body });
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
    if (!process || process.parent !== this.process) return { error: new Error(`bad_return: child "${id}"`) };
    return process;
  }

  #awaitStart({ starting }: Process, ready: () => void): void {
    if (starting) starting.ready = ready;
    else ready();
  }

  // A child has ended by itself

  /** What is to be done about it, where that may have to wait. */
  childExited(process: Process): Operation | undefined {
    const child = process.child as Child | undefined;
    // Stopped by us, replaced already, or none of ours.
    if (!child || child.process !== process) return undefined;
    child.process = undefined;
    child.state = 'stopped';
    child.previous = process.exit as ExitReason;
    child.failure = process.failure;
    const { restart } = child.spec;
    if (restart === 'permanent' || (restart === 'transient' && !isClean(child.previous))) {
      return this.restart(child);
    }
    this.#stayAway(child);
    return undefined;
  }

  /** It has ended and is not started again by itself. */
  #stayAway(child: Child): void {
    const { restart } = child.spec;
    this.#setRestarting(child, false);
    if (restart === 'temporary' || this.#simple) this.children.delete(child.key);
    this.checkAutoShutdown(child);
  }

  /** Only a significant child that ended by itself and stays away can end its supervisor. */
  checkAutoShutdown(child: Child): void {
    const { autoShutdown } = this.options;
    if (!child.spec.significant || autoShutdown === 'never') return;
    const another = [...this.children.values()].some(
      (other) => other !== child && other.spec.significant && other.state !== 'stopped',
    );
    if (autoShutdown === 'all_significant' && another) return;
    this.process.blame(child.failure);
    this.stopping = 'shutdown';
  }

  /** Restarts a child, and its siblings as the strategy says; gives up when that is one restart too many. */
  *restart(child: Child): Operation {
    if (!this.#guardAllows(child)) {
      this.#stayAway(child);
      return;
    }
    if (child.budget || child.backoff) {
      if (!this.#ownBudgetSpent(child)) {
        if (child.backoff) this.#backOff(child, child.backoff);
        else yield* this.#restartGroup(child);
      }
      return;
    }
    if (!this.#intensity.allows(this.process.system.clock.now())) {
      this.process.system.emit({
        type: 'supervisor.gaveUp',
        supervisor: this.process,
        reason: child.previous ?? 'shutdown',
      });
      this.process.blame(child.failure);
      this.stopping = 'shutdown';
      return;
    }
    yield* this.#restartGroup(child);
  }

  *#restartGroup(child: Child): Operation {
    const { strategy } = this.options;
    if (strategy === 'one_for_one' || strategy === 'simple_one_for_one') {
      yield* this.#restartOne(child);
      return;
    }
    const all = [...this.children.values()];
    const group = strategy === 'one_for_all' ? all : all.slice(all.indexOf(child));
    for (const sibling of group.toReversed()) {
      if (sibling.process) yield* this.stop(sibling, child.failure);
      if (sibling.spec.restart === 'temporary') this.children.delete(sibling.key);
      // Only the child that fails now waits to be retried; a sibling's pending retry is void.
      this.#setRestarting(sibling, false);
    }
    for (const sibling of group) {
      if (this.children.get(sibling.key) !== sibling) continue;
      if (!(yield* this.#restartOne(sibling))) return;
    }
  }

  #guardAllows({ spec, previous, restarts, failure }: Child): boolean {
    if (!spec.restartIf) return true;
    try {
      return spec.restartIf(previous ?? 'shutdown', { restarts, failure });
    } catch (error) {
      this.process.system.emit({ type: 'listener.failed', error });
      return true;
    }
  }

  /** Counts a restart against the child's own budget. True when that was one too many: it stays away. */
  #ownBudgetSpent(child: Child): boolean {
    const { system } = this.process;
    if (!child.budget || child.budget.allows(system.clock.now())) return false;
    const reason = child.previous ?? 'shutdown';
    system.emit({ type: 'child.gaveUp', supervisor: this.process, childId: child.spec.id, reason });
    this.#stayAway(child);
    return true;
  }

  /** Lets it wait. Stopping it, or restarting it with a sibling, makes the wait void. */
  #backOff(child: Child, backoff: RestartBackoff): void {
    const { system, scope } = this.process;
    // One whose retry failed has not lived.
    const livedMs = child.state === 'restarting' ? 0 : system.clock.now() - child.startedAtMs;
    const waitMs = backoff.nextMs(livedMs);
    this.#setRestarting(child, true);
    const waiting = scope.timer(waitMs, () =>
      system.post(this.process.ref, { type: 'child.waited', child, waiting } as never),
    );
    child.waiting = waiting;
    const reason = child.previous ?? 'shutdown';
    system.emit({ type: 'child.backingOff', supervisor: this.process, childId: child.spec.id, waitMs, reason });
  }

  /** The wait is over. One that was made void meanwhile does nothing. */
  *waited(child: Child, waiting: Held): Operation {
    if (child.waiting !== waiting) return;
    child.waiting = undefined;
    if (this.#guardAllows(child)) yield* this.#restartGroup(child);
    else this.#stayAway(child);
  }

  /** False when the start failed: then the child is `restarting`, and a retry waits behind what is queued already. */
  *#restartOne(child: Child): Operation<boolean> {
    const reason = child.previous ?? 'shutdown';
    child.restarts += 1;
    const result = yield* this.start(child);
    if ('error' in result) {
      child.previous = result.error;
      this.#setRestarting(child, true);
      this.process.system.post(this.process.ref, { type: 'child.retry', child } as never);
      return false;
    }
    this.#setRestarting(child, false);
    if (!result.ok) {
      if (this.#simple || child.spec.restart === 'temporary') this.children.delete(child.key);
      return true;
    }
    const { system } = this.process;
    const process = result.ok;
    if (!system.heard) return true;
    system.emit({
      type: 'child.restarted',
      supervisor: this.process,
      process,
      restarts: child.restarts,
      reason,
    });
    return true;
  }

  #setRestarting(child: Child, restarting: boolean): void {
    if (!restarting && child.waiting) {
      void child.waiting.release();
      child.waiting = undefined;
    }
    if ((child.state === 'restarting') === restarting) return;
    this.#restarting += restarting ? 1 : -1;
    child.state = restarting ? 'restarting' : child.process ? 'running' : 'stopped';
  }

  /** A retry that has been overtaken (stopped, deleted, restarted) does nothing. */
  retry(child: Child): Operation | undefined {
    if (this.children.get(child.key) !== child || child.state !== 'restarting') return undefined;
    return this.restart(child);
  }

  // Stopping

  /** Asks a child to end, waits as long as its spec says, then kills. Its end triggers nothing. */
  *stop(child: Child, cause?: Failure): Operation {
    const { process } = child;
    child.process = undefined;
    this.#setRestarting(child, false);
    child.state = 'stopped';
    if (!process) return;
    yield* this.#endings.one(process, child.spec.shutdown, cause);
    child.previous = process.exit;
    child.failure = process.failure;
  }

  /** Stops everybody: the youngest first and one after the other, or all at once where children have no order. */
  *stopAll(): Operation {
    const children = [...this.children.values()].reverse();
    const cause = this.process.intendedCause;
    if (!this.options.parallelStop && !this.#simple) {
      for (const child of children) yield* this.stop(child, cause);
      return;
    }
    const running = children.flatMap(({ process, spec }) => (process ? [{ process, shutdown: spec.shutdown }] : []));
    for (const child of children) {
      child.process = undefined;
      this.#setRestarting(child, false);
      child.state = 'stopped';
    }
    yield* this.#endings.together(running, cause);
  }

  /** The supervisor itself was killed: its children go with it, at once, the youngest first. */
  killAll(): void {
    const reason = this.process.exit ?? 'killed';
    for (const child of [...this.children.values()].reverse()) {
      const { process } = child;
      child.process = undefined;
      process?.terminate(reason, this.process.failure);
    }
    this.#newborn?.terminate(reason, this.process.failure);
    this.#endings.kill(reason, this.process.failure);
    this.children.clear();
  }
}

function startResult(process: Process): StartResult {
  if (process.startError !== undefined) return { error: process.startError };
  return { ok: process.ignored ? undefined : process };
}

/** As a supervisor's. */
const DEFAULT_PERIOD_SECONDS = 5;
