/**
 * A process: an XState actor with what Erlang gives a process and XState does not. Its end has one true reason, which
 * everybody who watches it learns exactly once; what it holds is given back before anybody learns of it; when a machine
 * throws, the actors it started are stopped instead of being left behind; and what it throws later, in a timer or a
 * promise, is its own crash.
 *
 * What makes an actor one is in `guarded.ts`.
 */
import type { AnyActorRef, EventObject } from 'xstate';
import type { Census } from './census.js';
import type { Clock } from './clock.js';
import type { Crashable } from './crash-barrier.js';
import { crashReason, type ExitReason } from './exit-reason.js';
import type { Few } from './few.js';
import type { Mailbox } from './mailbox.js';
import type { Monitor } from './monitor.js';
import type { Enrolled, Roll } from './roll.js';
import { Scope, type ScopeOptions } from './scope.js';
import type { System } from './system.js';
import { PROCESS, sendTo, stopActor } from './xstate-internals.js';

/** One end, and the end that led to it. */
export interface Failure {
  readonly id: number;
  readonly path: string;
  readonly kind: string;
  readonly reason: ExitReason;
  readonly atMs: number;
  readonly cause: Failure | undefined;
}

/**
 * What does the work that a chart decides on. It is given its process before the chart takes its first step; the chart's
 * effects find it by `processOf(self).body`. One per actor, so that a crash takes it along.
 */
export interface ProcessBody {
  attach(process: Process): void;
}

/** A call that has no answer yet. */
export interface PendingCall {
  fail(reason: ExitReason): void;
}

export class Process implements Crashable, Enrolled<Process>, ScopeOptions {
  readonly ref: AnyActorRef;
  readonly system: System;
  readonly parent: Process | undefined;
  readonly kind: string;
  readonly startedAtMs: number;
  /** Exit signals other than `kill` arrive as events instead of ending it. */
  trapExit = false;
  body: ProcessBody | undefined;
  name: string | undefined;
  /** The limit of what waits for it; `undefined`: none. */
  mailbox: Mailbox | undefined;
  restarts = 0;
  /** Why it ended; `undefined` while it lives. */
  exit: ExitReason | undefined;
  /** True when everything it held has been given back and everybody has been told. */
  gone = false;
  failure: Failure | undefined;
  /** Monitors that watch it, and monitors that it holds on others. */
  watchers: Few<Monitor> | undefined;
  watching: Roll<Monitor> | undefined;
  links: Set<Process> | undefined;
  /** Calls that wait for its answer, or that it waits for; each is told when it ends. */
  pendingCalls: Few<PendingCall> | undefined;
  /** What its logic keeps beside the snapshot. */
  state: unknown;
  /** Its supervisor's entry for it. */
  child: unknown;
  /** Set by its supervisor while it waits for this end: called in its turn, and instead of a signal. */
  onGone: (() => void) | undefined;
  /** Its supervisor has let go of it and wants to hear nothing of its end. */
  detached = false;
  /** Set while it starts asynchronously; whoever started it waits for `ready`, which also comes when it ends instead. */
  starting: { ready: (() => void) | undefined } | undefined;
  /** Why it did not start, where it found that out itself. */
  startError: ExitReason | undefined;
  /** Its start answered that there is nothing to start. */
  ignored = false;
  /** It understands the stop request, whether it traps exits or not. */
  answersStop = false;
  /** Where its steps are recorded; 0: nowhere. The recorder's own. */
  flight = 0;
  /** Its neighbours among the living. */
  earlier: Process | undefined;
  later: Process | undefined;

  #intended: ExitReason | undefined;
  #intendedCause: Failure | undefined;
  #scope: Scope | undefined;
  #path: string | undefined;

  constructor(ref: AnyActorRef, system: System, parent: Process | undefined, kind: string) {
    this.ref = ref;
    this.system = system;
    this.parent = parent;
    this.kind = kind;
    this.startedAtMs = system.clock.wallMs();
  }

  get id(): string {
    return this.ref.id;
  }

  /** The ids from the root down: `sluice/cameras/camera:front`. */
  get path(): string {
    this.#path ??= this.parent ? `${this.parent.path}/${this.id}` : this.id;
    return this.#path;
  }

  get alive(): boolean {
    return this.exit === undefined;
  }

  /** Its end is decided, though it may still be at its last event: JavaScript cannot cut a function short. */
  get condemned(): boolean {
    return this.#intended !== undefined || this.exit !== undefined;
  }

  /** What it holds. Made at first use. */
  get scope(): Scope {
    if (!this.#scope) {
      this.#scope = new Scope(this);
      if (!this.alive) void this.#scope.dispose();
    }
    return this.#scope;
  }

  /** What it holds, by kind. */
  get holds(): Readonly<Record<string, number>> {
    return this.#scope?.holds() ?? {};
  }

  // As the owner of its scope.

  get owner(): string {
    return this.path;
  }

  get clock(): Clock {
    return this.system.clock;
  }

  get census(): Census {
    return this.system.census;
  }

  /** Whether anybody wants to know how long its work takes. */
  get measured(): boolean {
    return this.system.slowHandlerMs !== undefined;
  }

  /** It was at this for so long, and what it made others do at once counts as its own. Told where it is long. */
  worked(what: string, ms: number): void {
    const { system } = this;
    if (system.slowHandlerMs === undefined || ms < system.slowHandlerMs) return;
    system.emit({ type: 'handler.slow', process: this, event: what, ms });
  }

  /** Hands it an event at once, as its actor's `send` does. To one that has ended nothing is sent. */
  send(event: EventObject): void {
    if (this.alive) sendTo(this.ref, event);
    else this.system.deadLetters += 1;
  }

  /** Its asynchronous start is over: it runs, or `startError` says why it does not and it is about to end. */
  started(): void {
    const ready = this.starting?.ready;
    this.starting = undefined;
    if (ready) this.system.defer(ready);
  }

  /** Ends it with this reason, now or when the event it is processing has been processed. Not trappable. */
  terminate(reason: ExitReason, cause?: Failure): void {
    if (!this.alive) return;
    this.#intended ??= reason;
    this.#intendedCause ??= cause;
    stopActor(this.ref);
  }

  /** Makes it crash with what was thrown. */
  crash(thrown: unknown): void {
    if (this.alive) this.terminate(crashReason(thrown));
    else this.system.emit({ type: 'process.threwLate', process: this, thrown });
  }

  /** The failure because of which it ends or will end. */
  get intendedCause(): Failure | undefined {
    return this.#intendedCause;
  }

  /** Names the failure because of which it will end, so that the chain of causes has no gap. */
  blame(cause: Failure | undefined): void {
    this.#intendedCause ??= cause;
  }

  /** The logic saw its end. First reason wins; everything it holds is given back, then everybody is told. */
  exited(reason: ExitReason): void {
    if (this.exit !== undefined) return;
    this.exit = this.#intended ?? reason;
    this.failure = {
      id: this.system.nextFailureId(),
      path: this.path,
      kind: this.kind,
      reason: this.exit,
      atMs: this.system.clock.wallMs(),
      cause: this.#intendedCause,
    };
    const pending = this.#scope?.dispose();
    if (pending) void pending.then(() => this.#tell());
    else this.#tell();
  }

  /** The kinds of what it held that were not given back in time. */
  get abandoned(): readonly string[] {
    return this.#scope?.abandoned ?? [];
  }

  #tell(): void {
    if (this.gone) return;
    this.gone = true;
    const { system } = this;
    const reason = this.exit as ExitReason;
    const failure = this.failure as Failure;
    system.processes.delete(this);
    const { abandoned } = this;
    if (abandoned.length > 0) system.emit({ type: 'process.abandoned', process: this, kinds: abandoned });
    if (this.name !== undefined) system.registry.unregister(this.name);
    if (system.heard) system.emit({ type: 'process.down', process: this, reason, failure });
    if (this.pendingCalls) for (const pending of this.pendingCalls.members()) pending.fail(reason);
    if (this.watching) for (const monitor of this.watching.members()) monitor.drop();
    if (this.links) {
      for (const peer of this.links) {
        peer.links?.delete(this);
        system.signal(() => peer.receiveExit(this, reason));
      }
      this.links = undefined;
    }
    if (this.watchers) for (const monitor of this.watchers.members()) monitor.fire(reason, failure);
    this.watchers = undefined;
    if (this.starting) {
      // It ended before it was started: whoever starts it hears that instead of an end.
      if (!this.ignored) this.startError ??= reason;
      this.detached = true;
      this.started();
    }
    if (this.onGone) system.defer(this.onGone);
    else if (!this.detached && !this.ignored && this.parent?.alive) system.post(this.parent.ref, childExited(this));
  }

  /** An exit signal of somebody linked, or of anybody by `exit(ref, reason)`. OTP's rules: https://www.erlang.org/doc/system/ref_man_processes.html#receiving-exit-signals */
  receiveExit(from: Process | undefined, reason: ExitReason, cause?: Failure): void {
    if (!this.alive) return;
    if (this.trapExit) {
      this.blame(cause ?? from?.failure);
      // A message like any other from here on: behind what the same sender has sent before.
      this.system.post(this.ref, { type: 'EXIT', from: from?.ref, reason } as EventObject);
    } else if (reason !== 'normal' || from === this) this.terminate(reason, cause ?? from?.failure);
  }
}

/** The message by which a supervisor learns that its child has ended. */
export interface ChildExited {
  readonly type: 'child.exited';
  readonly process: Process;
}

function childExited(process: Process): ChildExited {
  return { type: 'child.exited', process };
}

interface Carrier {
  [PROCESS]?: Process | undefined;
}

/** Makes it the process of its actor. */
export function carry(process: Process): void {
  (process.ref as Carrier)[PROCESS] = process;
}

/** The process behind an actor; `undefined` for actors that a machine started by itself. */
export function processOf(ref: AnyActorRef): Process | undefined {
  return (ref as Carrier)[PROCESS];
}
