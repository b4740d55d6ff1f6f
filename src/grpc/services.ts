/**
 * The services as grpc-js wants them: path, kind and codec of each method. Control messages go through the generated
 * code. Frames, and what is said on a control stream, are encoded before they come here, once for all who get them, and
 * their bytes are handed through.
 */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import type { MethodDefinition } from '@grpc/grpc-js';
import type { Frame } from '../gateway/frame.js';
import { decodeFrame, FRAMING_BYTES, type FrameContent } from './frame-codec.js';
import { Camera } from './gen/sluice/v1/camera_pb.js';
import {
  CallReplySchema,
  CallRequestSchema,
  ClientMessageSchema,
  Gateway,
  PublishSummarySchema,
  ServerMessageSchema,
  WatchRequestSchema,
} from './gen/sluice/v1/gateway_pb.js';

export const gatewayService = {
  connect: {
    path: `/${Gateway.typeName}/Connect`,
    requestStream: true,
    responseStream: true,
    ...requestCodec(ClientMessageSchema),
    ...encodedResponse(ServerMessageSchema),
  },
  watch: {
    path: `/${Gateway.typeName}/Watch`,
    requestStream: false,
    responseStream: true,
    ...requestCodec(WatchRequestSchema),
    ...frameResponse(),
  },
  /** One answer for its callers; served as a stream of one. What is sent is a frame's message. */
  publish: {
    path: `/${Gateway.typeName}/Publish`,
    requestStream: true,
    responseStream: true,
    requestSerialize: (message: Buffer): Buffer => message.subarray(FRAMING_BYTES),
    requestDeserialize: readFrame,
    ...responseCodec(PublishSummarySchema),
  },
  /** Unary for its callers; served as a stream of one. */
  call: {
    path: `/${Gateway.typeName}/Call`,
    requestStream: false,
    responseStream: true,
    ...requestCodec(CallRequestSchema),
    ...responseCodec(CallReplySchema),
  },
} as const;

export const cameraService = {
  produceCameraStream: {
    path: `/${Camera.typeName}/ProduceCameraStream`,
    requestStream: false,
    responseStream: true,
    ...requestCodec(EmptySchema),
    ...frameResponse(),
  },
} as const;

/** The one message of a call that asks for nothing. */
export const EMPTY = create(EmptySchema);

type RequestCodec<T> = Pick<MethodDefinition<T, never>, 'requestSerialize' | 'requestDeserialize'>;

export function requestCodec<Desc extends DescMessage>(schema: Desc): RequestCodec<MessageShape<Desc>> {
  const { serialize, deserialize } = codec(schema);
  return { requestSerialize: serialize, requestDeserialize: deserialize };
}

export function responseCodec<Desc extends DescMessage>(schema: Desc) {
  const { serialize, deserialize } = codec(schema);
  return { responseSerialize: serialize, responseDeserialize: deserialize };
}

function encodedResponse<Desc extends DescMessage>(schema: Desc) {
  return { responseSerialize: (message: Buffer): Buffer => message, responseDeserialize: codec(schema).deserialize };
}

function codec<Desc extends DescMessage>(schema: Desc) {
  return {
    serialize: (message: MessageShape<Desc>): Buffer => {
      const bytes = toBinary(schema, message);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    deserialize: (bytes: Buffer): MessageShape<Desc> => fromBinary(schema, bytes),
  };
}

/** What cannot be read comes as the error that says why: grpc-js would call it a fault of ours. */
function readFrame(body: Buffer): FrameContent | Error {
  try {
    return decodeFrame(body);
  } catch (thrown) {
    return thrown as Error;
  }
}

/** grpc-js adds its own framing, so ours stays behind. */
function frameResponse() {
  return {
    responseSerialize: (frame: Frame): Buffer => frame.message.subarray(FRAMING_BYTES),
    responseDeserialize: (body: Buffer): FrameContent => decodeFrame(body),
  };
}
