/**
 * AudioBridge.StreamAudio: what one user says and hears. The first chunk names the user; the others may. Who may speak, what
 * is dropped and when silence is too long are the gateway's to say; here a chunk is read, and a call becomes a wire.
 */
import { type handleBidiStreamingCall, Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { type AudioChunk, type AudioHandle, type AudioWire, CHANNELS, SAMPLE_RATE } from '../gateway/room-transport.js';
import type { ExitReason } from '../otp/exit-reason.js';
import type { AudioContent } from './audio-codec.js';
import { type ReceivedAudio, readAudioMessage } from './audio-service.js';
import { innerStream } from './inner-stream.js';
import { type MessageReader, type MessageTaker, readMessages } from './message-reader.js';
import { type Done, type MessageWriter, messageWriter } from './message-writer.js';
import { type GrpcLog, ServedCall } from './served-call.js';
import { statusOfReason } from './status.js';

export function serveStreamAudio(gateway: Gateway, log: GrpcLog): handleBidiStreamingCall<ReceivedAudio, AudioChunk> {
  return (call) => void new AudioCall(call, gateway, log);
}

type AudioCallStream = ServerDuplexStream<ReceivedAudio, AudioChunk>;

/** One for all calls. */
const messageOf = ({ message }: AudioChunk): Buffer => message;

class AudioCall implements AudioWire, MessageTaker<ReceivedAudio> {
  readonly #call: AudioCallStream;
  readonly #gateway: Gateway;
  readonly #served: ServedCall;
  readonly #firstChunkTimer: NodeJS.Timeout;
  readonly #reader: MessageReader;
  readonly #writer: MessageWriter<AudioChunk>;
  #userId = '';
  #handle: AudioHandle | undefined;

  constructor(call: AudioCallStream, gateway: Gateway, log: GrpcLog) {
    this.#call = call;
    this.#gateway = gateway;
    // grpc-js says `cancelled` of both: a user who goes, and one whose connection was lost. Asked first, before it is told.
    const session = innerStream(call)?.session;
    call.on('cancelled', () => {
      if (session?.destroyed) this.#handle?.failed(new Error('the connection was lost'));
    });
    this.#served = new ServedCall(call, log);
    // Until it has named its user the gateway does not know this call; its silence is measured here.
    const { inactivityMs } = gateway.options.session;
    this.#firstChunkTimer = setTimeout(
      () => this.#served.end(statusOfReason({ shutdown: 'inactivity' })),
      inactivityMs,
    );
    call.on('cancelled', () => clearTimeout(this.#firstChunkTimer));
    this.#writer = messageWriter<AudioChunk>(call, messageOf);
    this.#reader = readMessages<ReceivedAudio>(call, this);
    // A cancel ends the reading side first. Only an end that no cancel follows is a half-close.
    call.on('end', () => setImmediate(() => this.#served.guard(() => this.#halfClosed())));
  }

  write(chunk: AudioChunk, done: Done): void {
    this.#writer.write(chunk, done);
  }

  writeAll(chunks: readonly AudioChunk[], done: Done): void {
    this.#writer.writeAll(chunks, done);
  }

  end(reason: ExitReason): void {
    this.#served.end(statusOfReason(reason));
  }

  decode(message: Buffer): ReceivedAudio {
    return readAudioMessage(message, this.#userId);
  }

  /** As `ServedCall.guard`, without a function made for each chunk. */
  take(chunk: ReceivedAudio): void {
    try {
      if (!this.#served.over) this.#receive(chunk);
    } catch (thrown) {
      this.#served.refuseThrown(thrown);
    }
  }

  #receive(chunk: ReceivedAudio): void {
    if (chunk instanceof Error) throw invalid(chunk.message);
    checkFormat(chunk);
    if (!this.#handle) {
      void this.#begin(chunk);
      return;
    }
    if (chunk.userId !== '' && chunk.userId !== this.#userId) {
      throw invalid(`user_id must be "${this.#userId}" or empty, but was "${chunk.userId}"`);
    }
    this.#handle.said(this.#saysAll(chunk) ? chunk : { ...chunk, message: undefined });
  }

  /** Whoever hears it needs the user and the format, which a user may leave out. */
  #saysAll({ userId, sampleRate, channels }: AudioContent): boolean {
    return userId === this.#userId && sampleRate === SAMPLE_RATE && channels === CHANNELS;
  }

  async #begin(first: AudioContent): Promise<void> {
    clearTimeout(this.#firstChunkTimer);
    this.#userId = first.userId;
    // What comes while the gateway decides waits in HTTP/2's window.
    this.#reader.pause();
    try {
      if (first.userId === '') throw noUser('was empty');
      const handle = await this.#gateway.audio.stream(first.userId, this);
      this.#handle = handle;
      handle.said(this.#saysAll(first) ? first : { ...first, message: undefined });
      this.#served.attach(handle);
      if (this.#served.over) return;
      // The user learns that it is in, even if nobody speaks for long.
      this.#call.sendMetadata(new Metadata());
      this.#reader.resume();
    } catch (thrown) {
      this.#served.refuseThrown(thrown);
    }
  }

  #halfClosed(): void {
    if (this.#served.over) return;
    if (this.#userId === '') throw noUser('did not come before the end of the stream');
    this.#served.report('peerHalfClosed');
  }
}

function checkFormat({ sampleRate, channels }: AudioContent): void {
  if (sampleRate !== SAMPLE_RATE && sampleRate !== 0) {
    throw invalid(`sample_rate must be ${SAMPLE_RATE}, but was ${sampleRate}`);
  }
  if (channels !== CHANNELS && channels !== 0) throw invalid(`channels must be ${CHANNELS}, but was ${channels}`);
}

function noUser(what: string): GatewayError {
  return invalid(`user_id of the first chunk must name the user, but ${what}`);
}

function invalid(message: string): GatewayError {
  return new GatewayError('invalid_argument', message);
}
