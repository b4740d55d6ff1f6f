/**
 * The cameras' sources. What an attempt does is decided when it is opened: it answers late or never, refuses, delivers,
 * freezes, fails, and takes its time to close; an unruly one goes on talking while it closes. Each source counts its
 * attempts that are open, for I-attempt.
 */
import {
  type FrameSource,
  type SourceAttempt,
  SourceError,
  type SourceListener,
} from '../../src/gateway/frame-source.js';
import type { Clock } from '../../src/otp/clock.js';
import type { Dice } from './dice.js';
import type { Ledger, Maker } from './ledger.js';
import type { Breach } from './wires.js';

/** Longest a source takes to close. Shorter than what the kernel waits before it abandons what is held. */
export const CLOSE_MS_MAX = 3_000;

export interface SourceParts {
  readonly dice: Dice;
  readonly ledger: Ledger;
  readonly breach: Breach;
  /** Attempts at this label, whichever object makes them: a camera that is started anew has a new source. */
  readonly others: (label: string) => Iterable<SimulatedSource>;
}

export class SimulatedSource implements FrameSource {
  readonly kind = 'simulated';
  readonly label: string;
  /** Attempts that are not closed yet. */
  readonly attempts = new Set<Attempt>();
  /** Its camera was taken away: it must never be opened again. */
  removed = false;
  /** Told of each attempt that begins. */
  onOpen: () => void = () => {};
  readonly #parts: SourceParts;
  #opened = 0;

  constructor(url: string, parts: SourceParts) {
    this.label = url;
    this.#parts = parts;
  }

  open(listener: SourceListener, { clock }: { readonly clock: Clock }): SourceAttempt {
    const { breach, dice, ledger, others } = this.#parts;
    for (const other of others(this.label))
      if (other.attempts.size > 0) breach(`I-attempt: ${this.label} was opened while an attempt was open`);
    if (this.removed) breach(`I-attempt: ${this.label} was opened after its camera was taken away`);
    this.#opened += 1;
    this.onOpen();
    const maker = ledger.maker(`${this.label}#${this.#opened}@${clock.now()}`);
    const attempt = new Attempt(listener, { clock, dice, maker, gone: () => this.attempts.delete(attempt) });
    this.attempts.add(attempt);
    return attempt;
  }

  /** The attempt that is open and not being closed. */
  get current(): Attempt | undefined {
    for (const attempt of this.attempts) if (!attempt.closing) return attempt;
    return undefined;
  }

  /** Something happens at the far end now, if there is anybody. */
  disturb(what: Disturbance): void {
    for (const attempt of [...this.attempts]) attempt.disturb(what);
  }
}

export type Disturbance = 'burst' | 'freeze' | 'thaw' | 'end' | 'fail';

interface AttemptParts {
  readonly clock: Clock;
  readonly dice: Dice;
  readonly maker: Maker;
  readonly gone: () => void;
}

class Attempt implements SourceAttempt {
  readonly openedAtMs: number;
  answeredAtMs: number | undefined;
  lastPictureAtMs: number | undefined;
  readonly #listener: SourceListener;
  readonly #parts: AttemptParts;
  readonly #closeMs: number;
  readonly #paceMs: number;
  readonly #unruly: boolean;
  #picturesLeft: number;
  #finally: 'freeze' | 'fail' | 'fail for good';
  #timer: unknown;
  #over = false;
  #closed: Promise<void> | undefined;

  constructor(listener: SourceListener, parts: AttemptParts) {
    const { clock, dice } = parts;
    this.#listener = listener;
    this.#parts = parts;
    this.openedAtMs = clock.now();
    this.#closeMs = dice.chance(0.5) ? 0 : dice.int(1, CLOSE_MS_MAX);
    this.#paceMs = dice.int(30, 2_000);
    this.#unruly = dice.chance(0.3);
    this.#picturesLeft = dice.chance(0.2) ? 0 : dice.int(1, 60);
    this.#finally = dice.weighted({ freeze: 4, fail: 5, 'fail for good': 0.3 });
    const answer = dice.weighted({ opened: 8, refused: 1.5, nothing: 1 });
    if (answer === 'nothing') return;
    const afterMs = dice.chance(0.3) ? 0 : dice.int(1, 6_000);
    this.#timer = clock.setTimeout(() => (answer === 'opened' ? this.#opened() : this.#fail(false)), afterMs);
  }

  get closing(): boolean {
    return this.#closed !== undefined;
  }

  /** Pictures of it that became no frame. */
  get unframed(): number {
    return this.#parts.maker.made - this.#parts.maker.framed;
  }

  disturb(what: Disturbance): void {
    // What is being closed may still talk, and must not be heard.
    if (this.closing && this.#unruly && what !== 'freeze') this.#babble();
    if (this.#over) return;
    if (what === 'burst') for (let picture = 0; picture < 20; picture += 1) this.#picture();
    else if (what === 'freeze') this.#picturesLeft = 0;
    else if (what === 'thaw') this.#thaw();
    else this.#fail(false);
  }

  close(): Promise<void> {
    const { clock, gone, maker } = this.#parts;
    this.#over = true;
    maker.over = true;
    clock.clearTimeout(this.#timer);
    this.#closed ??= new Promise((resolve) => {
      const end = (): void => {
        gone();
        if (this.#unruly) this.#babble();
        resolve();
      };
      if (this.#closeMs === 0) queueMicrotask(end);
      else clock.setTimeout(end, this.#closeMs);
    });
    return this.#closed;
  }

  #opened(): void {
    this.answeredAtMs = this.#parts.clock.now();
    this.#listener.opened();
    this.#next();
  }

  #next(): void {
    if (!this.#over) this.#timer = this.#parts.clock.setTimeout(() => this.#beat(), this.#paceMs);
  }

  #beat(): void {
    if (this.#picturesLeft > 0) {
      this.#picturesLeft -= 1;
      this.#picture();
      this.#next();
    } else if (this.#finally !== 'freeze') this.#fail(this.#finally === 'fail for good');
  }

  /** Frozen or not: one more picture, and a few after it. */
  #thaw(): void {
    this.#picture();
    if (this.#over || this.#picturesLeft > 0) return;
    this.#picturesLeft = 5;
    this.#parts.clock.clearTimeout(this.#timer);
    this.#next();
  }

  #picture(): void {
    const { clock, maker } = this.#parts;
    this.answeredAtMs ??= clock.now();
    this.lastPictureAtMs = clock.now();
    this.#listener.picture({ contentType: 'image/jpeg', data: maker.next() });
  }

  #babble(): void {
    this.#listener.opened();
    this.#listener.picture({ contentType: 'image/jpeg', data: this.#parts.maker.next() });
    this.#listener.failed(new SourceError('simulated: said after its end', { final: true }));
  }

  #fail(final: boolean): void {
    this.#over = true;
    this.#parts.clock.clearTimeout(this.#timer);
    this.#listener.failed(new SourceError('simulated: the source failed', { final }));
  }
}
