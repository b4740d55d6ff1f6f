/**
 * `sluice.v1.AudioBridge` as grpc-js wants it: path, kind and codec of each method. Chunks go through the hand codec, and
 * out as the bytes that were encoded once for all who hear them; everything else goes through the generated code.
 */
import { type AudioChunk, type AudioEncoder, CHANNELS, SAMPLE_RATE } from '../gateway/room-transport.js';
import { type AudioContent, decodeAudio, encodeAudio } from './audio-codec.js';
import {
  AudioBridge,
  GetStatusRequestSchema,
  GetStatusResponseSchema,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  JoinRoomRequestSchema,
  JoinRoomResponseSchema,
  LeaveRoomRequestSchema,
  LeaveRoomResponseSchema,
  PlayAudioEventSchema,
  PlayAudioRequestSchema,
  StopAudioRequestSchema,
  StopAudioResponseSchema,
} from './gen/sluice/v1/audio_pb.js';
import { requestCodec, responseCodec } from './services.js';
import { FRAMING_BYTES } from './wire-format.js';

/** gRPC's name of the service. */
export const AUDIO_SERVICE = AudioBridge.typeName;

/** A chunk as it came, or why it is none: grpc-js would call what a deserializer throws a fault of ours. */
export type ReceivedAudio = AudioContent | Error;

export const encodeChunk: AudioEncoder = ({ userId, trackId, timestampMs, pcm }) =>
  encodeAudio({
    pcm: Buffer.isBuffer(pcm) ? pcm : Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength),
    sampleRate: SAMPLE_RATE,
    channels: CHANNELS,
    timestampMs,
    userId,
    trackId,
  });

const pathOf = (method: string): string => `/${AUDIO_SERVICE}/${method}`;
const unary = { requestStream: false, responseStream: false } as const;

export const audioService = {
  streamAudio: {
    path: pathOf('StreamAudio'),
    requestStream: true,
    responseStream: true,
    requestSerialize: (message: Buffer): Buffer => message.subarray(FRAMING_BYTES),
    requestDeserialize: readAudio,
    responseSerialize: ({ message }: AudioChunk): Buffer => message.subarray(FRAMING_BYTES),
    responseDeserialize: readAudio,
  },
  joinRoom: {
    path: pathOf('JoinRoom'),
    ...unary,
    ...requestCodec(JoinRoomRequestSchema),
    ...responseCodec(JoinRoomResponseSchema),
  },
  leaveRoom: {
    path: pathOf('LeaveRoom'),
    ...unary,
    ...requestCodec(LeaveRoomRequestSchema),
    ...responseCodec(LeaveRoomResponseSchema),
  },
  playAudio: {
    path: pathOf('PlayAudio'),
    requestStream: false,
    responseStream: true,
    ...requestCodec(PlayAudioRequestSchema),
    ...responseCodec(PlayAudioEventSchema),
  },
  stopAudio: {
    path: pathOf('StopAudio'),
    ...unary,
    ...requestCodec(StopAudioRequestSchema),
    ...responseCodec(StopAudioResponseSchema),
  },
  healthCheck: {
    path: pathOf('HealthCheck'),
    ...unary,
    ...requestCodec(HealthCheckRequestSchema),
    ...responseCodec(HealthCheckResponseSchema),
  },
  getStatus: {
    path: pathOf('GetStatus'),
    ...unary,
    ...requestCodec(GetStatusRequestSchema),
    ...responseCodec(GetStatusResponseSchema),
  },
} as const;

function readAudio(body: Buffer): ReceivedAudio {
  return received(body, 0);
}

/** The same of a whole message, gRPC's framing included, of which a user is expected. */
export function readAudioMessage(message: Buffer, userId: string): ReceivedAudio {
  return received(message, FRAMING_BYTES, userId);
}

function received(bytes: Buffer, from: number, userId?: string): ReceivedAudio {
  try {
    return decodeAudio(bytes, from, userId);
  } catch (thrown) {
    return thrown as Error;
  }
}
