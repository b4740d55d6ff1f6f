/**
 * The life of one streaming call on the server, as all handlers need it: who ended it, and exactly once. grpc-js says
 * `cancelled` after every end, ours included; a call may be cancelled before the gateway has answered; and the status of a
 * call whose peer does not read never gets out. What is said on the call is not here.
 */
import type { EventEmitter } from 'node:events';
import { status as Code, type Deadline, type Metadata } from '@grpc/grpc-js';
import type { StreamHandle } from '../gateway/transport.js';
import { resetCall } from './inner-stream.js';
import { type GrpcStatus, statusOfError } from './status.js';

/** What a served call needs of grpc-js's server calls. */
export interface StreamingCall extends EventEmitter {
  readonly cancelled: boolean;
  readonly metadata: Metadata;
  getDeadline(): Deadline;
  sendMetadata(metadata: Metadata): void;
  end(): void;
}

/** The part of a pino logger that the gRPC side uses. */
export interface GrpcLog {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** How long a status may wait behind data that the peer does not take. Then the stream is reset. */
const FLUSH_MS = 2000;

type Report = 'peerCancelled' | 'peerHalfClosed' | 'deadlineExceeded';

export class ServedCall {
  readonly #call: StreamingCall;
  readonly #log: GrpcLog;
  #handle: StreamHandle | undefined;
  /** What the peer did before the gateway had answered; told as soon as it has. */
  #early: Report | undefined;
  #ended = false;
  #flushTimer: NodeJS.Timeout | undefined;

  constructor(call: StreamingCall, log: GrpcLog) {
    this.#call = call;
    this.#log = log;
    call.on('cancelled', () => this.#closed());
  }

  /** True once we ended the call or the peer did. */
  get over(): boolean {
    return this.#ended || this.#call.cancelled;
  }

  /** The gateway has taken the call: from here on it is told what the peer does. */
  attach(handle: StreamHandle): void {
    this.#handle = handle;
    if (this.#early) handle[this.#early]();
  }

  report(what: Report): void {
    if (this.#ended) return;
    if (this.#handle) this.#handle[what]();
    else this.#early ??= what;
  }

  /** Ends the call with a status, after what was written. The first end counts; never throws. */
  end(status: GrpcStatus): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#call.cancelled) return;
    this.#flushTimer = setTimeout(() => resetCall(this.#call, status.code), FLUSH_MS);
    if (status.code === Code.OK) this.#call.end();
    else this.#call.emit('error', Object.assign(new Error(status.details), status));
  }

  /** Ends the call ourselves, and tells the gateway that its stream has failed. */
  refuse(status: GrpcStatus): void {
    this.end(status);
    this.#handle?.failed(new Error(status.details));
  }

  /** Runs what a message or an event of the call set off. Nothing that goes wrong there may reach the process. */
  guard(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      this.refuseThrown(thrown);
    }
  }

  /** Refuses with what was thrown; what is no refusal of the gateway's is logged, since the peer is not told. */
  refuseThrown(thrown: unknown): void {
    const status = statusOfError(thrown);
    if (status.code === Code.INTERNAL) this.#log.error({ err: thrown }, 'a gRPC call failed');
    this.refuse(status);
  }

  #closed(): void {
    clearTimeout(this.#flushTimer);
    this.guard(() => this.report(deadlinePassed(this.#call.getDeadline()) ? 'deadlineExceeded' : 'peerCancelled'));
  }
}

function deadlinePassed(deadline: Deadline): boolean {
  return Number(deadline) <= Date.now();
}
