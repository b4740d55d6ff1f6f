/**
 * An uplink as an actor: the chart of `machines/uplink.ts` over a transport. The chart decides when there is an attempt; here
 * each attempt has a scope of its own, its heartbeat and its watch among what that holds, so that nothing of one attempt
 * is alive in the next.
 */
import {
  type UplinkEvent as ChartEvent,
  reconnectDelayMs,
  type UplinkContext,
  type UplinkInput,
  uplinkMachine,
} from '../../machines/uplink.js';
import { describeReason } from '../otp/exit-reason.js';
import type { Process, ProcessBody } from '../otp/process.js';
import type { Scope } from '../otp/scope.js';
import { bodyOf } from './body.js';
import { type DataAges, type DataState, dataAges, SILENT_MS, stateByAge } from './data-age.js';
import { stateOf } from './structure.js';
import type { Turn } from './turn.js';
import { ReconnectRate } from './uplink-rate.js';
import type { UplinkAttempt, UplinkEvent, UplinkListener, UplinkOptions, UplinkTransport } from './uplink-transport.js';

export interface UplinkParts {
  readonly transport: UplinkTransport;
  readonly options: UplinkOptions;
  /** Another uplink that there was in its place before may still be giving back. */
  readonly turn: Turn;
  /** In [0, 1). */
  readonly random: () => number;
  /** Never throws. */
  readonly tell: (event: UplinkEvent) => void;
}

export interface UplinkView {
  readonly label: string;
  /** Where the link is: `connecting`, `accepted`, `live`, `recovering`, `pausing`, `closing`, `closed`. */
  readonly state: string;
  readonly available: boolean;
  readonly attempts: number;
  /** Attempts after a first one that failed or was lost; and how many of them lately. */
  readonly reconnects: number;
  readonly reconnectsLately: number;
  readonly lastError?: string;
  /** How long ago the other side was heard, and what that says of the connection. */
  readonly data?: DataAges;
}

export class Uplink implements ProcessBody {
  readonly #parts: UplinkParts;
  readonly #rate: ReconnectRate;
  #process: Process | undefined;
  #attempt: UplinkAttempt | undefined;
  /** Of the one attempt; and of the one before, while that is being given back. */
  #scope: Scope | undefined;
  #closing: Scope | undefined;
  #attempts = 0;
  #heardAtMs = 0;
  #opened = false;
  #heard = false;
  #lastError = '';
  #available = false;

  constructor(parts: UplinkParts) {
    this.#parts = parts;
    this.#rate = new ReconnectRate(parts.options.alert);
  }

  attach(process: Process): void {
    this.#process = process;
    // Behind everything else that it holds.
    process.scope.acquire('uplink_turn', () => this.#parts.turn.end());
    process.scope.acquire('uplink', () => {
      this.#available = false;
      this.#parts.tell({ type: 'uplink.closed', reason: describeReason(process.exit ?? 'normal') });
    });
  }

  get process(): Process {
    return this.#process as Process;
  }

  get input(): UplinkInput {
    const { connectMs, firstMessageMs, stableMs, closeMs, degradedMs, retry } = this.#parts.options;
    return { connectMs, firstMessageMs, stableMs, closeMs, degradedMs, retry, chance: this.#parts.random() };
  }

  /** Live, or gone for so short a time that nobody was told. */
  get available(): boolean {
    return this.#available;
  }

  get live(): boolean {
    return this.process.alive && this.#link === 'live';
  }

  view(): UplinkView {
    const { clock } = this.process.system;
    return {
      label: this.#parts.transport.label,
      state: this.#link,
      available: this.#available,
      attempts: this.#attempts,
      reconnects: this.#rate.total,
      reconnectsLately: this.#rate.within(clock.now()),
      ...(this.#lastError === '' ? {} : { lastError: this.#lastError }),
      data: dataAges(clock.now(), this.#dataState(clock.now()), { inAtMs: this.#heardAtMs || undefined }),
    };
  }

  #dataState(nowMs: number): DataState {
    if (!this.#scope || !(this.#opened || this.#heard)) return 'not_connected';
    return this.#heard ? stateByAge(nowMs, this.#heardAtMs, SILENT_MS) : 'connected_no_data';
  }

  // Effects of the chart

  openAttempt(fresh: boolean): void {
    const { transport, tell, turn } = this.#parts;
    if (this.#scope) throw new Error(`uplink to ${transport.label}: a second attempt while one is alive`);
    // What could not be given back in time was abandoned, and is in the census until it is.
    this.#closing = undefined;
    this.#attempts += 1;
    this.#opened = false;
    this.#heard = false;
    tell({ type: 'uplink.connecting', attempt: this.#attempts });
    if (this.#attempts > 1) this.#countReconnect();
    const scope = this.process.scope.child();
    this.#scope = scope;
    turn.whenMine(() => {
      // It may have been given up while it waited.
      if (scope.closed) return;
      scope.guard(() => {
        this.#attempt = transport.open(this.#listener(scope), { scope, fresh });
      });
    });
  }

  /** The first word has come: from here on we beat, and watch for silence. */
  beginBeating(): void {
    const { heartbeatMs, inactivityMs } = this.#parts.options;
    this.#parts.tell({ type: 'uplink.live', attempt: this.#attempts });
    this.#scope?.interval(heartbeatMs, () => this.#attempt?.beat());
    this.#watchForSilence(inactivityMs);
  }

  /** Gives the attempt back; `attempt.closed` follows when it is gone. Asked again meanwhile, it follows once. */
  closeAttempt(): void {
    if (this.#closing) return;
    const scope = this.#scope;
    this.#scope = undefined;
    this.#attempt = undefined;
    const pending = scope?.dispose();
    if (!pending) {
      this.process.system.post(this.process.ref, { type: 'attempt.closed' });
      return;
    }
    this.#closing = scope;
    void this.#parts.turn.closing(pending).then(() => {
      if (this.#closing !== scope) return;
      this.#closing = undefined;
      this.process.system.post(this.process.ref, { type: 'attempt.closed' });
    });
  }

  announcePause({ failures, retry, chance, stuck }: UplinkContext): void {
    if (stuck && !this.#heard)
      this.#lastError = `the peer ${this.#opened ? 'accepted and said nothing' : 'did not accept'} in time`;
    const reason = this.#lastError;
    this.#parts.tell({ type: 'uplink.lost', reason, retryInMs: reconnectDelayMs(failures, retry, chance) });
  }

  announceAvailable(): void {
    if (this.#available) return;
    this.#available = true;
    this.#parts.tell({ type: 'uplink.available' });
  }

  announceDegraded(): void {
    this.#available = false;
    this.#parts.tell({ type: 'uplink.degraded', reason: this.#lastError });
  }

  #countReconnect(): void {
    const { alert } = this.#parts.options;
    const nowMs = this.process.system.clock.now();
    if (!this.#rate.count(nowMs)) return;
    this.#parts.tell({ type: 'uplink.alert', reconnects: this.#rate.within(nowMs), perMs: alert.perMs });
  }

  /** Reports of an attempt that is no longer the one are dropped, also when it ends before they have their turn. */
  #listener(scope: Scope): UplinkListener {
    const { system, ref } = this.process;
    const current = (): boolean => this.#scope === scope && this.process.alive;
    // In its turn, not at once: an attempt may fail while it is being opened.
    const send = (event: ChartEvent): void =>
      system.defer(() => {
        if (current()) ref.send(event);
      });
    return {
      opened: () => {
        this.#opened ||= current();
        send({ type: 'attempt.opened' });
      },
      heard: () => {
        if (!current()) return;
        this.#heardAtMs = system.clock.now();
        if (this.#heard) return;
        this.#heard = true;
        send({ type: 'peer.heard' });
      },
      failed: (error, final = false) => {
        if (current()) this.#lastError = error.message;
        send({ type: 'attempt.failed', final });
      },
    };
  }

  /** One timer looks at the clock of the last word, instead of one for each word. */
  #watchForSilence(leftMs: number): void {
    const scope = this.#scope;
    scope?.timer(leftMs, () => {
      const { inactivityMs } = this.#parts.options;
      const nowMs = this.process.system.clock.now();
      const moreMs = this.#heardAtMs + inactivityMs - nowMs;
      if (moreMs > 0) this.#watchForSilence(moreMs);
      else {
        this.#lastError = `nothing was heard for ${inactivityMs} ms`;
        this.process.ref.send({ type: 'silence.detected' });
      }
    });
  }

  get #link(): string {
    const state = stateOf(this.process);
    return /link\.(\w+)/.exec(state)?.[1] ?? state;
  }
}

export const uplinkLogic = uplinkMachine.provide({
  actions: {
    openAttempt: ({ context, self }) => bodyOf<Uplink>(self).openAttempt(context.stuck),
    beginBeating: ({ self }) => bodyOf<Uplink>(self).beginBeating(),
    closeAttempt: ({ self }) => bodyOf<Uplink>(self).closeAttempt(),
    announcePause: ({ context, self }) => bodyOf<Uplink>(self).announcePause(context),
    announceAvailable: ({ self }) => bodyOf<Uplink>(self).announceAvailable(),
    announceDegraded: ({ self }) => bodyOf<Uplink>(self).announceDegraded(),
  },
});
