/**
 * Writes messages that hold gRPC's framing already to one server call. grpc-js would copy each of them into a buffer of its
 * own, for each reader anew, and write one per turn; so they go to the HTTP/2 stream of the call as they are. Where the stream
 * cannot be had, or grpc-js has to decide about a message (one that is too large), the public API takes it: the bytes on the
 * wire are the same.
 *
 * There is one write at a time, of one message or of several, and `done` means that the peer's window and the socket have
 * taken it. That is the backpressure: whoever waits for `done` never has more than one write here.
 */
import { Metadata } from '@grpc/grpc-js';
import { type DirectStream, directStream, wantsPublicApi } from './grpc-js-internals.js';
import { FRAMING_BYTES } from './wire-format.js';

export type Done = (error?: Error | null) => void;

export interface MessageWriter<T> {
  /** `done` is called once, later: without an error when the wire has taken the message, with one when the call is over. */
  write(message: T, done: Done): void;
  /** The same for several, as one write. */
  writeAll(messages: readonly T[], done: Done): void;
}

/** What is needed of grpc-js's server calls. */
export interface WritableCall<T> {
  readonly cancelled: boolean;
  sendMetadata(metadata: Metadata): void;
  write(message: T, done: Done): unknown;
  once(event: 'cancelled', listener: () => void): unknown;
}

/** @param framedOf the bytes of a message with gRPC's framing; the serializer of the method gives them without. */
export function messageWriter<T>(call: WritableCall<T>, framedOf: (message: T) => Buffer): MessageWriter<T> {
  const direct = wantsPublicApi() ? undefined : directStream(call);
  return direct ? new DirectWriter(call, direct, framedOf) : new PublicWriter(call);
}

class PublicWriter<T> implements MessageWriter<T> {
  readonly #call: WritableCall<T>;
  #done: Done | undefined;
  #over: boolean;

  constructor(call: WritableCall<T>) {
    this.#call = call;
    this.#over = call.cancelled;
    // Of a write that a cancel overtakes, neither grpc-js nor HTTP/2 always calls back.
    call.once('cancelled', () => {
      this.#over = true;
      this.settle(new Error('the call is over'));
    });
  }

  write(message: T, done: Done): void {
    if (this.begin(done)) this.writePublicly(message);
  }

  writeAll(messages: readonly T[], done: Done): void {
    if (!this.begin(done)) return;
    const last = messages.length - 1;
    for (const [at, message] of messages.entries()) this.writePublicly(message, at === last);
  }

  protected begin(done: Done): boolean {
    this.#done = done;
    if (!this.#over) return true;
    process.nextTick(() => this.settle(new Error('the call is over')));
    return false;
  }

  protected writePublicly(message: T, last = true): void {
    this.#call.write(message, last ? this.written : NOBODY);
  }

  protected settle(error?: Error): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }

  /** A failed write is the end of the stream, and `cancelled` follows: that settles it, so that its reason is told first. */
  protected readonly written: Done = (error) => {
    if (!error) this.settle();
  };
}

const NOBODY: Done = () => {};

class DirectWriter<T> extends PublicWriter<T> {
  readonly #call: WritableCall<T>;
  readonly #stream: DirectStream['stream'];
  /** Framing included. */
  readonly #sendBytesMax: number;
  readonly #framedOf: (message: T) => Buffer;
  readonly #messageSent: DirectStream['messageSent'];
  /** The headers are out. */
  #begun = false;

  constructor(call: WritableCall<T>, direct: DirectStream, framedOf: (message: T) => Buffer) {
    super(call);
    this.#call = call;
    this.#stream = direct.stream;
    this.#sendBytesMax = direct.sendBytesMax === -1 ? Number.POSITIVE_INFINITY : direct.sendBytesMax + FRAMING_BYTES;
    this.#framedOf = framedOf;
    this.#messageSent = direct.messageSent;
  }

  override write(message: T, done: Done): void {
    if (!this.begin(done)) return;
    const bytes = this.#framedOf(message);
    if (!this.#takes(bytes)) this.writePublicly(message);
    else if (this.#open) this.#send(bytes, this.written);
  }

  override writeAll(messages: readonly T[], done: Done): void {
    const framed = messages.map(this.#framedOf);
    if (!framed.every((bytes) => this.#takes(bytes))) {
      super.writeAll(messages, done);
      return;
    }
    if (!this.begin(done) || !this.#open) return;
    const stream = this.#stream;
    const last = framed.length - 1;
    // Corked, they are one write of many buffers, and as much of one frame of HTTP/2 as it holds.
    stream.cork();
    for (const [at, bytes] of framed.entries()) this.#send(bytes, at === last ? this.written : NOBODY);
    stream.uncork();
  }

  /** True when the message may go past grpc-js: it is small enough, and the headers are out. */
  #takes(bytes: Buffer): boolean {
    this.#begun ||= this.#begin();
    return this.#begun && bytes.length <= this.#sendBytesMax;
  }

  /** Sends the headers. An interceptor may hold them back; what is written publicly then waits for them. */
  #begin(): boolean {
    const stream = this.#stream;
    if (!stream.headersSent) this.#call.sendMetadata(new Metadata());
    return stream.headersSent;
  }

  /** False once the status is on its way, a passed deadline's for example; the end of the call settles what is written then. */
  get #open(): boolean {
    return this.#stream.writable && !this.#stream.closed;
  }

  #send(bytes: Buffer, done: Done): void {
    this.#stream.write(bytes, done);
    this.#messageSent?.();
  }
}
