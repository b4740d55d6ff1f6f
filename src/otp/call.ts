/**
 * Requests between processes, with the rules of OTP's `gen_server:call`: an answer comes once, in time, or never; a
 * callee that is not there or that ends is known at once; what the callee does after the timeout stays its own business.
 * In JavaScript the caller does not exit: the promise rejects with an `ExitError`, and where the caller does not catch
 * it, that is the caller's crash.
 */
import type { AnyActorRef, EventObject } from 'xstate';
import { atWork } from './crash-barrier.js';
import { ExitError, type ExitReason } from './exit-reason.js';
import { Few } from './few.js';
import { deliver } from './mailbox.js';
import { type PendingCall, Process, processOf } from './process.js';
import type { Held } from './scope.js';
import type { System } from './system.js';

/** How a request arrives: as the event `call`. The first reply counts; one that comes late goes nowhere. */
export interface CallRequest extends EventObject {
  readonly type: 'call';
  readonly request: unknown;
  readonly reply: (answer: unknown) => void;
  /** Who asks, where that is a process. */
  readonly from: AnyActorRef | undefined;
}

export interface CallOptions {
  /** Milliseconds, or `Infinity`. Default 5000. */
  readonly timeout?: number;
  /** Who asks. Default: the process at work. When it ends, the call is forgotten. */
  readonly from?: AnyActorRef;
}

/** Somebody to talk to: an actor, or a name in a system. */
export type Address = AnyActorRef | { readonly name: string; readonly system: System };

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Asks and waits for the answer. Rejects with an `ExitError` whose reason says why there is none: `timeout`, `noproc`,
 * `calling_self`, `mailbox_full`, or what the callee (or the caller) ended with.
 */
export function call<T = unknown>(target: Address, request: unknown, options: CallOptions = {}): Promise<T> {
  const callee = processAt(target);
  const caller = options.from ? processOf(options.from) : processAtWork();
  if (!callee?.alive) return Promise.reject(new ExitError('noproc', `call to "${addressText(target)}"`));
  if (callee === caller) return Promise.reject(new ExitError('calling_self', `call to "${addressText(target)}"`));
  const { timeout = DEFAULT_TIMEOUT_MS } = options;
  const from = caller?.ref;
  return ask(callee, 'call to', caller, timeout, (reply) => ({ type: 'call', request, reply, from }));
}

/**
 * Sends the event that `make` gives and waits for its reply; the one place where a reply is awaited.
 *
 * @param verb what the error says was being done to the callee.
 */
export function ask<T>(
  callee: Process,
  verb: string,
  caller: Process | undefined,
  timeout: number,
  make: (reply: (answer: unknown) => void) => EventObject,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const asked = new Asked(callee, verb, caller, resolve, reject);
    asked.limit(timeout);
    if (
      !deliver(
        callee,
        make((answer) => asked.answered(answer)),
      )
    )
      asked.fail('mailbox_full');
  });
}

/** A request that waits for its answer. Both sides know it, so that the end of either settles it. */
class Asked<T> implements PendingCall {
  readonly #callee: Process;
  readonly #verb: string;
  readonly #caller: Process | undefined;
  readonly #resolve: (answer: T) => void;
  readonly #reject: (error: ExitError) => void;
  #limit: unknown;

  constructor(
    callee: Process,
    verb: string,
    caller: Process | undefined,
    resolve: (answer: T) => void,
    reject: (error: ExitError) => void,
  ) {
    this.#callee = callee;
    this.#verb = verb;
    this.#caller = caller;
    this.#resolve = resolve;
    this.#reject = reject;
    callee.pendingCalls ??= new Few();
    callee.pendingCalls.add(this);
    if (!caller) return;
    caller.pendingCalls ??= new Few();
    caller.pendingCalls.add(this);
  }

  limit(timeoutMs: number): void {
    if (Number.isFinite(timeoutMs))
      this.#limit = this.#callee.system.clock.setTimeout(() => this.fail('timeout'), timeoutMs);
  }

  answered(answer: unknown): void {
    this.#settle();
    this.#resolve(answer as T);
  }

  fail(reason: ExitReason): void {
    this.#settle();
    this.#reject(new ExitError(reason, `${this.#verb} "${this.#callee.path}"`));
  }

  #settle(): void {
    this.#callee.pendingCalls?.delete(this);
    this.#caller?.pendingCalls?.delete(this);
    if (this.#limit !== undefined) this.#callee.system.clock.clearTimeout(this.#limit);
  }
}

/**
 * Sends an event, in its turn. To somebody who is not there it is no error: it is dropped.
 * @returns false when the receiver's mailbox is full and refuses.
 */
export function cast(target: Address, event: EventObject): boolean {
  const process = processAt(target);
  return !process || deliver(process, event) || process.mailbox?.overflow === 'drop_newest';
}

/** Sends an event after `ms` milliseconds, unless released before; forgotten when the receiver ends. */
export function sendAfter(target: AnyActorRef, event: EventObject, ms: number): Held {
  const process = processOf(target);
  if (!process) throw new Error(`sendAfter: actor "${target.id}" is no process of a system`);
  return process.scope.timer(ms, () => target.send(event));
}

export function processAt(target: Address): Process | undefined {
  return 'system' in target && 'name' in target
    ? target.system.registry.whereis(target.name)
    : processOf(target as AnyActorRef);
}

function addressText(target: Address): string {
  if ('name' in target) return target.name;
  return processOf(target)?.path ?? target.id;
}

function processAtWork(): Process | undefined {
  const owner = atWork.getStore();
  return owner instanceof Process ? owner : undefined;
}
