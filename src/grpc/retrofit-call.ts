/**
 * One call of somebody else's service as a supervised stream: the chart of `machines/stream.ts` over a grpc-js server call. The
 * handler is given the call that it knows. What it does with it goes through here: its writes through a bounded queue, its
 * end, its errors and its throws to the chart, which decides once how the call ends. After that end whatever the handler
 * still does has no effect, and its signal is aborted.
 */
import { type Duplex, Readable } from 'node:stream';
import type { sendUnaryData } from '@grpc/grpc-js';
import { Outbox } from '../flow/outbox.js';
import { StreamBody, sentBy, type Traffic } from '../gateway/stream.js';
import { atWork } from '../otp/crash-barrier.js';
import { describeReason, type ExitReason } from '../otp/exit-reason.js';
import type { Process } from '../otp/process.js';
import { closeEnded, resetCall } from './inner-stream.js';
import type { RetrofitLimits } from './retrofit.js';
import type { StreamingCall } from './served-call.js';
import { statusOfReason } from './status.js';

/** A server call of any of grpc-js's four kinds. */
export type AnyServerCall = StreamingCall & Partial<Pick<Duplex, 'write' | 'destroy' | 'push' | 'readableEnded'>>;

export interface RetrofitCallParts {
  readonly call: AnyServerCall;
  /** There where the answer is one message. */
  readonly callback: sendUnaryData<unknown> | undefined;
  readonly limits: RetrofitLimits;
  readonly path: string;
  readonly onEnd: (
    reason: ExitReason,
    figures: { readonly sent: number; readonly received: number; readonly drops: number },
  ) => void;
}

interface Waiting {
  readonly message: unknown;
  readonly written: (() => void) | undefined;
}

type Emit = (event: string | symbol, ...args: unknown[]) => boolean;
type Write = (message: unknown, done: (error?: Error | null) => void) => boolean;

/** How long the last message and the status may wait for a peer that does not read. Then the stream is reset. */
const FLUSH_MS = 2_000;

export class RetrofitCall extends StreamBody {
  readonly kind = 'retrofit';
  readonly nodeId = '';
  readonly path: string;
  /** Aborted at the end, whatever it was. */
  readonly controller = new AbortController();
  received = 0;
  /** Its answer is a stream, which may be long. */
  readonly streams: boolean;
  readonly #parts: RetrofitCallParts;
  readonly #outbox: Outbox<Waiting>;
  readonly #emit: Emit;
  /** What the handler has said at its end; the peer is told when all that was written before is out. */
  #answer: (() => void) | undefined;
  #over = false;
  #heardAtMs = 0;

  constructor(parts: RetrofitCallParts) {
    super();
    this.#parts = parts;
    this.path = parts.path;
    this.streams = parts.callback === undefined;
    const { call, limits } = parts;
    this.#emit = call.emit.bind(call);
    const write = call.write?.bind(call) as Write | undefined;
    this.#outbox = new Outbox<Waiting>({
      policy: limits.overflow,
      framesMax: limits.queueMessages,
      bytesMax: limits.queueBytes,
      sizeOf: ({ message }) => limits.sizeOf(message),
      write: ({ message, written }, done) => {
        write?.(message, (error) => {
          done(error);
          if (!error) written?.();
        });
      },
      onEdge: (edge) => {
        this.onEdge(edge);
        if (edge.type === 'drained') call.emit('drain');
      },
    });
  }

  override attach(process: Process): void {
    super.attach(process);
    this.#heardAtMs = process.system.clock.now();
  }

  /** Gives the call to its handler. What it throws, now or later, is the crash of this actor. */
  begin(run: () => unknown): void {
    if (!this.alive) return;
    const { call } = this.#parts;
    call.on('cancelled', () => this.#closedByPeer());
    this.#takeOver();
    this.#watchSilence();
    this.send({ type: 'stream.opened' });
    if (call.cancelled) this.#closedByPeer();
    else this.#guard(() => void Promise.resolve(run()).catch((thrown: unknown) => this.process.crash(thrown)));
  }

  /** What the handler of a call with one answer calls. */
  readonly answer: sendUnaryData<unknown> = (...outcome) => this.#finish(() => this.#parts.callback?.(...outcome));

  override figures() {
    const { queued, sent, drops } = this.#outbox;
    return { queued, sent, drops };
  }

  override traffic(): Traffic {
    return sentBy(this.#outbox);
  }

  protected override drain(drained: () => void): void {
    this.#outbox.whenIdle(drained);
  }

  protected override close(reason: ExitReason): void {
    this.#over = true;
    const { call, callback, onEnd } = this.#parts;
    const { sent, drops } = this.#outbox;
    this.#outbox.close();
    if (!call.cancelled) {
      const late = setTimeout(() => resetCall(call, statusOfReason(reason).code), FLUSH_MS);
      call.on('cancelled', () => clearTimeout(late));
      this.#handBack(() => {
        if (this.#answer) this.#answer();
        else {
          const status = statusOfReason(reason);
          const error = Object.assign(new Error(status.details), status);
          if (callback) callback(error);
          else this.#emit('error', error);
        }
      });
    } else closeEnded(call);
    this.controller.abort(new Error(`the call has ended: ${describeReason(reason)}`));
    onEnd(reason, { sent, drops, received: this.received });
  }

  #finish(answer: () => void): void {
    if (this.#over || this.#answer) return;
    this.#answer = answer;
    this.#outbox.whenIdle(() => this.send({ type: 'stream.ended' }));
  }

  /** The methods by which a handler and grpc-js speak to each other, with us between them. */
  #takeOver(): void {
    const { call } = this.#parts;
    const { end, destroy, push } = call;
    call.emit = (event: string | symbol, ...args: unknown[]): boolean => {
      if (event !== 'error') return this.#guard(() => this.#emit(event, ...args)) ?? false;
      this.#finish(() => this.#emit(event, ...args));
      return true;
    };
    call.end = (...args: unknown[]): void => this.#finish(() => void Reflect.apply(end, call, args));
    if (call.write) {
      call.write = (message: unknown, ...rest: unknown[]): boolean => {
        const written = rest.at(-1);
        return this.#send(message, typeof written === 'function' ? (written as () => void) : undefined);
      };
    }
    if (destroy) call.destroy = (error) => this.#destroyed(error, destroy);
    if (push && call instanceof Readable) {
      call.push = (message: unknown, ...rest) => {
        if (message !== null) this.#heard();
        return Reflect.apply(push, call, [message, ...rest]);
      };
    }
  }

  /** Lets `run` end the call by grpc-js's own methods; afterwards the handler has none. */
  #handBack(run: () => void): void {
    const { call } = this.#parts;
    const ours = { end: call.end, emit: call.emit };
    // The prototype's own come to light.
    Reflect.deleteProperty(call, 'end');
    Reflect.deleteProperty(call, 'emit');
    this.#guard(run);
    Object.assign(call, ours);
  }

  #send(message: unknown, written: (() => void) | undefined): boolean {
    if (this.#over || this.#answer) return false;
    this.#touch();
    this.#outbox.push({ message, written });
    return this.#outbox.hasRoom;
  }

  /**
   * `for await` destroys the call that it read, also when all was read; grpc-js would never send a status then. Broken off
   * before the end it is a way out; at the end it is nothing.
   */
  #destroyed(error: Error | undefined | null, destroy: NonNullable<AnyServerCall['destroy']>): Duplex {
    const { call } = this.#parts;
    if (this.#over || call.cancelled) return Reflect.apply(destroy, call, [error]);
    if (error && error.name !== 'AbortError') this.process.crash(error);
    // Later: where a throw has broken it off, the throw is the reason.
    else if (!call.readableEnded && !this.#answer) setImmediate(() => this.send({ type: 'iterator.broken' }));
    return call as unknown as Duplex;
  }

  #closedByPeer(): void {
    if (this.#over) return;
    if (Number(this.#parts.call.getDeadline()) <= Date.now()) this.deadlineExceeded();
    else this.peerCancelled();
  }

  #heard(): void {
    this.received += 1;
    this.#touch();
  }

  #touch(): void {
    this.#heardAtMs = this.process.system.clock.now();
  }

  #watchSilence(): void {
    const { inactivityMs } = this.#parts.limits;
    if (inactivityMs === 0) return;
    const { clock } = this.process.system;
    const look = (): void => {
      const leftMs = this.#heardAtMs + inactivityMs - clock.now();
      if (leftMs <= 0) this.send({ type: 'silence.detected' });
      else timer = clock.setTimeout(look, leftMs);
    };
    let timer = clock.setTimeout(look, inactivityMs);
    this.process.scope.acquire('timer', () => clock.clearTimeout(timer));
  }

  #guard<T>(run: () => T): T | undefined {
    try {
      return atWork.run(this.process, run);
    } catch (thrown) {
      this.process.crash(thrown);
      return undefined;
    }
  }
}
