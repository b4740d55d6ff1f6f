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
import { Process, processOf } from './process.js';
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
  const { timeout = DEFAULT_TIMEOUT_MS } = options;
  const what = `call to "${addressText(target)}"`;
  const callee = processAt(target);
  const caller = options.from ? processOf(options.from) : processAtWork();
  if (!callee?.alive) return Promise.reject(new ExitError('noproc', what));
  if (callee === caller) return Promise.reject(new ExitError('calling_self', what));
  return ask(callee, { caller, timeout, what }, (reply) => ({
    type: 'call',
    request,
    reply,
    from: caller?.ref,
  }));
}

interface Asking {
  readonly caller: Process | undefined;
  readonly timeout: number;
  readonly what: string;
}

/** Sends the event that `make` gives and waits for its reply; the one place where a reply is awaited. */
export function ask<T>(
  callee: Process,
  { caller, timeout, what }: Asking,
  make: (reply: (answer: unknown) => void) => EventObject,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const { system } = callee;
    let limit: unknown;
    const settle = (): void => {
      callee.pendingCalls?.delete(fail);
      caller?.pendingCalls?.delete(fail);
      if (limit !== undefined) system.clock.clearTimeout(limit);
    };
    const fail = (reason: ExitReason): void => {
      settle();
      reject(new ExitError(reason, what));
    };
    callee.pendingCalls ??= new Few();
    callee.pendingCalls.add(fail);
    if (caller) {
      caller.pendingCalls ??= new Few();
      caller.pendingCalls.add(fail);
    }
    if (Number.isFinite(timeout)) limit = system.clock.setTimeout(() => fail('timeout'), timeout);
    const reply = (answer: unknown): void => {
      settle();
      resolve(answer as T);
    };
    if (!deliver(callee, make(reply))) fail('mailbox_full');
  });
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
