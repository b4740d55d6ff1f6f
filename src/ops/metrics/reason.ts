/** Why something ended, as one of a few words: a label must not grow with what the world invents. */
import type { ShutdownDetail } from '../../../machines/terms.js';
import { GatewayError } from '../../gateway/gateway-error.js';
import type { ExitReason } from '../../otp/exit-reason.js';

const DETAILS: Readonly<Record<ShutdownDetail, true>> = {
  bye: true,
  cancelled: true,
  client_gone: true,
  deadline_exceeded: true,
  drain: true,
  ended: true,
  fenced: true,
  grace_expired: true,
  heartbeat_missed: true,
  inactivity: true,
  max_clients_reached: true,
  never_attached: true,
  refused: true,
  room_lost: true,
  source_failed: true,
  slow_consumer: true,
  stopped: true,
  superseded: true,
  transport_lost: true,
};
const WORDS: ReadonlySet<string> = new Set([
  ...Object.keys(DETAILS),
  'normal',
  'shutdown',
  'killed',
  'noproc',
  'noconnection',
  'timeout',
  'calling_self',
  'mailbox_full',
  'app_not_found',
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

function wordOf(text: string): string {
  return WORDS.has(text) ? text : 'other';
}
