/**
 * `sluice.v1.AudioBridge` over the gateway's rooms. Join, leave and stop fail in band, as the bridges that exist expect it:
 * status OK, `success` false, and an error that begins with the stable reason. Everything else is refused with a status.
 */
import { create } from '@bufbuild/protobuf';
import type { handleServerStreamingCall, handleUnaryCall, ServiceError } from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { PlayEvent, PlayWire } from '../gateway/room-transport.js';
import { AUDIO_SERVICE } from './audio-service.js';
import { serveStreamAudio } from './audio-stream.js';
import {
  type GetStatusRequest,
  type GetStatusResponse,
  GetStatusResponseSchema,
  HealthCheckResponse_ServingStatus as Health,
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  type JoinRoomRequest,
  type JoinRoomResponse,
  JoinRoomResponseSchema,
  type LeaveRoomRequest,
  type LeaveRoomResponse,
  LeaveRoomResponseSchema,
  type PlayAudioEvent,
  PlayAudioEventSchema,
  type PlayAudioRequest,
  PlayAudioEvent_EventType as PlayType,
  type StopAudioRequest,
  type StopAudioResponse,
  StopAudioResponseSchema,
} from './gen/sluice/v1/audio_pb.js';
import { type GrpcLog, ServedCall } from './served-call.js';
import { type GrpcStatus, statusOfError, statusOfReason } from './status.js';
import { VERSION } from './version.js';

/** The handlers of `audioService`. */
export function audioHandlers(gateway: Gateway, log: GrpcLog) {
  const { audio } = gateway;
  return {
    streamAudio: serveStreamAudio(gateway, log),
    playAudio: servePlayAudio(gateway, log),
    joinRoom: answering<JoinRoomRequest, JoinRoomResponse>(
      log,
      async (request) => {
        const { userId, roomName, token, roomUrl, targetIdentity } = request;
        const joined = await audio.join({ userId, roomName, token, roomUrl, targetIdentity });
        const { participantId, participants, room, backend } = joined;
        const metadata = { room, backend, version: VERSION };
        return create(JoinRoomResponseSchema, {
          success: true,
          participantId,
          participantCount: participants,
          metadata,
        });
      },
      (error) => create(JoinRoomResponseSchema, { error }),
    ),
    leaveRoom: answering<LeaveRoomRequest, LeaveRoomResponse>(
      log,
      async ({ userId, reason }) => {
        await audio.leave(userId, reason);
        return create(LeaveRoomResponseSchema, { success: true });
      },
      (error) => create(LeaveRoomResponseSchema, { error }),
    ),
    stopAudio: answering<StopAudioRequest, StopAudioResponse>(
      log,
      async ({ userId, requestId, trackId }) => {
        const stoppedRequestId = audio.stopPlay({ userId, requestId, trackId });
        return create(StopAudioResponseSchema, { success: true, stoppedRequestId });
      },
      (error) => create(StopAudioResponseSchema, { error }),
    ),
    healthCheck: answering<HealthCheckRequest, HealthCheckResponse>(log, async ({ service }) =>
      healthOf(gateway, service),
    ),
    getStatus: answering<GetStatusRequest, GetStatusResponse>(log, async ({ userId }) => statusOf(gateway, userId)),
  };
}

/** @param inBand how a refusal of the gateway's is said in the answer; without, it is a status. */
function answering<Request, Response>(
  log: GrpcLog,
  answer: (request: Request) => Promise<Response>,
  inBand?: (error: string) => Response,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const reply = async (): Promise<void> => {
      try {
        callback(null, await answer(call.request));
      } catch (thrown) {
        const status = statusOfError(thrown);
        if (thrown instanceof GatewayError && inBand) {
          callback(null, inBand(status.details));
          return;
        }
        if (!(thrown instanceof GatewayError)) log.error({ err: thrown }, 'a gRPC call failed');
        callback(asError(status));
      }
    };
    void reply();
  };
}

function asError(status: GrpcStatus): ServiceError {
  return Object.assign(new Error(status.details), status);
}

function healthOf({ audio }: Gateway, service: string): HealthCheckResponse {
  const { serving, sessions, streams, rooms, plays, uptimeSeconds } = audio.health();
  const known = service === '' || service === AUDIO_SERVICE;
  return create(HealthCheckResponseSchema, {
    status: !known ? Health.SERVICE_UNKNOWN : serving ? Health.SERVING : Health.NOT_SERVING,
    activeSessions: sessions,
    activeStreams: streams,
    uptimeSeconds: BigInt(Math.floor(uptimeSeconds)),
    metadata: { rooms: String(rooms), plays: String(plays), version: VERSION },
  });
}

function statusOf({ audio }: Gateway, userId: string): GetStatusResponse {
  if (userId === '') throw new GatewayError('invalid_argument', 'user_id must name a user, but was empty');
  const { joined, lastDisconnect } = audio.status(userId);
  return create(GetStatusResponseSchema, {
    connected: joined !== undefined,
    participantId: joined?.participantId ?? '',
    participantCount: joined?.participants ?? 0,
    lastDisconnectAt: BigInt(lastDisconnect?.atMs ?? 0),
    lastDisconnectReason: lastDisconnect?.reason ?? '',
    serverVersion: VERSION,
  });
}

const PLAY_TYPE: Readonly<Record<PlayEvent['type'], PlayType>> = {
  started: PlayType.STARTED,
  progress: PlayType.PROGRESS,
  completed: PlayType.COMPLETED,
  failed: PlayType.FAILED,
};

function servePlayAudio(gateway: Gateway, log: GrpcLog): handleServerStreamingCall<PlayAudioRequest, PlayAudioEvent> {
  return (call) => {
    const served = new ServedCall(call, log);
    let writing = false;
    const wire: PlayWire = {
      tell: ({ type, requestId, durationMs, positionMs, error }) => {
        // Whoever does not read how far it is needs to know only how it began and ended.
        if (served.over || (writing && type === 'progress')) return;
        writing = true;
        const event = create(PlayAudioEventSchema, {
          type: PLAY_TYPE[type],
          requestId,
          durationMs: BigInt(durationMs),
          positionMs: BigInt(positionMs),
          error,
        });
        call.write(event, () => {
          writing = false;
        });
      },
      end: (reason) => served.end(statusOfReason(reason)),
    };
    const { requestId, audioUrl: url, volume, stopOther, userId, trackId } = call.request;
    const begin = async (): Promise<void> => {
      try {
        served.attach(await gateway.audio.play({ requestId, url, volume, stopOther, userId, trackId }, wire));
      } catch (thrown) {
        served.refuseThrown(thrown);
      }
    };
    void begin();
  };
}
