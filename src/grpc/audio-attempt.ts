/**
 * One attempt to be in a room: JoinRoom, then StreamAudio, with a queue of its own. Whatever ends either call ends the
 * attempt, and nothing that waited in it is there in the next: a chunk that was not sent in time is worth nothing later.
 */
import { create } from '@bufbuild/protobuf';
import {
  type ClientDuplexStream,
  status as Code,
  type Metadata,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { Outbox } from '../flow/outbox.js';
import type { Lease } from '../gateway/lease.js';
import type { AudioContent } from '../gateway/room-transport.js';
import { type Done, SendWatch } from '../gateway/send-watch.js';
import type { UplinkAttempt, UplinkAttemptOptions, UplinkListener } from '../gateway/uplink-transport.js';
import type { Clock } from '../otp/clock.js';
import { audioService, encodeChunk, type ReceivedAudio } from './audio-service.js';
import { callOver, type GrpcChannel } from './channel.js';
import {
  type JoinRoomRequest,
  JoinRoomRequestSchema,
  type JoinRoomResponse,
  type LeaveRoomRequest,
  LeaveRoomRequestSchema,
  type LeaveRoomResponse,
} from './gen/sluice/v1/audio_pb.js';

/** Whom to be, and where. */
export interface JoinOptions {
  readonly userId: string;
  readonly room: string;
  /** For the room's backend: the embedded one needs neither. */
  readonly roomToken?: string;
  readonly roomUrl?: string;
  /** Hear this one only. */
  readonly targetIdentity?: string;
}

/** What waits to be sent. */
export interface AudioQueueOptions {
  readonly queueFrames: number;
  readonly queueBytes: number;
  readonly maxAgeMs: number;
  /** A write that hangs for so long ends the attempt. */
  readonly sendTimeoutMs: number;
}

export interface AudioAttemptParts {
  readonly join: JoinOptions;
  readonly queue: AudioQueueOptions;
  readonly clock: Clock;
  readonly metadata: () => Metadata;
  readonly onJoined: (answer: JoinRoomResponse) => void;
  readonly onChunk: (chunk: AudioContent) => void;
}

/** Refusals that the same request meets again, and the one that says that somebody else is in our place. */
const FINAL_CODES: ReadonlySet<Code> = new Set([
  Code.INVALID_ARGUMENT,
  Code.UNAUTHENTICATED,
  Code.PERMISSION_DENIED,
  Code.UNIMPLEMENTED,
]);
const FINAL_REASONS = /^(?:invalid_argument|superseded|permission_denied|unauthenticated): /;
const NOTHING = Buffer.alloc(0);
/** How long saying goodbye may take. */
const LEAVE_MS = 2_000;

type AudioCall = ClientDuplexStream<Buffer, ReceivedAudio>;

export class AudioAttempt implements UplinkAttempt {
  readonly #lease: Lease<GrpcChannel>;
  readonly #listener: UplinkListener;
  readonly #how: UplinkAttemptOptions;
  readonly #parts: AudioAttemptParts;
  #leaving = false;
  #outbox: Outbox<Buffer> | undefined;

  constructor(
    lease: Lease<GrpcChannel>,
    listener: UplinkListener,
    how: UplinkAttemptOptions,
    parts: AudioAttemptParts,
  ) {
    this.#lease = lease;
    this.#listener = listener;
    this.#how = how;
    this.#parts = parts;
    this.#join();
  }

  /** Chunks that were not sent because there was no room or they had grown too old. */
  get drops(): number {
    return this.#outbox?.drops ?? 0;
  }

  get sent(): number {
    return this.#outbox?.sent ?? 0;
  }

  get queued(): number {
    return this.#outbox?.queued ?? 0;
  }

  /** False when it cannot be sent: there is no stream, or no room. */
  say(content: Omit<AudioContent, 'userId'>): boolean {
    if (!this.#outbox) return false;
    return this.#outbox.push(encodeChunk({ ...content, userId: this.#parts.join.userId }));
  }

  /** An empty chunk, when nothing else is on its way: that says the same. */
  beat(): void {
    if (this.#outbox?.idle) this.#sayNothing();
  }

  /**
   * Leaves the room, saying why, and resolves when that has been answered or has failed. What ends with it is no failure.
   */
  leave(reason: string): Promise<void> {
    if (!this.#outbox || !this.#lease.open) return Promise.resolve();
    this.#leaving = true;
    const { path, requestSerialize, responseDeserialize } = audioService.leaveRoom;
    const request = create(LeaveRoomRequestSchema, { userId: this.#parts.join.userId, reason });
    return new Promise((resolve) => {
      callOver(this.#lease, (client) =>
        client.makeUnaryRequest<LeaveRoomRequest, LeaveRoomResponse>(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          this.#parts.metadata(),
          { deadline: Date.now() + LEAVE_MS },
          () => resolve(),
        ),
      );
    });
  }

  #sayNothing(): void {
    this.say({ trackId: 0, timestampMs: this.#parts.clock.wallMs(), pcm: NOTHING });
  }

  #join(): void {
    const { userId, room, roomToken: token = '', roomUrl = '', targetIdentity = '' } = this.#parts.join;
    const request = create(JoinRoomRequestSchema, { userId, roomName: room, token, roomUrl, targetIdentity });
    const { path, requestSerialize, responseDeserialize } = audioService.joinRoom;
    callOver(this.#lease, (client) =>
      client.makeUnaryRequest<JoinRoomRequest, JoinRoomResponse>(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#parts.metadata(),
        (error, answer) => this.#joined(error, answer),
      ),
    );
  }

  #joined(error: ServiceError | null, answer: JoinRoomResponse | undefined): void {
    if (this.#how.scope.closed) return;
    if (!answer) this.#fail(error?.code ?? Code.UNKNOWN, `JoinRoom: ${error?.details ?? 'no answer'}`);
    else if (!answer.success) {
      this.#listener.failed(new Error(`JoinRoom: ${answer.error}`), FINAL_REASONS.test(answer.error));
    } else {
      this.#parts.onJoined(answer);
      this.#open();
    }
  }

  #open(): void {
    const { path, requestDeserialize, responseSerialize } = PASS_THROUGH;
    const call = callOver(this.#lease, (client) =>
      client.makeBidiStreamRequest<Buffer, ReceivedAudio>(
        path,
        responseSerialize,
        requestDeserialize,
        this.#parts.metadata(),
      ),
    );
    this.#how.scope.acquire('audio_call', () => {
      this.#outbox?.close();
      this.#outbox = undefined;
      call.cancel();
    });
    call.on('metadata', () => this.#listener.heard());
    call.on('data', (chunk: ReceivedAudio) => this.#received(chunk));
    call.on('status', (status: StatusObject) => this.#fail(status.code, `StreamAudio: ${status.details}`));
    this.#outbox = this.#makeOutbox(call);
    this.#listener.opened();
    this.#sayNothing();
  }

  #makeOutbox(call: AudioCall): Outbox<Buffer> {
    const { queue, clock } = this.#parts;
    const { scope } = this.#how;
    const sends = new SendWatch({
      timeoutMs: queue.sendTimeoutMs,
      owner: () => ({ scope, clock }),
      onStuck: () => this.#listener.failed(new Error(`a send took more than ${queue.sendTimeoutMs} ms`)),
    });
    const write = (message: Buffer, done: Done): void => void call.write(message, sends.begin(done));
    return new Outbox<Buffer>({
      policy: 'drop_newest',
      framesMax: queue.queueFrames,
      bytesMax: queue.queueBytes,
      age: { maxAgeMs: queue.maxAgeMs, clock },
      sizeOf: (message) => message.length,
      write,
      onEdge: (edge) => {
        if (edge.type === 'failed') this.#listener.failed(edge.error);
      },
    });
  }

  #received(chunk: ReceivedAudio): void {
    if (this.#how.scope.closed) return;
    this.#listener.heard();
    if (chunk instanceof Error) this.#listener.failed(chunk);
    else if (chunk.pcm.length > 0) this.#parts.onChunk(chunk);
  }

  #fail(code: Code, message: string): void {
    if (this.#leaving) return;
    const details = message.slice(message.indexOf(': ') + 2);
    const final = FINAL_CODES.has(code) || (code === Code.ABORTED && FINAL_REASONS.test(details));
    this.#listener.failed(new Error(`${message} (${Code[code]})`), final);
  }
}

/** Messages as they were encoded, out; chunks in. */
const PASS_THROUGH = {
  path: audioService.streamAudio.path,
  responseSerialize: audioService.streamAudio.requestSerialize,
  requestDeserialize: audioService.streamAudio.responseDeserialize,
};
