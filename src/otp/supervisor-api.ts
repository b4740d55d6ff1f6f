/** Requests to a running supervisor and their answers: values, as in OTP; only a dead supervisor rejects, with an `ExitError`. */
import type { AnyActorRef } from 'xstate';
import { ask } from './call.js';
import type { ChildSpec, FullChildSpec, SpecFault } from './child-spec.js';
import { ExitError, type ExitReason } from './exit-reason.js';
import { processOf } from './process.js';

export { stop } from './stop.js';

/** Why a request was refused. The codes are OTP's. */
export type SupervisorError =
  | SpecFault
  | { readonly code: 'already_started'; readonly child: AnyActorRef }
  | { readonly code: 'already_present' }
  | { readonly code: 'running' }
  | { readonly code: 'restarting' }
  | { readonly code: 'not_found' }
  | { readonly code: 'simple_one_for_one' }
  | { readonly code: 'max_children'; readonly max: number }
  | { readonly code: 'start_failed'; readonly reason: ExitReason };

export type Answer<T> = { readonly ok: T; readonly error?: undefined } | { readonly error: SupervisorError };

export interface ChildInfo {
  readonly id: string;
  /** The actor, or what there is instead. */
  readonly child: AnyActorRef | 'stopped' | 'restarting';
  readonly type: 'worker' | 'supervisor';
}

export interface ChildCounts {
  readonly specs: number;
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

/** A child by its id; under `simple_one_for_one` by its actor. */
export type ChildName = string | AnyActorRef;

export type SupervisorRequest =
  | { readonly op: 'startChild'; readonly spec: ChildSpec }
  | { readonly op: 'startArgs'; readonly args: readonly unknown[]; readonly id: string | undefined }
  | { readonly op: 'terminateChild'; readonly name: ChildName }
  | { readonly op: 'restartChild'; readonly name: ChildName }
  | { readonly op: 'deleteChild'; readonly name: ChildName }
  | { readonly op: 'getChildspec'; readonly name: ChildName }
  | { readonly op: 'whichChildren' }
  | { readonly op: 'countChildren' };

/** A request in a supervisor's mailbox. */
export interface SupervisorCall {
  readonly type: 'supervisor.call';
  readonly request: SupervisorRequest;
  readonly reply: (answer: unknown) => void;
}

/**
 * Starts a child under a running supervisor; it goes last in the order.
 * @returns the actor, or `undefined` when its start answered `ignore`.
 */
export function startChild(supervisor: AnyActorRef, spec: ChildSpec): Promise<Answer<AnyActorRef | undefined>> {
  return call(supervisor, { op: 'startChild', spec });
}

/** Starts a child of a `simple_one_for_one` supervisor from its template and these arguments. `id` is for display only. */
export function startChildWith(
  supervisor: AnyActorRef,
  args: readonly unknown[],
  id?: string,
): Promise<Answer<AnyActorRef | undefined>> {
  return call(supervisor, { op: 'startArgs', args, id });
}

/** Stops a child; its spec stays, unless it is temporary. Never counts as a restart and never triggers the strategy. */
export function terminateChild(supervisor: AnyActorRef, name: ChildName): Promise<Answer<undefined>> {
  return call(supervisor, { op: 'terminateChild', name });
}

/** Starts a stopped child again. */
export function restartChild(supervisor: AnyActorRef, name: ChildName): Promise<Answer<AnyActorRef | undefined>> {
  return call(supervisor, { op: 'restartChild', name });
}

/** Forgets the spec of a stopped child. */
export function deleteChild(supervisor: AnyActorRef, name: ChildName): Promise<Answer<undefined>> {
  return call(supervisor, { op: 'deleteChild', name });
}

export function getChildspec(supervisor: AnyActorRef, name: ChildName): Promise<Answer<FullChildSpec>> {
  return call(supervisor, { op: 'getChildspec', name });
}

/** All children, the youngest first, as OTP lists them. */
export function whichChildren(supervisor: AnyActorRef): Promise<readonly ChildInfo[]> {
  return call(supervisor, { op: 'whichChildren' });
}

export function countChildren(supervisor: AnyActorRef): Promise<ChildCounts> {
  return call(supervisor, { op: 'countChildren' });
}

/** Waits without limit, as OTP does: while a start or a stop runs, a supervisor answers nobody. */
function call<T>(supervisor: AnyActorRef, request: SupervisorRequest): Promise<T> {
  const process = processOf(supervisor);
  const verb = `${request.op} on`;
  if (!process?.alive) return Promise.reject(new ExitError('noproc', `${verb} "${process?.path ?? supervisor.id}"`));
  const event = (reply: SupervisorCall['reply']): SupervisorCall => ({ type: 'supervisor.call', request, reply });
  return ask(process, verb, undefined, Number.POSITIVE_INFINITY, event);
}
