/**
 * What one uplink tells from its start to its end, held against what its peer did: when it dials, over what, how long it
 * waits, when it is live, when it may be used, when it raises an alarm, and that it is silent afterwards.
 */
import type { Uplink } from '../../src/gateway/uplink.js';
import { UPLINK_DEFAULTS, type UplinkEvent, type UplinkOptions } from '../../src/gateway/uplink-transport.js';
import { describeReason } from '../../src/otp/exit-reason.js';
import type { Peer, PeerAttempt } from './uplink-peers.js';

/** Little of everything, so that every limit is reached. */
export const UPLINK: UplinkOptions = {
  ...UPLINK_DEFAULTS,
  stableMs: 12_000,
  retry: { initialMs: 250, maxMs: 8_000, jitter: 0.5 },
  alert: { reconnects: 3, perMs: 20_000 },
};
/** The gateway may have been held up for so long at once. */
const LEAP_MS = 2_000;

export class UplinkLife {
  readonly uplink: Uplink;
  readonly #peer: Peer;
  #attempt: PeerAttempt | undefined;
  /** The attempt before failed, or was refused; else it hung. */
  #failed = false;
  #dials = 0;
  /** When each was begun, the first one not. */
  readonly #reconnectsAtMs: number[] = [];
  #tooMany = false;
  #alertDue = false;
  #failures = 0;
  #dueMs: number | undefined;
  #liveAtMs: number | undefined;
  #available = false;
  #degraded = false;
  #goneAtMs: number;
  #closed = false;
  /** The state in which it was seen since its attempt began, and since when. */
  #seen = { state: '', sinceMs: 0 };

  constructor(uplink: Uplink, peer: Peer) {
    this.uplink = uplink;
    this.#peer = peer;
    this.#goneAtMs = this.#nowMs;
  }

  get alive(): boolean {
    return this.uplink.process.alive;
  }

  /** It has ended because it was refused for good, and not because it was killed on the way. */
  get refused(): boolean {
    return describeReason(this.uplink.process.exit ?? 'normal') === 'shutdown: refused';
  }

  get #nowMs(): number {
    return this.#peer.stage.world.clock.now();
  }

  // At the peer's side

  dialled(attempt: PeerAttempt, fresh: boolean): void {
    const hung = this.#attempt !== undefined && !this.#failed;
    if (fresh !== hung) this.#breach(`I-uplink: its last attempt ${hung ? 'hung' : 'failed'}, fresh: ${fresh}`);
    if (this.#dueMs !== undefined) this.#breach('I-uplink: it dialled without a word');
    this.#attempt = attempt;
    this.#failed = false;
  }

  /** An attempt has failed at its end, or is given up. */
  lost(attempt: PeerAttempt): void {
    if (attempt !== this.#attempt) return;
    this.#failed = !attempt.closing;
    if (this.#liveAtMs === undefined) return;
    const heldMs = this.#nowMs - this.#liveAtMs;
    if (heldMs >= UPLINK.stableMs) this.#failures = 0;
    this.#goneAtMs = this.#nowMs;
    this.#liveAtMs = undefined;
  }

  // What it tells

  readonly tell = (event: UplinkEvent): void => {
    if (this.#closed) this.#breach(`I-uplink: it tells ${event.type} after its end`);
    if (this.#alertDue && event.type !== 'uplink.alert') this.#breach('I-alert: too many reconnections were not told');
    switch (event.type) {
      case 'uplink.connecting':
        this.#connecting(event.attempt);
        break;
      case 'uplink.live':
        if (this.#attempt?.spokeAtMs === undefined || this.#attempt.closing)
          this.#breach('I-uplink: it is live, and its peer has said nothing');
        // A peer that broke off before it was heard has lost nobody.
        this.#liveAtMs = this.#nowMs;
        break;
      case 'uplink.lost':
        this.#paused(event.retryInMs, event.reason);
        break;
      case 'uplink.available':
        if (this.#available || this.#liveAtMs === undefined)
          this.#breach('I-uplink: it is available without being live');
        this.#available = true;
        this.#degraded = false;
        break;
      case 'uplink.degraded':
        if (this.#degraded) this.#breach('I-uplink: it is degraded twice');
        if (this.#nowMs - this.#goneAtMs < UPLINK.degradedMs)
          this.#breach('I-uplink: it is degraded after a short break');
        this.#available = false;
        this.#degraded = true;
        break;
      case 'uplink.alert':
        if (!this.#alertDue) this.#breach(`I-alert: ${event.reconnects} reconnections are told, and are not too many`);
        if (event.reconnects !== UPLINK.alert.reconnects + 1) this.#breach(`I-alert: it tells ${event.reconnects}`);
        this.#alertDue = false;
        break;
      case 'uplink.closed':
        this.#closed = true;
        break;
    }
  };

  #connecting(attempt: number): void {
    this.#dials += 1;
    this.#seen = { state: '', sinceMs: 0 };
    if (attempt !== this.#dials) this.#breach(`I-uplink: attempt ${attempt} follows ${this.#dials - 1}`);
    if (attempt > 1 && this.#dueMs === undefined) this.#breach('I-uplink: it dials again without a pause');
    if (this.#dueMs !== undefined && this.#nowMs < this.#dueMs)
      this.#breach('I-uplink: it dials before its pause is over');
    this.#dueMs = undefined;
    if (attempt === 1) return;
    this.#reconnectsAtMs.push(this.#nowMs);
    const tooMany = this.#lately > UPLINK.alert.reconnects;
    this.#alertDue = tooMany && !this.#tooMany;
    this.#tooMany = tooMany;
  }

  #paused(pauseMs: number, reason: string): void {
    const { initialMs, maxMs, jitter } = UPLINK.retry;
    this.#failures += 1;
    const wholeMs = Math.min(maxMs, initialMs * 2 ** (this.#failures - 1));
    if (pauseMs > wholeMs || pauseMs < Math.floor(wholeMs * (1 - jitter)))
      this.#breach(`I-uplink: after ${this.#failures} failures it waits ${pauseMs} ms`);
    if (this.#attempt && this.#peer.attempts.has(this.#attempt))
      this.#breach('I-attempt: it gave up and is still open');
    const { lastWordMs = 0, closedAtMs = 0 } = this.#attempt ?? {};
    if (reason.startsWith('nothing was heard') && closedAtMs - lastWordMs < UPLINK.inactivityMs)
      this.#breach(`I-uplink: it was given up for its silence ${closedAtMs - lastWordMs} ms after a word`);
    this.#dueMs = this.#nowMs + pauseMs;
  }

  get #lately(): number {
    return this.#reconnectsAtMs.filter((atMs) => atMs > this.#nowMs - UPLINK.alert.perMs).length;
  }

  // Whenever all is at rest

  *faults(): Generator<string> {
    const { uplink } = this;
    if (this.#alertDue) yield 'I-alert: too many reconnections were not told';
    if (!this.alive) return;
    const { state, available, attempts, reconnects, reconnectsLately } = uplink.view();
    const open = this.#attempt && !this.#attempt.over ? this.#attempt : undefined;
    const heard = open?.spokeAtMs !== undefined;
    if (heard !== (state === 'live')) yield `I-uplink: it is ${state}, and its peer ${heard ? 'talks' : 'does not'}`;
    yield* this.#overdue(state);
    if (heard && this.#nowMs - (open?.lastWordMs ?? 0) > UPLINK.inactivityMs + LEAP_MS)
      yield 'I-uplink: it is live and silent';
    if (this.#liveAtMs !== undefined) {
      const beatenMs = this.#nowMs - Math.max(this.#liveAtMs, open?.lastBeatMs ?? 0);
      if (beatenMs > UPLINK.heartbeatMs) yield `I-uplink: it has not beaten for ${beatenMs} ms`;
    }
    if (available !== this.#available) yield `I-uplink: it is available: ${available}, and tells ${this.#available}`;
    const goneMs = heard ? 0 : this.#nowMs - this.#goneAtMs;
    if (heard && !available) yield 'I-uplink: it is live and not available';
    if (!heard && !this.#degraded && goneMs > UPLINK.degradedMs + LEAP_MS)
      yield `I-uplink: it has been gone for ${goneMs} ms`;
    if (attempts !== this.#dials || reconnects !== Math.max(0, this.#dials - 1))
      yield `I-count: it tells ${attempts} attempts, ${reconnects} again, of ${this.#dials}`;
    const due = Math.min(this.#lately, UPLINK.alert.reconnects + 1);
    if (reconnectsLately !== due) yield `I-count: it tells ${reconnectsLately} reconnections lately, of ${due}`;
  }

  /** How long it may be in a state. */
  *#overdue(state: string): Generator<string> {
    if (this.#seen.state !== state) this.#seen = { state, sinceMs: this.#nowMs };
    const sinceMs = this.#nowMs - this.#seen.sinceMs;
    const { connectMs, firstMessageMs, closeMs } = UPLINK;
    const limitMs = { connecting: connectMs, accepted: firstMessageMs, recovering: closeMs, closing: closeMs }[state];
    if (limitMs !== undefined && sinceMs > limitMs) yield `I-uplink: it has been ${state} for ${sinceMs} ms`;
    if (state === 'pausing' && this.#nowMs > (this.#dueMs ?? 0)) yield 'I-uplink: its pause is over';
  }

  #breach(what: string): void {
    this.#peer.stage.world.breach(`${what} (${this.#peer.id})`);
  }
}
