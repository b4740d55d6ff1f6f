/** What a supervisor is told of a child, with OTP's defaults and OTP's refusals. */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import type { AutoShutdown, Restart, Shutdown } from '../../machines/terms.js';
import type { ExitReason } from './exit-reason.js';
import { type MailboxOptions, mailboxFault } from './mailbox.js';
import type { Failure, ProcessBody } from './process.js';
import { type Backoff, backoffFault } from './restart-backoff.js';

/** Given to a start function. */
export interface StartContext {
  /** Starts the child. At most once per start. Throws what the child's start threw. */
  spawn(logic: AnyActorLogic, input?: unknown, body?: ProcessBody): AnyActorRef;
  /** Whose child it will be. */
  readonly supervisor: AnyActorRef;
  /** Why the one before it ended; absent at the first start. */
  readonly previous: ExitReason | undefined;
  /** The extra arguments of `startChild` under `simple_one_for_one`. */
  readonly args: readonly unknown[];
}

/** What a start function answers: the child, or that there is nothing to start. A throw or a rejection is a failed start. */
export type StartAnswer = AnyActorRef | 'ignore';

export type ChildStart =
  | { readonly logic: AnyActorLogic; readonly input?: unknown; readonly body?: ProcessBody }
  | ((context: StartContext) => StartAnswer | Promise<StartAnswer>);

/** The life that has just ended. */
export interface PreviousLife {
  /** How often it had been started again before. */
  readonly restarts: number;
  /** Its end and the chain of causes behind it; absent where it did not even start. */
  readonly failure: Failure | undefined;
}

export interface ChildSpec {
  /** Unique in its supervisor. */
  readonly id: string;
  readonly start: ChildStart;
  /** Default `permanent`. */
  readonly restart?: Restart;
  /** Default 5000 ms for a worker, `infinity` for a supervisor. */
  readonly shutdown?: Shutdown;
  /** Default false. Only for children that are not permanent, under a supervisor with `autoShutdown`. */
  readonly significant?: boolean;
  /** Default `worker`. Informational, but for the default of `shutdown` and the counts. */
  readonly type?: 'worker' | 'supervisor';
  /**
   * Wait before each restart. Such a child does not spend its supervisor's intensity; while it waits it is `restarting`.
   * Its siblings go on; under `one_for_all` and `rest_for_one` they are restarted with it, after the wait. Not in OTP.
   */
  readonly backoff?: Backoff;
  /**
   * Restarts of this child allowed within `period`, instead of its supervisor's: one more, and this child alone stays
   * stopped (`child.gaveUp`). Not in OTP.
   */
  readonly intensity?: number;
  /** Seconds, counted whole. Default 5. Only with `intensity`. */
  readonly period?: number;
  /**
   * Asked before each restart that would be done, after the wait too: its owner may have changed its mind. `false` leaves it
   * stopped. A throw is reported (`listener.failed`) and counts as yes. Not in OTP.
   */
  readonly restartIf?: (reason: ExitReason, previous: PreviousLife) => boolean;
  /** A limit for what waits to be handled by it, instead of its logic's own. Not in OTP. */
  readonly mailbox?: MailboxOptions;
}

type Extra = 'mailbox' | 'backoff' | 'intensity' | 'period' | 'restartIf';

/** A spec with its defaults filled in. */
export type FullChildSpec = Required<Omit<ChildSpec, Extra>> & Pick<ChildSpec, Extra>;

export type SpecFault =
  | { readonly code: 'missing_id' }
  | { readonly code: 'missing_start' }
  | { readonly code: 'invalid_restart'; readonly value: unknown }
  | { readonly code: 'invalid_shutdown'; readonly value: unknown }
  | { readonly code: 'invalid_significant'; readonly value: unknown }
  | { readonly code: 'invalid_child_type'; readonly value: unknown }
  | { readonly code: 'invalid_backoff'; readonly value: string }
  | { readonly code: 'invalid_intensity'; readonly value: unknown }
  | { readonly code: 'invalid_period'; readonly value: unknown }
  | { readonly code: 'invalid_mailbox'; readonly value: string }
  | { readonly code: 'invalid_restart_if'; readonly value: unknown }
  | { readonly code: 'bad_combination'; readonly with: readonly [string, string] };

export function completeSpec(spec: ChildSpec): FullChildSpec {
  const type = spec.type ?? 'worker';
  const { backoff, intensity, period, restartIf, mailbox } = spec;
  const plain = {
    id: spec.id,
    start: spec.start,
    restart: spec.restart ?? 'permanent',
    shutdown: spec.shutdown ?? (type === 'supervisor' ? 'infinity' : 5_000),
    significant: spec.significant ?? false,
    type,
  };
  if (!mailbox && !backoff && !restartIf && intensity === undefined && period === undefined) return plain;
  return {
    ...(mailbox ? { mailbox } : {}),
    ...(backoff ? { backoff } : {}),
    ...(intensity === undefined ? {} : { intensity }),
    ...(period === undefined ? {} : { period }),
    ...(restartIf ? { restartIf } : {}),
    ...plain,
  };
}

/** The first thing wrong with a spec; `undefined` when it is good. */
export function specFault(spec: FullChildSpec, autoShutdown: AutoShutdown): SpecFault | undefined {
  const { id, start, restart, shutdown, significant, type } = spec;
  if (typeof id !== 'string' || id === '') return { code: 'missing_id' };
  if (typeof start !== 'function' && !start?.logic) return { code: 'missing_start' };
  if (restart !== 'permanent' && restart !== 'transient' && restart !== 'temporary')
    return { code: 'invalid_restart', value: restart };
  if (shutdown !== 'brutal_kill' && shutdown !== 'infinity' && !(Number.isInteger(shutdown) && shutdown >= 0))
    return { code: 'invalid_shutdown', value: shutdown };
  if (typeof significant !== 'boolean') return { code: 'invalid_significant', value: significant };
  if (type !== 'worker' && type !== 'supervisor') return { code: 'invalid_child_type', value: type };
  if (significant && autoShutdown === 'never')
    return { code: 'bad_combination', with: ['auto_shutdown', 'significant'] };
  if (significant && restart === 'permanent') return { code: 'bad_combination', with: ['restart', 'significant'] };
  return extraFault(spec);
}

/** What is wrong with what OTP does not have. */
function extraFault({ backoff, intensity, period, restartIf, mailbox }: FullChildSpec): SpecFault | undefined {
  const full = mailbox && mailboxFault(mailbox);
  if (full) return { code: 'invalid_mailbox', value: full };
  const wrong = backoff && backoffFault(backoff);
  if (wrong) return { code: 'invalid_backoff', value: wrong };
  if (intensity !== undefined && !(Number.isInteger(intensity) && intensity >= 0))
    return { code: 'invalid_intensity', value: intensity };
  if (period !== undefined && !(Number.isInteger(period) && period > 0))
    return { code: 'invalid_period', value: period };
  if (period !== undefined && intensity === undefined)
    return { code: 'bad_combination', with: ['period', 'intensity'] };
  if (restartIf !== undefined && typeof restartIf !== 'function')
    return { code: 'invalid_restart_if', value: restartIf };
  return undefined;
}
