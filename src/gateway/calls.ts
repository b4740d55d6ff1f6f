/**
 * Calls: one client asks, another one answers. The desk holds the calls that wait; it watches the caller and whoever was
 * asked. A caller that dies takes its calls along at once, a provider that dies is known at once, and a silent one is cut
 * short by the call's own time. Whatever happens, the caller hears exactly once, and never late.
 */
import { nanoid } from 'nanoid';
import type { AnyActorRef } from 'xstate';
import { type Process, processOf } from '../otp/process.js';
import type { Held } from '../otp/scope.js';
import { type CallEffect, type CallEnd, CallTable, type Choice, type PendingCall } from './call-table.js';
import { askDesk, type Desk, type DeskContext, deskLogic, deskOf } from './desk.js';
import type { Port, Services } from './services.js';
import type { CallView } from './views.js';

export interface CallRequest {
  /** Who asks: when this actor ends, the call is forgotten. */
  readonly caller: AnyActorRef;
  readonly procedure: string;
  readonly payload: Uint8Array;
  /** For the whole call, however many are asked. 0: the gateway's own. */
  readonly timeoutMs: number;
  /** Another gateway asks: only clients of this one are. Default false. */
  readonly own?: boolean;
}

export type CallOutcome =
  | { readonly type: 'answered'; readonly payload: Uint8Array }
  | {
      readonly type: 'failed';
      /** `not_found`, `timeout`, `provider_down`, `max_calls_reached`, or the provider's own. */
      readonly code: string;
      readonly message: string;
      /** The provider answered with an error of its own. */
      readonly own: boolean;
    };

export interface CallReply {
  /** The question's id. */
  readonly id: string;
  readonly payload: Uint8Array;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface CallsInput {
  readonly callsMax: number;
  readonly attempts: number;
  readonly timeoutMs: number;
  readonly choice: Choice;
  readonly random: () => number;
  readonly services: Pick<Services, 'providersOf' | 'used'>;
}

/** How long somebody who let a call time out is passed over while there are others to ask. */
const EXCLUDE_MS = 10_000;
/** Payloads of calls that wait, all together. They are kept for the next provider, should one die. */
const BYTES_MAX = 256 * 1024 * 1024;
/** The longest time a timer can be set for. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

interface Waiting {
  readonly request: CallRequest;
  readonly beganAtMs: number;
  readonly untilMs: number;
  readonly settle: (outcome: CallOutcome) => void;
  timer: Held | undefined;
}

type Pending = PendingCall<AnyActorRef, Waiting>;

class CallDesk implements Desk {
  readonly table: CallTable<AnyActorRef, Waiting>;
  readonly #input: CallsInput;
  readonly #context: DeskContext;
  readonly #ports = new WeakMap<AnyActorRef, Port>();
  /** What the answer that is being taken says. */
  #reply: CallReply | undefined;
  #bytes = 0;

  constructor(input: CallsInput, context: DeskContext) {
    this.#input = input;
    this.#context = context;
    const incarnation = nanoid(8);
    let last = 0;
    this.table = new CallTable({
      callsMax: input.callsMax,
      attemptsMax: input.attempts,
      excludeMs: EXCLUDE_MS,
      choice: input.choice,
      random: input.random,
      nextId: () => `${incarnation}-${++last}`,
      candidates: (procedure, { request }) => this.#candidates(procedure, request.own === true),
    });
    // Who waits for an answer is told when there is nobody left to bring it.
    context.process.scope.acquire('pending_calls', () => {
      for (const { data } of this.table.all())
        this.#settle(data, failed('provider_down', 'the call was lost with its desk'));
    });
  }

  get nowMs(): number {
    return this.#context.process.system.clock.now();
  }

  call(request: CallRequest, settle: (outcome: CallOutcome) => void): void {
    const timeoutMs = Math.min(request.timeoutMs || this.#input.timeoutMs, TIMEOUT_MS_MAX);
    const { nowMs } = this;
    const untilMs = nowMs + timeoutMs;
    const data: Waiting = { request, beganAtMs: nowMs, untilMs, settle, timer: undefined };
    if (this.#bytes + request.payload.length > BYTES_MAX) {
      this.#settle(data, failed('max_calls_reached', `${BYTES_MAX} bytes wait for their answers, as many as may`));
      return;
    }
    this.#bytes += request.payload.length;
    this.#perform(this.table.made(request.caller, request.procedure, data, nowMs));
  }

  /** In its turn, and not from within the desk: who hears an answer may make the next call. */
  #settle({ settle }: Waiting, outcome: CallOutcome): void {
    this.#context.process.system.defer(() => settle(outcome));
  }

  reply(from: AnyActorRef, reply: CallReply): void {
    this.#reply = reply;
    this.#perform(this.table.answered(reply.id, from));
    this.#reply = undefined;
  }

  refused(from: AnyActorRef, id: string): void {
    this.#perform(this.table.refused(id, from, this.nowMs));
  }

  down(ref: AnyActorRef): void {
    this.#perform(this.table.down(ref, this.nowMs));
  }

  *#candidates(procedure: string, own: boolean): Generator<{ provider: AnyActorRef; port: AnyActorRef | undefined }> {
    for (const { ref, port, neighbour } of this.#input.services.providersOf(procedure)) {
      if (own && neighbour) continue;
      if (port) this.#ports.set(port.ref, port);
      yield { provider: ref, port: port?.ref };
    }
  }

  #perform(effects: readonly CallEffect<AnyActorRef, Waiting>[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'watch':
          this.#context.watch(effect.ref);
          break;
        case 'unwatch':
          this.#context.unwatch(effect.ref);
          break;
        case 'ask':
          this.#ask(effect.call);
          break;
        case 'refused':
          this.#bytes -= effect.call.data.request.payload.length;
          this.#settle(
            effect.call.data,
            failed('max_calls_reached', `${this.#input.callsMax} calls wait for their answers, as many as may`),
          );
          break;
        case 'end':
          this.#bytes -= effect.call.data.request.payload.length;
          void effect.call.data.timer?.release();
          if (effect.how !== 'forgotten') this.#settle(effect.call.data, this.#outcome(effect.call, effect.how));
          break;
      }
    }
  }

  #ask(call: Pending): void {
    const { data, id, procedure } = call;
    const timeoutMs = Math.max(1, Math.ceil(data.untilMs - this.nowMs));
    data.timer ??= this.#context.process.scope.timer(timeoutMs, () =>
      this.#perform(this.table.timedOut(call, this.nowMs)),
    );
    this.#input.services.used(call.provider as AnyActorRef, procedure);
    this.#ports.get(call.port as AnyActorRef)?.ask({ id, procedure, payload: data.request.payload, timeoutMs });
  }

  #outcome({ procedure, asked, data }: Pending, how: Exclude<CallEnd, 'forgotten'>): CallOutcome {
    switch (how) {
      case 'answered': {
        const { payload, error } = this.#reply as CallReply;
        return error ? { type: 'failed', ...error, own: true } : { type: 'answered', payload };
      }
      case 'not_found':
        return failed('not_found', `nobody provides "${procedure}"`);
      case 'timeout':
        return failed(
          'timeout',
          `no answer from "${procedure}" within ${Math.round(data.untilMs - data.beganAtMs)} ms`,
        );
      case 'provider_down':
        return failed('provider_down', `who provides "${procedure}" is gone, away or busy; asked ${asked.size}`);
    }
  }
}

function wordOf(outcome: CallOutcome): string {
  return outcome.type === 'answered' ? 'answered' : outcome.own ? 'failed' : outcome.code;
}

function failed(code: string, message: string): CallOutcome {
  return { type: 'failed', code, message, own: false };
}

export const callsLogic = deskLogic<CallsInput>('calls', (input, context) => new CallDesk(input, context));

/** How a call ended, for whoever counts. */
export interface CallEnded {
  readonly procedure: string;
  /** `answered`; `failed` with an error of the provider's own; else the gateway's code. */
  readonly outcome: string;
  readonly ms: number;
}

/** Stands for whichever call desk is alive now. */
export class Calls {
  readonly #current: () => Process | undefined;
  /** Called for each call that came to an end while its caller was there. */
  onEnded: ((end: CallEnded) => void) | undefined;

  constructor(current: () => Process | undefined) {
    this.#current = current;
  }

  /** Makes a call. `settle` is called once, also when the desk ends first; never, when the caller does. */
  call(request: CallRequest, settle: (outcome: CallOutcome) => void): void {
    let settled = false;
    const { onEnded } = this;
    const desk = this.#current();
    const beganMs = onEnded ? desk?.system.clock.now() : undefined;
    const once = (outcome: CallOutcome): void => {
      if (settled) return;
      settled = true;
      if (onEnded) {
        const ms = desk && beganMs !== undefined ? desk.system.clock.now() - beganMs : 0;
        onEnded({ procedure: request.procedure, outcome: wordOf(outcome), ms });
      }
      settle(outcome);
    };
    const taken = askDesk<CallDesk, true>(desk, (living) => {
      living.call(request, once);
      return true;
    });
    if (!taken) once(failed('provider_down', 'the call desk is restarting'));
  }

  /** Somebody who was asked replies. A reply to nothing, or too late, is nothing. */
  reply(from: AnyActorRef, reply: CallReply): void {
    askDesk<CallDesk, void>(this.#current(), (desk) => desk.reply(from, reply));
  }

  /** Somebody who was asked cannot answer: the call is put to the next. Not from within the asking. */
  refused(from: AnyActorRef, id: string): void {
    askDesk<CallDesk, void>(this.#current(), (desk) => desk.refused(from, id));
  }

  get size(): number {
    return this.#desk?.table.size ?? 0;
  }

  views(): readonly CallView[] {
    const desk = this.#desk;
    if (!desk) return [];
    return [...desk.table.all()].map(({ id, procedure, caller, provider, asked, data }) => ({
      id,
      procedure,
      state: 'waiting',
      caller: pathOf(caller),
      provider: pathOf(provider),
      attempt: asked.size,
      ageMs: Math.round(desk.nowMs - data.beganAtMs),
    }));
  }

  get #desk(): CallDesk | undefined {
    return deskOf<CallDesk>(this.#current());
  }
}

function pathOf(ref: AnyActorRef | undefined): string {
  return (ref && processOf(ref)?.path) ?? '';
}
