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

/**
 * Reads from now on. To be called in the handler of the call, before anything else reads it.
 * @param onMessage never throws.
 * @param decode the method's own deserializer: the bytes of one message to what it says. They may be a view of more.
 */
export function readMessages<T>(
  call: Pick<ServerDuplexStream<T, unknown>, 'cancelled' | 'on' | 'pause' | 'resume'>,
  decode: (body: Buffer) => T,
  onMessage: (message: T) => void,
): MessageReader {
  const direct = wantsPublicApi() ? undefined : directInput(call);
  if (direct) return new DirectReader(call, direct, (body) => take(body, decode, onMessage, direct.refuse));
  call.on('data', onMessage);
  return { pause: () => void call.pause(), resume: () => void call.resume() };
}

/** What cannot be decoded ends the call, as with grpc-js. */
function take<T>(
  body: Buffer,
  decode: (body: Buffer) => T,
  onMessage: (message: T) => void,
  refuse: DirectInput['refuse'],
): void {
  let message: T;
  try {
    message = decode(body);
  } catch {
    refuse({ code: Code.INTERNAL, details: 'Error deserializing request' });
    return;
  }
  onMessage(message);
}

class DirectReader implements MessageReader {
  readonly #call: { readonly cancelled: boolean };
  readonly #input: DirectInput;
  readonly #onBody: (body: Buffer) => void;
  /** What has come and is not handed out, in pieces; joined once a message is whole. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** So many bytes must be there before it is worth looking. */
  #wantedBytes = FRAMING_BYTES;
  #paused = false;
  /** The peer has said its last; told once all of it is handed out, since a paused stream may end all the same. */
  #ended = false;
  #handing = false;
  #refused = false;

  constructor(
    call: { readonly cancelled: boolean; resume(): unknown },
    input: DirectInput,
    onBody: (body: Buffer) => void,
  ) {
    this.#call = call;
    this.#input = input;
    this.#onBody = onBody;
    input.takeOver(
      (bytes) => {
        this.#pieces.push(bytes);
        this.#bytes += bytes.length;
        this.#handOut();
      },
      () => {
        this.#ended = true;
        this.#handOut();
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
    this.#handOut();
    if (!this.#paused) this.#input.stream.resume();
  }

  #handOut(): void {
    if (this.#handing) return;
    if (this.#bytes >= this.#wantedBytes) this.#handOutMessages();
    if (!this.#ended || this.#paused) return;
    this.#ended = false;
    this.#input.end();
  }

  #handOutMessages(): void {
    this.#handing = true;
    const bytes = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces, this.#bytes);
    let at = 0;
    // Without an end of its own a call that is over would still be handed what had come.
    while (!this.#paused && !this.#call.cancelled && !this.#refused) {
      const size = sizeAt(bytes, at);
      if (size !== undefined && this.#tooLarge(size)) break;
      const whole = FRAMING_BYTES + (size ?? 0);
      this.#wantedBytes = whole;
      if (bytes.length - at < whole) break;
      this.#wantedBytes = FRAMING_BYTES;
      at += whole;
      this.#input.messageReceived();
      this.#onBody(bytes.subarray(at - whole + FRAMING_BYTES, at));
    }
    this.#pieces = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#bytes = bytes.length - at;
    this.#handing = false;
  }

  #tooLarge(size: number): boolean {
    const { receiveBytesMax, refuse } = this.#input;
    if (receiveBytesMax === -1 || size <= receiveBytesMax) return false;
    this.#refused = true;
    refuse({
      code: Code.RESOURCE_EXHAUSTED,
      details: `Received message larger than max (${size} vs ${receiveBytesMax})`,
    });
    return true;
  }
}

function sizeAt(bytes: Buffer, at: number): number | undefined {
  return bytes.length - at < FRAMING_BYTES ? undefined : bytes.readUInt32BE(at + 1);
}
