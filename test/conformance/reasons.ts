/** Exit reasons between the scenario files, where they are the words that Erlang prints, and the kernel. */
import type { ExitReason } from '../../src/otp/index.js';

/** An atom such as `boom`: an error for us. Thrown errors that are none of these carry a stack in Erlang's print. */
export class Atom extends Error {}

const WORDS: ReadonlySet<string> = new Set(['normal', 'shutdown', 'killed', 'kill', 'noproc', 'noconnection']);

const decoded = new Map<string, ExitReason>();

export function decodeReason(text: string): ExitReason {
  const known = decoded.get(text);
  if (known !== undefined) return known;
  const detail = /^\{shutdown,(.*)\}$/.exec(text)?.[1];
  const word = WORDS.has(text) ? (text as ExitReason) : new Atom(text);
  const reason = detail === undefined ? word : { shutdown: detail };
  decoded.set(text, reason);
  return reason;
}

export function encodeReason(reason: ExitReason): string {
  if (typeof reason === 'string') return reason;
  if (reason instanceof Atom) return reason.message;
  if (reason instanceof Error) return `{${reason.message},stack}`;
  const { shutdown } = reason;
  return `{shutdown,${failedToStart(reason) ? 'failed_to_start_child' : String(shutdown)}}`;
}

/** What a supervisor whose child cannot start ends with. */
export function failedToStart(reason: ExitReason): { id: string; reason: ExitReason } | undefined {
  if (typeof reason === 'string' || reason instanceof Error) return undefined;
  const detail = reason.shutdown as { failed_to_start_child?: string; reason: ExitReason } | string | undefined;
  if (typeof detail !== 'object' || detail.failed_to_start_child === undefined) return undefined;
  return { id: detail.failed_to_start_child, reason: detail.reason };
}
