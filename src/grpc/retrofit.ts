/**
 * Supervision for a gRPC service that is there already, in one line: `server.addService(definition, supervise(implementation))`.
 * Each call becomes an actor with the ten ways out and the one teardown of our own streams; limits and counters come with it.
 * A handler that throws is the crash of its call and not the end of the process.
 */
import type { sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { AnyActorRef } from 'xstate';
import type { OverflowPolicy } from '../flow/overflow.js';
import { stateText } from '../gateway/body.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { streamInput, streamLogic } from '../gateway/stream.js';
import type { StreamView } from '../gateway/views.js';
import { type Application, startApplication } from '../otp/application.js';
import type { Clock } from '../otp/clock.js';
import type { ExitReason } from '../otp/exit-reason.js';
import { leftovers } from '../otp/leaks.js';
import { monitor } from '../otp/monitor.js';
import { startChild } from '../otp/supervisor-api.js';
import { type AnyServerCall, RetrofitCall } from './retrofit-call.js';
import type { GrpcLog } from './served-call.js';
import { statusOfError } from './status.js';

export interface RetrofitLimits {
  /** Calls at once; one more is refused with RESOURCE_EXHAUSTED. Default 10,000. */
  readonly streamsMax: number;
  /** A call on which nothing came or went for so long ends with DEADLINE_EXCEEDED. Default 0: there is no such time. */
  readonly inactivityMs: number;
  /** Messages that a call's peer has not taken. `write` answers false when there are as many. Default 10,000. */
  readonly queueMessages: number;
  /** Counted by `sizeOf`. Default 64 MiB. */
  readonly queueBytes: number;
  /** Bytes of a message. Default: those of its binary fields, and 1 besides. */
  readonly sizeOf: (message: unknown) => number;
  /** What becomes of a message for which there is no room. Default `disconnect`: the call ends with `slow_consumer`. */
  readonly overflow: OverflowPolicy;
  /** A queue that is full and not read for so long is stalled, and for `stallMs` more ends the call. Default 2,000 and 30,000. */
  readonly sendTimeoutMs: number;
  readonly stallMs: number;
}

export interface SuperviseOptions extends Partial<RetrofitLimits> {
  /** Whose end is the end of the call: a session, a camera. Default: nobody's. */
  readonly owner?: (call: AnyServerCall) => AnyActorRef | undefined;
  /** Default: standard error, a line of JSON each. */
  readonly log?: GrpcLog;
  readonly clock?: Clock;
}

/** The third argument of a handler with a callback, the second of one without. */
export interface CallContext {
  /** Aborted when the call has ended, for whatever reason. */
  readonly signal: AbortSignal;
}

export interface RetrofitCounters {
  readonly active: number;
  readonly started: number;
  readonly refused: number;
  readonly crashed: number;
  readonly sent: number;
  readonly received: number;
  readonly drops: number;
  /** How calls have ended: `ended`, `cancelled`, `deadline_exceeded`, `inactivity`, `slow_consumer`, `error`, … */
  readonly ended: Readonly<Record<string, number>>;
}

/** The calls of one supervised service. */
export interface Supervision {
  counters(): RetrofitCounters;
  /** The calls that are open. */
  streams(): readonly StreamView[];
  /** What is held right now; empty after `stop`. */
  census(): Readonly<Record<string, number>>;
  /**
   * Refuses newcomers, ends streams with UNAVAILABLE and a time to come back after, and waits for calls with one answer as
   * long as `deadlineMs` (default 10,000). Idempotent; always comes to an end.
   */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
}

const supervisions = new WeakMap<object, Supervision>();

/** Wraps every handler of an implementation; what is given to `addService` stays what it was in all else. */
export function supervise<I extends object>(implementation: I, options: SuperviseOptions = {}): I {
  const service = new SupervisedService(options);
  const handlers = Object.entries(implementation as UntypedServiceImplementation).map(([name, handler]) => [
    name,
    service.wrap(handler.bind(implementation) as unknown as Handler),
  ]);
  const wrapped = Object.fromEntries(handlers) as I;
  supervisions.set(wrapped, service);
  return wrapped;
}

/** The calls of what `supervise` returned. */
export function supervisionOf(service: object): Supervision {
  const supervision = supervisions.get(service);
  if (!supervision) throw new TypeError('service: expected what supervise() returned, got another object');
  return supervision;
}

type Handler = (call: AnyServerCall, ...rest: unknown[]) => unknown;

const LIMITS: RetrofitLimits = {
  streamsMax: 10_000,
  inactivityMs: 0,
  queueMessages: 10_000,
  queueBytes: 64 * 1024 * 1024,
  sizeOf: binaryBytes,
  overflow: 'disconnect',
  sendTimeoutMs: 2_000,
  stallMs: 30_000,
};

const LOOK_MS = 20;

class SupervisedService implements Supervision {
  readonly #options: SuperviseOptions;
  readonly #limits: RetrofitLimits;
  readonly #log: GrpcLog;
  readonly #calls = new Set<RetrofitCall>();
  readonly #counts = { started: 0, refused: 0, crashed: 0, sent: 0, received: 0, drops: 0 };
  readonly #ended: Record<string, number> = {};
  #application: Promise<Application> | undefined;
  #stopped: Promise<void> | undefined;
  #running: Application | undefined;
  #pending = 0;

  constructor(options: SuperviseOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options };
    this.#log = options.log ?? STDERR;
  }

  wrap(handler: Handler): Handler {
    return (call, callback) => {
      const answer = typeof callback === 'function' ? (callback as sendUnaryData<unknown>) : undefined;
      this.#serve(call, answer, handler).catch((thrown: unknown) => this.#refuse(call, answer, thrown));
    };
  }

  counters(): RetrofitCounters {
    return { active: this.#calls.size, ...this.#counts, ended: { ...this.#ended } };
  }

  streams(): readonly StreamView[] {
    return [...this.#calls].map((call) => call.view(stateText(call.process.ref.getSnapshot().value)));
  }

  census(): Readonly<Record<string, number>> {
    return this.#running ? leftovers(this.#running.system) : {};
  }

  stop({ deadlineMs = 10_000 } = {}): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #serve(call: AnyServerCall, callback: sendUnaryData<unknown> | undefined, handler: Handler): Promise<void> {
    if (this.#stopped) throw new GatewayError('draining', 'this service is shutting down');
    if (this.#calls.size + this.#pending >= this.#limits.streamsMax) {
      throw new GatewayError('max_streams_reached', `this service serves ${this.#limits.streamsMax} calls at once`);
    }
    this.#pending += 1;
    try {
      await this.#start(call, callback, handler);
    } finally {
      this.#pending -= 1;
    }
  }

  async #start(call: AnyServerCall, callback: sendUnaryData<unknown> | undefined, handler: Handler): Promise<void> {
    const path = (call as { getPath?(): string }).getPath?.() ?? 'call';
    this.#counts.started += 1;
    const body: RetrofitCall = new RetrofitCall({
      call,
      callback,
      limits: this.#limits,
      path,
      onEnd: (reason, figures) => this.#over(body, reason, figures),
    });
    const { root } = await this.#supervisor();
    const answer = await startChild(root, {
      id: `${path}#${this.#counts.started}`,
      restart: 'temporary',
      start: ({ spawn }) => spawn(streamLogic, streamInput(this.#limits), body),
    });
    if (answer.error || !answer.ok) throw new GatewayError('draining', 'this service is shutting down');
    this.#calls.add(body);
    const owner = this.#options.owner?.(call);
    if (owner) {
      const lost = monitor(owner, ({ reason }) => body.send({ type: 'owner.lost', reason }));
      body.process.scope.acquire('monitor', () => void lost.demonitor());
    }
    const context: CallContext = { signal: body.controller.signal };
    body.begin(() => (callback ? handler(call, body.answer, context) : handler(call, context)));
  }

  /** Started with the first call, so that whoever wraps a service and never serves has nothing to stop. */
  #supervisor(): Promise<Application> {
    const { clock } = this.#options;
    this.#application ??= startApplication('retrofit', { children: [] }, clock ? { clock } : {}).then((application) => {
      this.#running = application;
      return application;
    });
    return this.#application;
  }

  #refuse(call: AnyServerCall, callback: sendUnaryData<unknown> | undefined, thrown: unknown): void {
    this.#counts.refused += 1;
    const status = statusOfError(thrown);
    if (!(thrown instanceof GatewayError)) this.#log.error({ err: thrown }, 'a call could not be started');
    const error = Object.assign(new Error(status.details), status);
    if (callback) callback(error);
    else call.emit('error', error);
  }

  #over(body: RetrofitCall, reason: ExitReason, figures: { sent: number; received: number; drops: number }): void {
    this.#calls.delete(body);
    for (const key of ['sent', 'received', 'drops'] as const) this.#counts[key] += figures[key];
    const word = wordOf(reason);
    this.#ended[word] = (this.#ended[word] ?? 0) + 1;
    if (!(reason instanceof Error)) return;
    this.#counts.crashed += 1;
    this.#log.error({ err: reason, method: body.path }, 'a handler failed');
  }

  async #stop(deadlineMs: number): Promise<void> {
    const application = await this.#application;
    if (!application) return;
    const { clock } = application.system;
    const until = clock.now() + deadlineMs;
    const end = (those: (call: RetrofitCall) => boolean): void => {
      for (const call of [...this.#calls].filter(those)) call.send({ type: 'owner.lost', reason: DRAIN });
    };
    end(({ streams }) => streams);
    while (this.#calls.size + this.#pending > 0 && clock.now() < until) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_MS));
    }
    end(() => true);
    await application.stop({ reason: DRAIN, timeoutMs: 1_000 });
  }
}

const DRAIN: ExitReason = { shutdown: 'drain' };

/** One of few words, fit for a label. */
function wordOf(reason: ExitReason): string {
  if (reason instanceof Error) return 'error';
  if (typeof reason === 'string') return reason;
  return typeof reason.shutdown === 'string' ? reason.shutdown : 'shutdown';
}

function binaryBytes(message: unknown): number {
  if (message instanceof Uint8Array) return message.byteLength;
  if (typeof message !== 'object' || message === null) return 1;
  let bytes = 1;
  for (const value of Object.values(message)) if (value instanceof Uint8Array) bytes += value.byteLength;
  return bytes;
}

const STDERR: GrpcLog = {
  error: (fields, message) => tell('error', fields, message),
  warn: (fields, message) => tell('warn', fields, message),
};

function tell(level: string, fields: object, message: string): void {
  const { err, ...rest } = fields as { readonly err?: unknown };
  const error = err instanceof Error ? { error: err.stack } : {};
  process.stderr.write(`${JSON.stringify({ level, message, ...rest, ...error })}\n`);
}
