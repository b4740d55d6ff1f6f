/**
 * Gateway.Watch: somebody watches a camera. Admission, the queue and what is dropped from it are the gateway's; here a
 * request is read, and a call becomes a wire.
 */
import { type handleServerStreamingCall, Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import { isOverflowPolicy, OVERFLOW_POLICIES } from '../flow/outbox.js';
import type { Frame } from '../gateway/frame.js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { FrameWire, WatchOptions } from '../gateway/transport.js';
import { frameWriter } from './frame-writer.js';
import type { WatchRequest } from './gen/sluice/v1/gateway_pb.js';
import { type GrpcLog, ServedCall } from './served-call.js';
import { statusOfReason } from './status.js';

const SPEED_MAX = 1_000;

/** Names the client that a call outside Connect belongs to. */
export const NODE_ID_HEADER = 'x-node-id';

export function serveWatch(gateway: Gateway, log: GrpcLog): handleServerStreamingCall<WatchRequest, Frame> {
  return (call) => void serveFrames(call, () => watchOptions(call.request), gateway, log);
}

/** Serves frames on a call until one side ends it. Never rejects: a refusal ends the call with its status. */
export async function serveFrames<Request>(
  call: ServerWritableStream<Request, Frame>,
  readRequest: () => WatchOptions,
  gateway: Gateway,
  log: GrpcLog,
): Promise<void> {
  const served = new ServedCall(call, log);
  const wire: FrameWire = {
    write: frameWriter(call),
    end: (reason) => served.end(statusOfReason(reason)),
  };
  try {
    const handle = await gateway.watch(readRequest(), headerOf(call.metadata, NODE_ID_HEADER), wire);
    served.attach(handle);
    // The viewer learns that it is in, even if the first frame is long in coming.
    if (!served.over) call.sendMetadata(new Metadata());
  } catch (thrown) {
    served.refuseThrown(thrown);
  }
}

/** One header of the call as text; nothing where it is absent or empty. */
export function headerOf(metadata: Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What of the past is asked for, if any of it is. */
function playback({ fromMs, speed = 1 }: WatchRequest): Pick<WatchOptions, 'fromMs' | 'speed'> {
  if (fromMs === undefined) return {};
  if (fromMs < 0n || fromMs > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new GatewayError('invalid_argument', `from_ms must be milliseconds since 1970, but was ${fromMs}`);
  }
  if (!(speed >= 0 && speed <= SPEED_MAX)) {
    throw new GatewayError('invalid_argument', `speed must be a number from 0 to ${SPEED_MAX}, but was ${speed}`);
  }
  return { fromMs: Number(fromMs), speed };
}

function watchOptions(request: WatchRequest): WatchOptions {
  const { cameraId, maxFps, overflow } = request;
  if (cameraId === '') throw new GatewayError('invalid_argument', 'camera_id must name a camera, but was empty');
  if (!Number.isFinite(maxFps) || maxFps < 0) {
    throw new GatewayError('invalid_argument', `max_fps must be a finite number of at least 0, but was ${maxFps}`);
  }
  if (overflow !== '' && !isOverflowPolicy(overflow)) {
    const policies = OVERFLOW_POLICIES.join(', ');
    throw new GatewayError('invalid_argument', `overflow must be empty or one of ${policies}, but was "${overflow}"`);
  }
  return { cameraId, ...(maxFps > 0 && { maxFps }), ...(overflow !== '' && { overflow }), ...playback(request) };
}
