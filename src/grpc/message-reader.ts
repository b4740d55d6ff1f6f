/**
 * Reads the messages of one server call. grpc-js copies each message, waits for a promise and hands it through a stream of
 * objects, stopping and starting HTTP/2 each time; for 640 bytes of sound that is most of what they cost. So they are read
 * from the HTTP/2 stream of the call, as views of what came. Where the stream cannot be had, the public API gives the same
 * messages, in the same order, under the same limit.
 *
 * How a call ends is not read here: `end`, `cancelled` and the rest come on the call, after the last message.
 */
import { status as Code, type ServerDuplexStream } from '@grpc/grpc-js';
import { type DirectInput, directInput, wantsPublicApi } from './grpc-js-internals.js';
import { FRAMING_BYTES } from './wire-format.js';

export interface MessageReader {
  /** Nothing is handed out from here on, and what the peer sends waits in HTTP/2's window, at its end. */
  pause(): void;
  /** Hands out what has come meanwhile, at once, and then what comes. */
  resume(): void;
}

/** Whoever is given the messages. An object and not two functions: for small ones, what is touched for each is what it costs. */
export interface MessageTaker<T> {
  /** One message, gRPC's framing included, to what the method's own deserializer makes of its body. It may be a view of more. */
  decode(message: Buffer): T;
  /** Never throws. */
  take(message: T): void;
}

/** Reads from now on. To be called in the handler of the call, before anything else reads it. */
export function readMessages<T>(
  call: Pick<ServerDuplexStream<T, unknown>, 'cancelled' | 'on' | 'pause' | 'resume'>,
  taker: MessageTaker<T>,
): MessageReader {
  const direct = wantsPublicApi() ? undefined : directInput(call);
  if (direct) return new DirectReader(call, direct, taker);
  call.on('data', (message: T) => taker.take(message));
  return { pause: () => void call.pause(), resume: () => void call.resume() };
}

class DirectReader<T> implements MessageReader {
  readonly #call: { readonly cancelled: boolean };
  readonly #input: DirectInput;
  readonly #taker: MessageTaker<T>;
  readonly #receiveBytesMax: number;
  readonly #messageReceived: DirectInput['messageReceived'];
  /**
   * What has come and is not handed out, in pieces; joined once a message is whole. Nothing, nearly always: a list made for
   * each chunk of sound would be half of the garbage, and of the kind that outlives its time (V8 learns that it is kept).
   */
  #rest: Buffer[] | undefined;
  #restBytes = 0;
  /** So many bytes must be there before it is worth looking. */
  #wantedBytes = FRAMING_BYTES;
  #paused = false;
  /** The peer has said its last; told once all of it is handed out, since a paused stream may end all the same. */
  #ended = false;
  #handing = false;
  #refused = false;

  constructor(call: { readonly cancelled: boolean; resume(): unknown }, input: DirectInput, taker: MessageTaker<T>) {
    this.#call = call;
    this.#input = input;
    this.#taker = taker;
    this.#receiveBytesMax = input.receiveBytesMax === -1 ? Number.POSITIVE_INFINITY : input.receiveBytesMax;
    this.#messageReceived = input.messageReceived;
    input.takeOver(
      (bytes) => this.#came(bytes),
      () => {
        this.#ended = true;
        this.#goOn();
      },
    );
    // The call itself is read too, though only its end comes there; its reading is what starts the stream.
    call.resume();
  }

  pause(): void {
    this.#paused = true;
    this.#input.stream.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#goOn();
    if (!this.#paused) this.#input.stream.resume();
  }

  #came(bytes: Buffer): void {
    if (this.#rest === undefined) {
      this.#handOut(bytes);
      return;
    }
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
    this.#goOn();
  }

  /** Hands out what waits, and then the end. */
  #goOn(): void {
    if (this.#handing) return;
    if (this.#rest && this.#restBytes >= this.#wantedBytes) {
      const bytes = this.#rest.length === 1 ? (this.#rest[0] as Buffer) : Buffer.concat(this.#rest, this.#restBytes);
      this.#rest = undefined;
      this.#handOut(bytes);
    }
    if (!this.#ended || this.#paused) return;
    this.#ended = false;
    this.#input.end();
  }

  /** Hands out the messages that are whole, and keeps what is left. Nothing else may wait. */
  #handOut(bytes: Buffer): void {
    this.#handing = true;
    let at = 0;
    // Without an end of its own a call that is over would still be handed what had come.
    while (at < bytes.length && !this.#paused && !this.#call.cancelled && !this.#refused) {
      const size = sizeAt(bytes, at);
      if (size !== undefined && this.#tooLarge(size)) break;
      const whole = FRAMING_BYTES + (size ?? 0);
      this.#wantedBytes = whole;
      if (bytes.length - at < whole) break;
      this.#wantedBytes = FRAMING_BYTES;
      at += whole;
      this.#messageReceived?.();
      // Nearly always what comes is one message.
      this.#take(whole === bytes.length ? bytes : bytes.subarray(at - whole, at));
    }
    if (at < bytes.length) {
      this.#rest = [bytes.subarray(at)];
      this.#restBytes = bytes.length - at;
    }
    this.#handing = false;
  }

  /** What cannot be decoded ends the call, as with grpc-js. */
  #take(bytes: Buffer): void {
    let message: T;
    try {
      message = this.#taker.decode(bytes);
    } catch {
      this.#refused = true;
      this.#input.refuse({ code: Code.INTERNAL, details: 'Error deserializing request' });
      return;
    }
    this.#taker.take(message);
  }

  #tooLarge(size: number): boolean {
    if (size <= this.#receiveBytesMax) return false;
    this.#refused = true;
    this.#input.refuse({
      code: Code.RESOURCE_EXHAUSTED,
      details: `Received message larger than max (${size} vs ${this.#receiveBytesMax})`,
    });
    return true;
  }
}

function sizeAt(bytes: Buffer, at: number): number | undefined {
  return bytes.length - at < FRAMING_BYTES ? undefined : bytes.readUInt32BE(at + 1);
}
