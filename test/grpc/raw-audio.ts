/** A client of the audio bridge made of nothing but grpc-js and the generated code, as a stranger's would be. */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  Client,
  type ClientDuplexStream,
  status as Code,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  type StatusObject,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import type { AudioContent } from '../../src/grpc/audio-codec.js';
import { audioService, type ReceivedAudio } from '../../src/grpc/audio-service.js';
import {
  type AudioChunk,
  AudioChunkSchema,
  GetStatusRequestSchema,
  GetStatusResponseSchema,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  JoinRoomRequestSchema,
  JoinRoomResponseSchema,
  LeaveRoomRequestSchema,
  LeaveRoomResponseSchema,
  type PlayAudioEvent,
  PlayAudioEventSchema,
  PlayAudioRequestSchema,
  StopAudioRequestSchema,
  StopAudioResponseSchema,
} from '../../src/grpc/gen/sluice/v1/audio_pb.js';

type Init<S extends DescMessage> = MessageInitShape<S>;

const serializer =
  <S extends DescMessage>(schema: S) =>
  (message: MessageShape<S>): Buffer =>
    Buffer.from(toBinary(schema, message));
const deserializer =
  <S extends DescMessage>(schema: S) =>
  (bytes: Buffer): MessageShape<S> =>
    fromBinary(schema, bytes);
const pathOf = (method: string): string => `/sluice.v1.AudioBridge/${method}`;

export class RawAudio {
  readonly #client: Client;

  constructor(address: string) {
    // A connection of its own, as another process would have.
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    onTestFinished(() => this.#client.close());
  }

  join(request: Init<typeof JoinRoomRequestSchema>) {
    return this.#ask('JoinRoom', JoinRoomRequestSchema, JoinRoomResponseSchema, request);
  }

  leave(request: Init<typeof LeaveRoomRequestSchema>) {
    return this.#ask('LeaveRoom', LeaveRoomRequestSchema, LeaveRoomResponseSchema, request);
  }

  stop(request: Init<typeof StopAudioRequestSchema>) {
    return this.#ask('StopAudio', StopAudioRequestSchema, StopAudioResponseSchema, request);
  }

  health(service = '') {
    return this.#ask('HealthCheck', HealthCheckRequestSchema, HealthCheckResponseSchema, { service });
  }

  status(userId: string) {
    return this.#ask('GetStatus', GetStatusRequestSchema, GetStatusResponseSchema, { userId });
  }

  stream(): RawStream {
    return new RawStream(
      this.#client.makeBidiStreamRequest(
        pathOf('StreamAudio'),
        serializer(AudioChunkSchema),
        deserializer(AudioChunkSchema),
      ),
    );
  }

  play(request: Init<typeof PlayAudioRequestSchema>) {
    const events: PlayAudioEvent[] = [];
    const call = this.#client.makeServerStreamRequest(
      pathOf('PlayAudio'),
      serializer(PlayAudioRequestSchema),
      deserializer(PlayAudioEventSchema),
      create(PlayAudioRequestSchema, request),
    );
    call.on('data', (event: PlayAudioEvent) => events.push(event));
    call.on('error', () => {});
    const status = new Promise<StatusObject>((resolve) => call.on('status', resolve));
    return { events, status, cancel: () => call.cancel() };
  }

  #ask<I extends DescMessage, O extends DescMessage>(
    method: string,
    request: I,
    response: O,
    init: Init<I>,
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        pathOf(method),
        serializer(request),
        deserializer(response),
        create(request, init),
        (error, answer) => (answer ? resolve(answer) : reject(error)),
      );
    });
  }
}

export class RawStream {
  readonly chunks: AudioChunk[] = [];
  readonly status: Promise<StatusObject>;
  /** The gateway has let it in. */
  readonly opened: Promise<void>;
  readonly #call: ClientDuplexStream<AudioChunk, AudioChunk>;
  #wake: () => void = () => {};

  constructor(call: ClientDuplexStream<AudioChunk, AudioChunk>) {
    this.#call = call;
    call.on('data', (chunk: AudioChunk) => {
      this.chunks.push(chunk);
      this.#wake();
    });
    call.on('error', () => {});
    this.opened = new Promise((resolve) => call.on('metadata', () => resolve()));
    this.status = new Promise((resolve) => call.on('status', resolve));
  }

  say(init: Init<typeof AudioChunkSchema>): void {
    this.#call.write(create(AudioChunkSchema, { sampleRate: 16_000, channels: 1, ...init }));
  }

  /** Resolves when so many have come that are no heartbeats. */
  async hears(count: number): Promise<readonly AudioChunk[]> {
    const spoken = () => this.chunks.filter(({ pcmData }) => pcmData.length > 0);
    while (spoken().length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return spoken();
  }

  halfClose(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }

  pause(): void {
    this.#call.pause();
  }
}

/** A bridge that lets everybody in, says nothing but that, and writes down what it is told. */
export async function recordingBridge() {
  const chunks: AudioContent[] = [];
  const streams: ServerDuplexStream<ReceivedAudio, never>[] = [];
  const server = new Server();
  server.addService(
    audioService as unknown as ServiceDefinition,
    {
      joinRoom: (_call: unknown, answer: (error: null, value: unknown) => void) =>
        answer(null, create(JoinRoomResponseSchema, { success: true, participantId: 'p1', participantCount: 1 })),
      streamAudio: (call: ServerDuplexStream<ReceivedAudio, never>) => {
        streams.push(call);
        call.sendMetadata(new Metadata());
        call.on('data', (chunk: ReceivedAudio) => chunks.push(chunk as AudioContent));
      },
    } as unknown as UntypedServiceImplementation,
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  onTestFinished(() => server.forceShutdown());
  return {
    address: `127.0.0.1:${port}`,
    chunks,
    breakStream: () => streams.at(-1)?.emit('error', { code: Code.UNAVAILABLE, details: 'gone' }),
  };
}
