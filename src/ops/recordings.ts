/**
 * What was recorded, over HTTP: the list of complete segments of a camera, a segment as a file (with ranges, so that a player
 * jumps without fetching the whole), and a time of the past as pictures that a browser shows like the live view.
 *
 * A segment is looked up by its id in the gateway's table; nothing that is asked for here becomes a path.
 */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { GatewayError } from '../gateway/gateway-error.js';
import { answerJson } from './answer.js';
import type { Exchange } from './exchange.js';
import { HttpError } from './http-error.js';
import { wantsHeadOnly } from './live-view.js';
import { pageOf, wholeNumber } from './paging.js';

const SPEED_MAX = 1_000;

/** `?from=` and `?to=` (milliseconds since 1970, or a date) name a span of time: the segments that have a part in it. */
export function recordings({ res, gateway, params, query }: Exchange): void {
  const { recordings: all } = gateway.recorded(params[0] ?? '');
  const fromMs = momentOf(query, 'from') ?? Number.NEGATIVE_INFINITY;
  const toMs = momentOf(query, 'to') ?? Number.POSITIVE_INFINITY;
  const { items, next } = pageOf(
    all.filter((recording) => recording.toMs >= fromMs && recording.fromMs <= toMs),
    query,
  );
  answerJson(res, 200, next === undefined ? { recordings: items } : { recordings: items, next });
}

/** `?from=` is needed; `?speed=` is 1, or 0 for as fast as it is taken. */
export async function recordedView(exchange: Exchange): Promise<void> {
  const { query, params, streams } = exchange;
  const fromMs = momentOf(query, 'from');
  if (fromMs === undefined) throw invalid('from: expected milliseconds since 1970, or a date, got nothing');
  const maxFps = wholeNumber(query, 'maxFps', 0, 0, 1000);
  await streams.view(exchange, { cameraId: params[0] ?? '', maxFps, fromMs, speed: speedOf(query) });
}

export async function recordedFile({ req, res, gateway, params }: Exchange): Promise<void> {
  const [cameraId = '', id = ''] = params;
  const file = gateway.recorded(cameraId).file(id);
  if (!file) throw new GatewayError('not_found', `not_found: camera "${cameraId}" has no complete segment of this id`);
  const range = rangeOf(req.headers.range, file.bytes);
  describe(res, id, range, file.bytes);
  if (wantsHeadOnly(req)) {
    res.end();
    return;
  }
  // It closes the file whoever ends first; a reader who leaves is no failure.
  await pipeline(file.read(range.start, range.end), res);
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly partial: boolean;
}

function describe(res: ServerResponse, id: string, { start, end, partial }: Range, bytes: number): void {
  res.statusCode = partial ? 206 : 200;
  res.setHeader('Content-Type', 'video/x-matroska');
  res.setHeader('Content-Length', end - start + 1);
  res.setHeader('Content-Disposition', `attachment; filename="${id}.mkv"`);
  res.setHeader('Accept-Ranges', 'bytes');
  if (partial) res.setHeader('Content-Range', `bytes ${start}-${end}/${bytes}`);
}

/** One range is served; of several, or of what is no range at all, the whole file is, as RFC 9110 allows. */
function rangeOf(header: string | undefined, bytes: number): Range {
  const whole = { start: 0, end: bytes - 1, partial: false };
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return whole;
  const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (start <= end) return { start, end, partial: true };
  throw new HttpError(416, 'range_not_satisfiable', `range: expected one within ${bytes} bytes`, {
    'Content-Range': `bytes */${bytes}`,
  });
}

function momentOf(query: URLSearchParams, field: string): number | undefined {
  const text = query.get(field);
  if (text === null) return undefined;
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw invalid(`${field}: expected milliseconds since 1970, or a date`);
}

function speedOf(query: URLSearchParams): number {
  const text = query.get('speed') ?? '1';
  const speed = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (speed >= 0 && speed <= SPEED_MAX) return speed;
  throw invalid(`speed: expected a number from 0 to ${SPEED_MAX}`);
}

function invalid(message: string): GatewayError {
  return new GatewayError('invalid_argument', message);
}
