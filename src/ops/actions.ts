/** What may be done with the token: to one actor, to a connection, to the gateway, and to its process. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { GatewayError } from '../gateway/gateway-error.js';
import { answerJson } from './answer.js';
import { readJson } from './body.js';
import type { Exchange } from './exchange.js';
import { HttpError } from './http-error.js';

const WHY_MAX = 200;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** `{ "reason": "…" }`, in the words of whoever asks, stands in the event `actor.asked`. */
export async function act({ req, res, gateway, params }: Exchange): Promise<void> {
  const [id = '', action] = params;
  const why = fieldOf(await readJson(req), 'reason');
  if (why !== undefined && (typeof why !== 'string' || why === '' || why.length > WHY_MAX)) {
    throw new GatewayError('invalid_argument', `reason: expected a text of 1 to ${WHY_MAX} characters`);
  }
  await gateway.act(id, action as 'stop' | 'kill' | 'restart', why);
  answerJson(res, 200, { id, action });
}

export function evict({ res, gateway, params: [id = ''] }: Exchange): void {
  gateway.evict(id);
  answerJson(res, 200, { id, action: 'evict' });
}

/** Answers at once: the draining may take its whole deadline, and `/readyz` tells how it stands. */
export async function drain({ req, res, gateway, streams }: Exchange): Promise<void> {
  const deadlineMs = fieldOf(await readJson(req), 'deadlineMs');
  if (deadlineMs !== undefined && !(typeof deadlineMs === 'number' && deadlineMs >= 0 && Number.isFinite(deadlineMs))) {
    throw new GatewayError('invalid_argument', 'deadlineMs: expected milliseconds of at least 0');
  }
  streams.inBackground(gateway.drain(deadlineMs));
  answerJson(res, 202, { draining: true });
}

export function undrain({ res, gateway }: Exchange): void {
  gateway.undrain();
  answerJson(res, 200, { draining: false });
}

/** Collects garbage now. The whole process stands still meanwhile. */
export function collectGarbage({ res }: Exchange): void {
  const beganMs = performance.now();
  const before = process.memoryUsage().heapUsed;
  // Node gives the function away only when asked by a flag, which may be set late.
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  setFlagsFromString('--no-expose-gc');
  const ms = Math.round(performance.now() - beganMs);
  answerJson(res, 200, { ms, heapUsed: { before, after: process.memoryUsage().heapUsed } });
}

export function logLevel({ res, log }: Exchange): void {
  answerJson(res, 200, { level: levelled(log).level });
}

/** Until it is set again, or the gateway starts anew. A logger of the host's is the host's: its own level changes. */
export async function setLogLevel({ req, res, log }: Exchange): Promise<void> {
  const level = fieldOf(await readJson(req), 'level');
  if (typeof level !== 'string' || !LEVELS.includes(level)) {
    throw new GatewayError('invalid_argument', `level: expected ${LEVELS.join(', ')}`);
  }
  levelled(log).level = level;
  answerJson(res, 200, { level });
}

function levelled(log: Exchange['log']): { level?: string | undefined } {
  if (log?.level === undefined) throw new HttpError(404, 'not_found', 'log: there is none here whose level can be set');
  return log;
}

function fieldOf(body: unknown, name: string): unknown {
  if (body === undefined) return undefined;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new GatewayError('invalid_argument', 'body: expected an object');
  }
  return (body as Readonly<Record<string, unknown>>)[name];
}
