/**
 * A client of another gateway, or of this one from outside: `sluice watch`, the tests, and later the camera driver that
 * reads another gateway's streams. Every stream takes its listener at the start: grpc-js buffers without a limit what
 * comes before somebody reads.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Client,
  type ClientReadableStream,
  status as Code,
  Metadata,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { HOPS_HEADER } from './call.js';
import { credentialsOf, type TlsClientOptions } from './channel.js';
import { encodeFrame, type FrameContent } from './frame-codec.js';
import {
  CallRequestSchema,
  type ClientMessage,
  ClientMessageSchema,
  type PublishSummary,
  type ServerMessage,
  WatchRequestSchema,
} from './gen/sluice/v1/gateway_pb.js';
import { CAMERA_ID_HEADER } from './produce-camera-stream.js';
import { cameraService, EMPTY, gatewayService } from './services.js';
import { NODE_ID_HEADER } from './watch.js';

export interface StreamListener<Message> {
  /** The server has taken the call. */
  opened?(): void;
  message(message: Message): void;
  /** The call is over; always called, once, also after `cancel`. */
  ended(status: StatusObject): void;
}

export interface IncomingStream {
  /** Stops reading: what comes waits at the server, where its queue decides. */
  pause(): void;
  resume(): void;
  cancel(): void;
}

export interface ControlStream extends IncomingStream {
  send(message: NonNullable<MessageInitShape<typeof ClientMessageSchema>['message']>): void;
  halfClose(): void;
}

/** Where frames are published. `seq` and the camera's own rate are the gateway's business. */
export interface FrameSink extends IncomingStream {
  /** `done` comes when the connection has taken it: who waits for it never has more than one frame here. */
  send(frame: Partial<FrameContent>, done?: (error?: Error | null) => void): void;
  halfClose(): void;
}

export interface CallOptions {
  /** The client this call belongs to (metadata `x-node-id`). */
  readonly nodeId?: string | undefined;
  readonly deadlineMs?: number;
}

export interface GatewayClientOptions {
  /** A bearer token. It goes over the wire as it is: without TLS only to a gateway on this machine. */
  readonly token?: string | undefined;
  /** PEM texts. `true`: TLS with the machine's own roots. Default: no TLS. */
  readonly tls?: TlsClientOptions | undefined;
  /** How long a call may wait for the server's first answer: grpc-js waits for ever on one that takes TCP and is mute. */
  readonly openTimeoutMs?: number;
  /** HTTP/2's receive window per stream. Node's own 64 KiB are 1 MB/s over a round trip of 40 ms. */
  readonly windowBytes?: number;
  readonly maxMessageBytes?: number;
}

export interface GatewayClient {
  connect(listener: StreamListener<ServerMessage>): ControlStream;
  watch(
    request: MessageInitShape<typeof WatchRequestSchema>,
    listener: StreamListener<FrameContent>,
    options?: CallOptions,
  ): IncomingStream;
  produceCameraStream(
    cameraId: string | undefined,
    listener: StreamListener<FrameContent>,
    options?: CallOptions,
  ): IncomingStream;
  /** Publishes frames; the first names the camera. The summary comes as the one message, after `halfClose`. */
  publish(listener: StreamListener<PublishSummary>, options?: CallOptions): FrameSink;
  /** One question to whoever registered the procedure. Rejects with a `ServiceError` that carries the status. */
  call(
    request: MessageInitShape<typeof CallRequestSchema>,
    options?: CallOptions & { readonly signal?: AbortSignal; readonly hops?: number },
  ): Promise<Uint8Array>;
  /** Ends every call of this client and gives the connection back. */
  close(): void;
}

const OPEN_TIMEOUT_MS = 10_000;
const WINDOW_BYTES = 1024 * 1024;

/** @param address `host:port` */
export function createGatewayClient(address: string, options: GatewayClientOptions = {}): GatewayClient {
  const client = new Client(address, credentialsOf(options), {
    'grpc-node.flow_control_window': options.windowBytes ?? WINDOW_BYTES,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.max_receive_message_length': options.maxMessageBytes ?? -1,
    // A stream is not something to be repeated behind its reader's back.
    'grpc.enable_retries': 0,
    // Two clients are two connections, also within one process.
    'grpc.use_local_subchannel_pool': 1,
  });
  const open = new Set<IncomingStream>();

  const metadataOf = ({ nodeId }: CallOptions): Metadata => {
    const metadata = new Metadata();
    if (nodeId) metadata.set(NODE_ID_HEADER, nodeId);
    if (options.token) metadata.set('authorization', `Bearer ${options.token}`);
    return metadata;
  };
  const follow = <Message>(call: ClientReadableStream<Message>, listener: StreamListener<Message>): IncomingStream => {
    const stream = followCall(call, listener, options.openTimeoutMs ?? OPEN_TIMEOUT_MS);
    open.add(stream);
    call.on('status', () => open.delete(stream));
    return stream;
  };

  return {
    connect(listener) {
      const { path, requestSerialize, responseDeserialize } = gatewayService.connect;
      const call = client.makeBidiStreamRequest<ClientMessage, ServerMessage>(
        path,
        requestSerialize,
        responseDeserialize,
        metadataOf({}),
      );
      return {
        ...follow(call, listener),
        send: (message) => void call.write(create(ClientMessageSchema, { message })),
        halfClose: () => void call.end(),
      };
    },
    watch(request, listener, callOptions = {}) {
      const { path, requestSerialize, responseDeserialize } = gatewayService.watch;
      const message = create(WatchRequestSchema, request);
      const metadata = metadataOf(callOptions);
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        metadata,
        deadlineOf(callOptions),
      );
      return follow(call, listener);
    },
    produceCameraStream(cameraId, listener, callOptions = {}) {
      const { path, requestSerialize, responseDeserialize } = cameraService.produceCameraStream;
      const metadata = metadataOf(callOptions);
      if (cameraId) metadata.set(CAMERA_ID_HEADER, cameraId);
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        EMPTY,
        metadata,
        deadlineOf(callOptions),
      );
      return follow(call, listener);
    },
    publish(listener, callOptions = {}) {
      const { path, requestSerialize, responseDeserialize } = gatewayService.publish;
      const call = client.makeBidiStreamRequest<Buffer, PublishSummary>(
        path,
        requestSerialize,
        responseDeserialize,
        metadataOf(callOptions),
        deadlineOf(callOptions),
      );
      return {
        ...follow(call, listener),
        send: (frame, done) => void call.write(encodeFrame({ ...BLANK, ...frame }), done),
        halfClose: () => void call.end(),
      };
    },
    call(request, callOptions = {}) {
      const { path, requestSerialize, responseDeserialize } = gatewayService.call;
      const metadata = metadataOf(callOptions);
      if (callOptions.hops) metadata.set(HOPS_HEADER, String(callOptions.hops));
      return new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(CallRequestSchema, request),
          metadata,
          deadlineOf(callOptions),
          (error, reply) => (reply ? resolve(reply.payload) : reject(error)),
        );
        const cancel = (): void => call.cancel();
        callOptions.signal?.addEventListener('abort', cancel, { once: true });
        const asked: IncomingStream = { pause: () => {}, resume: () => {}, cancel };
        open.add(asked);
        call.on('status', () => {
          open.delete(asked);
          callOptions.signal?.removeEventListener('abort', cancel);
        });
      });
    },
    close() {
      // grpc-js leaves open calls of a closed client running.
      for (const stream of open) stream.cancel();
      client.close();
    },
  };
}

function followCall<Message>(
  call: ClientReadableStream<Message>,
  listener: StreamListener<Message>,
  openTimeoutMs: number,
): IncomingStream {
  let unanswered = false;
  const openTimer = setTimeout(() => {
    unanswered = true;
    call.cancel();
  }, openTimeoutMs);
  call.on('data', (message: Message) => listener.message(message));
  call.on('metadata', () => {
    clearTimeout(openTimer);
    listener.opened?.();
  });
  // Every end comes as a status too, and that is where it is told.
  call.on('error', (_error: ServiceError) => {});
  call.on('status', (status) => {
    clearTimeout(openTimer);
    const details = `the server did not answer within ${openTimeoutMs} ms`;
    listener.ended(unanswered ? { ...status, code: Code.DEADLINE_EXCEEDED, details } : status);
  });
  return {
    pause: () => void call.pause(),
    resume: () => void call.resume(),
    cancel: () => call.cancel(),
  };
}

/** A frame of which nothing is said. */
const BLANK: FrameContent = {
  cameraId: '',
  seq: 0,
  timestampMs: 0,
  contentType: '',
  key: false,
  picture: Buffer.alloc(0),
};

function deadlineOf({ deadlineMs }: CallOptions): { deadline?: number } {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}
