/** What the HTTP side refuses, and how a refusal looks: `{ error: { code, message } }` under a fitting status. */
import { type ErrorCode, GatewayError } from '../gateway/gateway-error.js';

/** Refusals that only HTTP knows. The gateway's own come as `GatewayError`. */
export type HttpErrorCode =
  | 'body_too_large'
  | 'foreign_host'
  | 'foreign_origin'
  | 'heap_snapshot_running'
  | 'internal'
  | 'method_not_allowed'
  | 'not_found'
  | 'range_not_satisfiable'
  | 'url_too_long';

export class HttpError extends Error {
  readonly status: number;
  readonly code: HttpErrorCode | ErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: HttpErrorCode | ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  app_exists: 409,
  app_not_found: 404,
  owner_away: 409,
  max_apps_reached: 503,
  session_not_found: 404,
  bad_source: 400,
  camera_exists: 409,
  camera_failed: 503,
  camera_not_found: 404,
  channel_failed: 503,
  channels_busy: 503,
  actor_not_found: 404,
  draining: 503,
  engine_unavailable: 503,
  fenced: 503,
  invalid_argument: 400,
  max_hops_reached: 503,
  max_cameras_reached: 503,
  max_clients_reached: 503,
  max_streams_reached: 503,
  max_viewers_reached: 503,
  no_picture: 503,
  not_found: 404,
  not_in_room: 409,
  permission_denied: 403,
  stale_connect: 409,
  superseded: 409,
  unauthenticated: 401,
};

/** Makes the refusal that `thrown` stands for. What is none of ours becomes a 500 that tells the peer nothing more. */
export function asHttpError(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown;
  if (!(thrown instanceof GatewayError)) return new HttpError(500, 'internal', 'internal error; see the log');
  const headers: Record<string, string> = {};
  if (thrown.retryAfterMs !== undefined) headers['Retry-After'] = String(Math.ceil(thrown.retryAfterMs / 1000));
  if (thrown.code === 'unauthenticated') headers['WWW-Authenticate'] = 'Bearer';
  return new HttpError(STATUS[thrown.code], thrown.code, thrown.message, headers);
}
