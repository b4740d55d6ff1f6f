/**
 * The one catalogue of operating errors: what the gateway refuses, and why. `src/grpc/status.ts` maps each code to a gRPC
 * status, the HTTP side to a status code. The message names the field or the thing, what was expected and what came.
 */
export type ErrorCode =
  | 'app_exists'
  | 'app_not_found'
  | 'bad_source'
  | 'camera_exists'
  | 'camera_failed'
  | 'camera_not_found'
  | 'channel_failed'
  | 'channels_busy'
  | 'actor_not_found'
  | 'draining'
  | 'engine_unavailable'
  | 'fenced'
  | 'invalid_argument'
  | 'max_hops_reached'
  | 'max_apps_reached'
  | 'max_cameras_reached'
  | 'max_clients_reached'
  | 'max_streams_reached'
  | 'max_viewers_reached'
  | 'no_picture'
  | 'not_found'
  | 'not_in_room'
  | 'owner_away'
  | 'permission_denied'
  | 'session_not_found'
  | 'stale_connect'
  | 'superseded'
  | 'unauthenticated';

export class GatewayError extends Error {
  readonly code: ErrorCode;
  /** When to try again, in milliseconds, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { readonly retryAfterMs?: number; readonly cause?: unknown },
  ) {
    super(message, { cause: options?.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }
}
