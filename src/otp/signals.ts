/**
 * Exit signals and links. A signal needs no link; a link makes each end of a process a signal to its peers.
 * Source: https://www.erlang.org/doc/system/ref_man_processes.html#links
 */
import type { AnyActorRef, EventObject } from 'xstate';
import { ExitError, type ExitReason } from './exit-reason.js';
import { type Failure, type Process, processOf } from './process.js';
import { isRunning } from './xstate-internals.js';

export interface ExitOptions {
  /** Who sends it; an `EXIT` event names it. */
  readonly from?: AnyActorRef;
  /** The failure because of which it is sent, for the chain of causes. */
  readonly cause?: Failure | undefined;
}

/**
 * Sends an exit signal. `kill` cannot be trapped and shows as `killed`; `normal` from another process is ignored unless
 * trapped. A dead target is not an error.
 */
export function exit(target: AnyActorRef, reason: ExitReason, options: ExitOptions = {}): void {
  const process = processOf(target);
  if (!process) throw new Error(`exit: actor "${target.id}" is no process of a system`);
  if (reason === 'kill') process.terminate('killed', options.cause);
  else process.receiveExit(options.from && processOf(options.from), reason, options.cause);
}

/**
 * Asks a child to end, as its supervisor does: a process that traps exits gets the stop request as an event and may end
 * in its own time, any other ends now.
 */
export function requestStop(process: Process, reason: ExitReason, cause?: Failure): void {
  if (!process.alive) return;
  process.blame(cause);
  if (process.trapExit) sendStop(process, reason);
  else process.terminate(reason, cause);
}

/** Where a mailbox may be full, the request goes ahead of what waits in it; elsewhere it keeps its turn, as in OTP. */
export function sendStop({ ref, system, mailbox }: Process, reason: ExitReason): void {
  const request = { type: 'supervisor.stop', reason } as EventObject;
  if (!mailbox) system.post(ref, request);
  else {
    system.signal(() => {
      if (isRunning(ref)) ref.send(request);
    });
  }
}

/**
 * Links two processes; twice is once. Linking `a` to one that has ended is an `EXIT` event with `noproc` where `a` traps
 * exits; where it does not, this throws an `ExitError`, which is the crash of the caller unless it is caught.
 */
export function link(a: AnyActorRef, b: AnyActorRef): void {
  const [one, other] = both(a, b);
  if (one === other) return;
  if (!other.alive) {
    if (!one.trapExit) throw new ExitError('noproc', `link "${one.path}" to "${other.path}"`);
    one.system.signal(() => one.receiveExit(other, 'noproc'));
    return;
  }
  one.links ??= new Set();
  other.links ??= new Set();
  one.links.add(other);
  other.links.add(one);
}

export function unlink(a: AnyActorRef, b: AnyActorRef): void {
  const [one, other] = both(a, b);
  one.links?.delete(other);
  other.links?.delete(one);
}

/** Whether exit signals arrive as `EXIT` events. @returns what it was before. */
export function trapExit(ref: AnyActorRef, on: boolean): boolean {
  const [process] = both(ref, ref);
  const before = process.trapExit;
  process.trapExit = on;
  return before;
}

function both(a: AnyActorRef, b: AnyActorRef): readonly [Process, Process] {
  const one = processOf(a);
  const other = processOf(b);
  if (!one || !other) throw new Error(`actor "${(one ? b : a).id}" is no process of a system`);
  return [one, other];
}
