/** What a logic says of the process that it becomes: said once per logic, and found again by `guarded.ts`. */
import type { AnyActorLogic } from 'xstate';
import type { MailboxOptions } from './mailbox.js';

/** What a logic tells of itself when it becomes a process. */
export interface ProcessTraits {
  readonly kind?: string;
  readonly trapExit?: boolean;
  /** It understands the stop request (`supervisor.stop`) even where it does not trap exits. Default: as `trapExit`. */
  readonly answersStop?: boolean;
  /** A limit for what waits to be handled. Default none. */
  readonly mailbox?: MailboxOptions;
}

const traits = new WeakMap<AnyActorLogic, ProcessTraits>();

/** Says of a logic what kind of process it is. Without, its kind is the id of its chart. */
export function withTraits<L extends AnyActorLogic>(logic: L, given: ProcessTraits): L {
  traits.set(logic, given);
  return logic;
}

export function traitsOf(logic: AnyActorLogic): ProcessTraits {
  return traits.get(logic) ?? {};
}
