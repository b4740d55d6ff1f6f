/**
 * The lease of this node: the right to act, renewed once a second by compare-and-swap on its own revision. A blind write would
 * revive a lease that the engine had already given up, and with it everything that was taken over meanwhile.
 *
 * `mayAct` is the guard. It is synchronous and asked before every effect; nothing here is a timer that must fire in time.
 */
import type { Clock } from '../otp/clock.js';
import type { Engine } from './engine.js';
import type { ClusterOptions } from './options.js';
import { readLease, writeRecord } from './record.js';
import type { Rules } from './rules.js';

export interface LeaseParts {
  readonly node: string;
  readonly addr: string;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly options: ClusterOptions;
  readonly rules: Rules;
  readonly onGranted: () => void;
  readonly onLost: (why: string) => void;
}

export class Lease {
  readonly #parts: LeaseParts;
  #inc = 0;
  #rev = 0;
  #deadlineMs = Number.NEGATIVE_INFINITY;
  #held = false;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /** Who this node is now; another one after each time it was fenced. */
  get inc(): number {
    return this.#inc;
  }

  /** How long it lasts without another renewal. */
  get leftMs(): number {
    return this.#held ? Math.max(0, Math.round(this.#deadlineMs - this.#parts.clock.now())) : 0;
  }

  /** Whether this node may act now. False tells that the lease is lost, once. */
  mayAct(): boolean {
    if (!this.#held) return false;
    if (this.#parts.rules.mayAct(this.#parts.clock.now(), this.#deadlineMs)) return true;
    this.#lose('its deadline passed before it was renewed');
    return false;
  }

  /** Asks for a lease under a new incarnation. */
  take(): void {
    const { node, engine, clock } = this.#parts;
    this.#held = false;
    // Higher than any before, also of another process under this name.
    this.#inc = Math.max(this.#inc + 1, Math.floor(clock.wallMs()));
    const inc = this.#inc;
    engine.get('nodes', node, (answer) => {
      if (inc !== this.#inc || answer.type === 'unknown') return;
      const standing = readLease(answer.entry?.value);
      if (standing && standing.inc >= inc) this.#inc = standing.inc + 1;
      this.#write(answer.entry?.value === undefined ? 0 : answer.entry.rev, true);
    });
  }

  /** Called once a second while it is held. */
  renew(): void {
    if (this.mayAct()) this.#write(this.#rev, false);
  }

  /** Gives it up: others need not wait for its end. */
  giveUp(): void {
    const { node, engine } = this.#parts;
    if (this.#held) engine.cas('nodes', node, '', this.#rev, () => {});
    this.drop();
  }

  /** Holds no lease any more; what is under way changes nothing. */
  drop(): void {
    this.#held = false;
    this.#deadlineMs = Number.NEGATIVE_INFINITY;
  }

  #write(rev: number, first: boolean): void {
    const { node, addr, engine, clock, options, rules } = this.#parts;
    const inc = this.#inc;
    const sentMs = clock.now();
    engine.cas('nodes', node, writeRecord({ inc, addr }), rev, (answer) => {
      if (inc !== this.#inc || (!first && !this.#held)) return;
      switch (answer.type) {
        case 'written':
          this.#rev = Math.max(this.#rev, answer.rev);
          this.#deadlineMs = Math.max(this.#deadlineMs, rules.deadlineMs(sentMs, clock.now(), options));
          if (first) this.#grant();
          break;
        case 'conflict':
          this.#readStanding(first);
          break;
        case 'unknown':
          // It may have been written. The next one is refused then, and reads.
          break;
      }
    });
  }

  #grant(): void {
    this.#held = true;
    this.#parts.onGranted();
  }

  /** Refused: by a renewal of our own whose answer was lost, or by somebody else. The truth is read. */
  #readStanding(first: boolean): void {
    const { node, engine, rules } = this.#parts;
    const inc = this.#inc;
    engine.get('nodes', node, (answer) => {
      if (inc !== this.#inc || answer.type === 'unknown') return;
      const standing = readLease(answer.entry?.value);
      if (rules.leaseLost(standing?.inc, inc)) {
        if (this.#held) this.#lose('somebody else holds it, or it has expired');
        return;
      }
      this.#rev = answer.entry?.rev ?? 0;
      // Of when the write that stands there was sent nothing is known, so the deadline stays where it is.
      if (first) this.#write(this.#rev, true);
    });
  }

  #lose(why: string): void {
    this.drop();
    this.#parts.onLost(why);
  }
}
