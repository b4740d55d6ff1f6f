/** Why something ended, as one of a few words: a label must not grow with what the world invents. */
import { GatewayError } from '../../gateway/gateway-error.js';
import type { ExitReason } from '../../otp/exit-reason.js';

const WORDS: ReadonlySet<string> = new Set([
  'normal',
  'shutdown',
  'killed',
  'noproc',
  'noconnection',
  'timeout',
  'mailbox_full',
  'app_not_found',
  'bye',
  'cancelled',
  'client_gone',
  'deadline_exceeded',
  'drain',
  'ended',
  'fenced',
  'grace_expired',
  'heartbeat_missed',
  'inactivity',
  'never_attached',
  'refused',
  'room_lost',
  'slow_consumer',
  'source_failed',
  'superseded',
  'swept',
]);

/** One of about fifty words; `error` for a crash, `other` for what has no word here. */
export function reasonWord(reason: ExitReason): string {
  if (typeof reason === 'string') return wordOf(reason);
  if (reason instanceof GatewayError) return reason.code;
  if (reason instanceof Error) return 'error';
  const { shutdown } = reason;
  if (shutdown instanceof GatewayError) return shutdown.code;
  return typeof shutdown === 'string' ? wordOf(shutdown) : 'other';
}

export function wordOf(text: string): string {
  return WORDS.has(text) ? text : 'other';
}
