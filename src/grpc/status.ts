/**
 * What a gRPC peer is told when something is refused or ends: the one map from the gateway's error codes and exit reasons
 * to a status. The details begin with a stable snake_case reason, which programs may read, and go on with a sentence,
 * which people may.
 */
import { status as Code, Metadata, type StatusObject } from '@grpc/grpc-js';
import type { ShutdownDetail } from '../../machines/terms.js';
import type { CallOutcome } from '../gateway/calls.js';
import { type ErrorCode, GatewayError } from '../gateway/gateway-error.js';
import type { ExitReason } from '../otp/exit-reason.js';

export type GrpcStatus = StatusObject;

/** When a client that was told `draining` may try again, where the gateway does not say. Milliseconds. */
export const DRAIN_RETRY_MS = 1000;

/** The trailer by which a server tells a client's retry policy how long to wait. */
export const PUSHBACK_HEADER = 'grpc-retry-pushback-ms';

/** Details longer than this are cut: they travel in a header, and they may quote what a stranger sent. */
const DETAILS_CHARACTERS_MAX = 500;

export const CODE_OF_ERROR: Readonly<Record<ErrorCode, Code>> = {
  actor_not_found: Code.NOT_FOUND,
  app_exists: Code.ALREADY_EXISTS,
  app_not_found: Code.NOT_FOUND,
  owner_away: Code.FAILED_PRECONDITION,
  max_apps_reached: Code.RESOURCE_EXHAUSTED,
  session_not_found: Code.NOT_FOUND,
  bad_source: Code.INVALID_ARGUMENT,
  camera_exists: Code.ALREADY_EXISTS,
  camera_failed: Code.UNAVAILABLE,
  camera_not_found: Code.NOT_FOUND,
  channel_failed: Code.UNAVAILABLE,
  channels_busy: Code.RESOURCE_EXHAUSTED,
  draining: Code.UNAVAILABLE,
  engine_unavailable: Code.UNAVAILABLE,
  fenced: Code.UNAVAILABLE,
  invalid_argument: Code.INVALID_ARGUMENT,
  max_hops_reached: Code.RESOURCE_EXHAUSTED,
  max_cameras_reached: Code.RESOURCE_EXHAUSTED,
  max_clients_reached: Code.RESOURCE_EXHAUSTED,
  max_streams_reached: Code.RESOURCE_EXHAUSTED,
  max_viewers_reached: Code.RESOURCE_EXHAUSTED,
  no_picture: Code.UNAVAILABLE,
  not_found: Code.NOT_FOUND,
  not_in_room: Code.FAILED_PRECONDITION,
  permission_denied: Code.PERMISSION_DENIED,
  stale_connect: Code.ABORTED,
  superseded: Code.ABORTED,
  unauthenticated: Code.UNAUTHENTICATED,
};

/** How a stream that was shut down in order ends for its peer: the status, and the sentence after the reason. */
export const STATUS_OF_SHUTDOWN: Readonly<Record<ShutdownDetail, readonly [Code, string]>> = {
  bye: [Code.OK, ''],
  ended: [Code.OK, ''],
  cancelled: [Code.CANCELLED, 'the call was cancelled'],
  client_gone: [Code.ABORTED, 'the client that this stream belongs to is gone'],
  deadline_exceeded: [Code.DEADLINE_EXCEEDED, "the call's deadline has passed"],
  drain: [Code.UNAVAILABLE, 'this gateway is shutting down'],
  fenced: [Code.UNAVAILABLE, 'this gateway has lost its right to act for its clients'],
  grace_expired: [Code.ABORTED, 'the client did not come back in time'],
  heartbeat_missed: [Code.DEADLINE_EXCEEDED, 'the heartbeat was missed'],
  inactivity: [Code.DEADLINE_EXCEEDED, 'nothing was received for too long'],
  max_clients_reached: [Code.RESOURCE_EXHAUSTED, 'this gateway has no room for another client'],
  slow_consumer: [Code.RESOURCE_EXHAUSTED, 'the reader did not keep up'],
  never_attached: [Code.UNAVAILABLE, 'the session was never attached'],
  refused: [Code.ABORTED, 'the other side refused'],
  room_lost: [Code.UNAVAILABLE, 'the room is gone'],
  stopped: [Code.ABORTED, 'it was stopped'],
  source_failed: [Code.UNAVAILABLE, "the camera's source has failed"],
  superseded: [Code.ABORTED, 'a newer connect of the same client took over'],
  transport_lost: [Code.UNAVAILABLE, 'the connection was lost'],
};

/** Reasons whose public name is another one: CONTRACT's word for a drain is `draining`, as in a refusal. */
const PUBLIC_NAME: Readonly<Record<string, string>> = { drain: 'draining' };

/** The status that refuses a call with what the gateway threw. What is no `GatewayError` is a fault of ours. */
export function statusOfError(thrown: unknown): GrpcStatus {
  if (!(thrown instanceof GatewayError)) return fault();
  const retryAfterMs = thrown.retryAfterMs ?? (thrown.code === 'draining' ? DRAIN_RETRY_MS : undefined);
  // A message that is shown on its own, on a page or in a log, may begin with its code already.
  const { code, message } = thrown;
  const sentence = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
  return makeStatus(CODE_OF_ERROR[code], code, sentence, retryAfterMs);
}

/** The status with which a stream that ended for `reason` ends for its peer. */
export function statusOfReason(reason: ExitReason): GrpcStatus {
  if (reason === 'normal') return makeStatus(Code.OK, '', '');
  if (reason instanceof Error) return statusOfError(reason);
  if (typeof reason === 'object') return statusOfShutdown(reason.shutdown);
  if (reason === 'shutdown') return makeStatus(Code.UNAVAILABLE, 'shutdown', 'the gateway stopped this stream');
  // Killed, or lost with what it depended on: nothing is wrong with the call, it may be made again.
  return makeStatus(Code.UNAVAILABLE, reason === 'kill' ? 'killed' : reason, 'the stream was taken down');
}

/** How a call that was not answered ends for its caller. What the provider says in its own words is ABORTED. */
export function statusOfFailure({ code, message, own }: Extract<CallOutcome, { type: 'failed' }>): GrpcStatus {
  if (own) return makeStatus(Code.ABORTED, code, message);
  return makeStatus(CODE_OF_FAILURE[code] ?? Code.UNAVAILABLE, code, message);
}

const CODE_OF_FAILURE: Readonly<Record<string, Code>> = {
  not_found: Code.NOT_FOUND,
  timeout: Code.DEADLINE_EXCEEDED,
  provider_down: Code.UNAVAILABLE,
  max_calls_reached: Code.RESOURCE_EXHAUSTED,
};

function statusOfShutdown(detail: unknown): GrpcStatus {
  if (detail instanceof Error) return statusOfError(detail);
  if (typeof detail !== 'string') return makeStatus(Code.UNAVAILABLE, 'shutdown', 'the gateway stopped this stream');
  const known = Object.hasOwn(STATUS_OF_SHUTDOWN, detail) ? STATUS_OF_SHUTDOWN[detail as ShutdownDetail] : undefined;
  if (!known) return makeStatus(Code.UNAVAILABLE, detail, 'the gateway stopped this stream');
  const [code, sentence] = known;
  return makeStatus(code, PUBLIC_NAME[detail] ?? detail, sentence, detail === 'drain' ? DRAIN_RETRY_MS : undefined);
}

/** The peer learns that it was not its fault, and no more: the message of an unexpected error may hold anything. */
function fault(): GrpcStatus {
  return makeStatus(Code.INTERNAL, 'internal', 'the gateway failed; its log says why');
}

function makeStatus(code: Code, reason: string, sentence: string, retryAfterMs?: number): GrpcStatus {
  const metadata = new Metadata();
  if (retryAfterMs !== undefined) metadata.set(PUSHBACK_HEADER, String(Math.ceil(retryAfterMs)));
  if (code === Code.OK) return { code, details: 'OK', metadata };
  return { code, details: fitForHeader(`${reason}: ${sentence}`), metadata };
}

/** Cut to size, and without half a surrogate pair at the cut: grpc-js throws where such a header is encoded. */
function fitForHeader(details: string): string {
  return Buffer.from(details.slice(0, DETAILS_CHARACTERS_MAX)).toString();
}
