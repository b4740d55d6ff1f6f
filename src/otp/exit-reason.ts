/** Exit reasons: telling clean from abnormal, and making one out of whatever was thrown or returned. */
import { inspect } from 'node:util';
import type { ExitReason } from '../../machines/terms.js';

export type { ExitReason } from '../../machines/terms.js';

const NAMED: ReadonlySet<unknown> = new Set([
  'normal',
  'shutdown',
  'killed',
  'kill',
  'noproc',
  'noconnection',
  'timeout',
  'calling_self',
  'mailbox_full',
]);

/** The other side of a call is not there, ended, or did not answer in time. */
export class ExitError extends Error {
  readonly reason: ExitReason;

  constructor(reason: ExitReason, what: string) {
    super(`${what}: ${describeReason(reason)}`, reason instanceof Error ? { cause: reason } : undefined);
    this.name = 'ExitError';
    this.reason = reason;
  }
}

/** True for `normal`, `shutdown` and `{ shutdown: … }`: a transient child that ends so is not started again. */
export function isClean(reason: ExitReason): boolean {
  return reason === 'normal' || reason === 'shutdown' || isShutdownWithDetail(reason);
}

export function isExitReason(value: unknown): value is ExitReason {
  return NAMED.has(value) || value instanceof Error || isShutdownWithDetail(value);
}

/** What an actor that threw or rejected with `thrown` died of: an error or an exit reason itself, else an error made of it. */
export function crashReason(thrown: unknown): ExitReason {
  return isExitReason(thrown) ? thrown : new Error(String(thrown), { cause: thrown });
}

/** A finished actor's reason: its output where that is an exit reason, else `normal`. */
export function reasonOfOutput(output: unknown): ExitReason {
  return isExitReason(output) ? output : 'normal';
}

/** One word or line for logs, events and pages: `normal`, `shutdown: superseded`, `Error: connection reset`. */
export function describeReason(reason: ExitReason): string {
  if (typeof reason === 'string') return reason;
  if (reason instanceof Error) return `${reason.name}: ${reason.message}`;
  const { shutdown } = reason;
  if (typeof shutdown === 'string') return `shutdown: ${shutdown}`;
  if (shutdown instanceof Error) return `shutdown: ${shutdown.message}`;
  // JSON makes an empty object of an error, and the innermost reason of a failed start is one.
  const told = (_key: string, value: unknown): unknown =>
    value instanceof Error ? `${value.name}: ${value.message}` : value;
  try {
    return `shutdown: ${JSON.stringify(shutdown, told)}`;
  } catch {
    // Circular, or of a type that JSON has no word for; telling why something ended must not be what fails.
    return `shutdown: ${inspect(shutdown, { depth: 4, breakLength: Number.POSITIVE_INFINITY })}`;
  }
}

function isShutdownWithDetail(value: unknown): value is { readonly shutdown: unknown } {
  return typeof value === 'object' && value !== null && !(value instanceof Error) && 'shutdown' in value;
}
