/**
 * What a supervisor does with its children: start, restart, stop. What has to wait (for a child to start, or to end) is a
 * generator that yields, so that the code reads in the order in which things happen and the supervisor answers nobody
 * meanwhile, as OTP's does. Where nothing has to be waited for, it is done when it has been called.
 *
 * The rules are OTP's (https://www.erlang.org/doc/apps/stdlib/supervisor.html); what differs is in `README.md`.
 */
import type { FullChildSpec } from './child-spec.js';
import { Child, ChildTable, NO_ARGS } from './child-table.js';
import { Endings } from './endings.js';
import { type ExitReason, isClean } from './exit-reason.js';
import { Mailbox } from './mailbox.js';
import { andThen, isOperation, type Operation, type Step } from './operation.js';
import { nextWaitMs, ownBudgetSpent, restartWanted, waitToRestart } from './own-restarts.js';
import type { Failure, Process } from './process.js';
import { RestartIntensity } from './restart-intensity.js';
import type { Held } from './scope.js';
import { type StartResult, Starts } from './starts.js';
import type { FullSupervisorOptions } from './supervisor-options.js';

export class SupervisorCore {
  readonly process: Process;
  readonly options: FullSupervisorOptions;
  readonly children: ChildTable;
  /** Set when the supervisor has decided to end, and why. */
  stopping: ExitReason | undefined;
  /** Made for the first restart. */
  #intensity: RestartIntensity | undefined;
  /** Children that are not back yet. */
  #restarting = 0;
  readonly #starts: Starts;
  readonly #endings: Endings;

  constructor(process: Process, options: FullSupervisorOptions) {
    this.process = process;
    this.options = options;
    this.#endings = new Endings(process);
    this.#starts = new Starts(process, this.#endings, this.#simple);
    this.children = new ChildTable(!this.#simple);
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
    for (const spec of this.options.children) {
      const child = this.add(spec, NO_ARGS);
      const step = this.start(child);
      const result = isOperation(step) ? yield* step : step;
      if ('error' in result) {
        this.children.delete(child);
        yield* this.stopAll();
        return { shutdown: { failed_to_start_child: spec.id, reason: result.error } };
      }
      if (!result.ok && spec.restart === 'temporary') this.children.delete(child);
    }
    return undefined;
  }

  add(spec: FullChildSpec, args: readonly unknown[]): Child {
    const child = new Child(spec, args, this.process.system.random);
    this.children.add(child);
    return child;
  }

  /** Starts one child that is not running. A failure leaves it stopped. */
  start(child: Child): Step<StartResult> {
    return andThen(this.#starts.one(child), (result) => this.#started(child, result));
  }

  #started(child: Child, result: StartResult): StartResult {
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

  // A child has ended by itself

  /** What is to be done about it, where that may have to wait. */
  childExited(process: Process): Step {
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
    if (restart === 'temporary' || this.#simple) this.children.delete(child);
    this.checkAutoShutdown(child);
  }

  /** Only a significant child that ended by itself and stays away can end its supervisor. */
  checkAutoShutdown(child: Child): void {
    const { autoShutdown } = this.options;
    if (!child.spec.significant || autoShutdown === 'never') return;
    const another = this.children
      .inOrder()
      .some((other) => other !== child && other.spec.significant && other.state !== 'stopped');
    if (autoShutdown === 'all_significant' && another) return;
    this.process.blame(child.failure);
    this.stopping = 'shutdown';
  }

  /** Restarts a child, and its siblings as the strategy says; gives up when that is one restart too many. */
  restart(child: Child): Step {
    if (!restartWanted(this.process, child)) return this.#stayAway(child);
    if (child.budget || child.backoff) {
      if (ownBudgetSpent(this.process, child)) return this.#stayAway(child);
      if (!child.backoff) return this.#restartGroup(child);
      const waitMs = nextWaitMs(this.process, child, child.backoff);
      this.#setRestarting(child, true);
      waitToRestart(this.process, child, waitMs);
      return undefined;
    }
    this.#intensity ??= new RestartIntensity(this.options.intensity, this.options.period);
    if (this.#intensity.allows(this.process.system.clock.now())) return this.#restartGroup(child);
    this.process.system.emit({
      type: 'supervisor.gaveUp',
      supervisor: this.process,
      reason: child.previous ?? 'shutdown',
    });
    this.process.blame(child.failure);
    this.stopping = 'shutdown';
    return undefined;
  }

  #restartGroup(child: Child): Step {
    const { strategy } = this.options;
    const alone = strategy === 'one_for_one' || strategy === 'simple_one_for_one';
    return alone ? andThen(this.#restartOne(child), () => {}) : this.#restartSiblings(child);
  }

  *#restartSiblings(child: Child): Operation {
    const all = this.children.inOrder();
    const group = this.options.strategy === 'one_for_all' ? all : all.slice(all.indexOf(child));
    for (const sibling of group.toReversed()) {
      const stopped = sibling.process && this.stop(sibling, child.failure);
      if (isOperation(stopped)) yield* stopped;
      if (sibling.spec.restart === 'temporary') this.children.delete(sibling);
      // Only the child that fails now waits to be retried; a sibling's pending retry is void.
      this.#setRestarting(sibling, false);
    }
    for (const sibling of group) {
      if (!this.children.has(sibling)) continue;
      const step = this.#restartOne(sibling);
      if (!(isOperation(step) ? yield* step : step)) return;
    }
  }

  /** The wait is over. One that was made void meanwhile does nothing. */
  waited(child: Child, waiting: Held): Step {
    if (child.waiting !== waiting) return undefined;
    child.waiting = undefined;
    return restartWanted(this.process, child) ? this.#restartGroup(child) : this.#stayAway(child);
  }

  /** False when the start failed: then the child is `restarting`, and a retry waits behind what is queued already. */
  #restartOne(child: Child): Step<boolean> {
    const reason = child.previous ?? 'shutdown';
    child.restarts += 1;
    return andThen(this.start(child), (result) => this.#restarted(child, result, reason));
  }

  #restarted(child: Child, result: StartResult, reason: ExitReason): boolean {
    if ('error' in result) {
      child.previous = result.error;
      this.#setRestarting(child, true);
      this.process.system.post(this.process.ref, { type: 'child.retry', child } as never);
      return false;
    }
    this.#setRestarting(child, false);
    if (!result.ok) {
      if (this.#simple || child.spec.restart === 'temporary') this.children.delete(child);
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
  retry(child: Child): Step {
    if (!this.children.has(child) || child.state !== 'restarting') return undefined;
    return this.restart(child);
  }

  // Stopping

  /** Asks a child to end, waits as long as its spec says, then kills. Its end triggers nothing. */
  stop(child: Child, cause?: Failure): Step {
    const { process } = child;
    child.process = undefined;
    this.#setRestarting(child, false);
    child.state = 'stopped';
    if (!process) return undefined;
    return andThen(this.#endings.one(process, child.spec.shutdown, cause), () => {
      child.previous = process.exit;
      child.failure = process.failure;
    });
  }

  /** Stops everybody: the youngest first and one after the other, or all at once where children have no order. */
  *stopAll(): Operation {
    const children = this.children.inOrder().reverse();
    const cause = this.process.intendedCause;
    if (!this.options.parallelStop && !this.#simple) {
      for (const child of children) {
        const stopped = this.stop(child, cause);
        if (isOperation(stopped)) yield* stopped;
      }
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
    for (const child of this.children.inOrder().reverse()) {
      const { process } = child;
      child.process = undefined;
      process?.terminate(reason, this.process.failure);
    }
    this.#starts.kill(reason, this.process.failure);
    this.#endings.kill(reason, this.process.failure);
    this.children.clear();
  }
}
