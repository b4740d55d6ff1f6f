/**
 * The cameras' sources. What an attempt does is decided when it is opened: it answers late or never, delivers, freezes, fails,
 * and takes its time to close. Each source counts its attempts that are open, for I-attempt.
 */
import {
  type FrameSource,
  type SourceAttempt,
  SourceError,
  type SourceListener,
} from '../../src/gateway/frame-source.js';
import type { Clock } from '../../src/otp/clock.js';
import type { Dice } from './dice.js';
import type { Breach } from './wires.js';

/** Longest a source takes to close. Shorter than what the kernel waits before it abandons what is held. */
const CLOSE_MS_MAX = 3_000;

export class SimulatedSource implements FrameSource {
  readonly kind = 'simulated';
  readonly label: string;
  /** Attempts that are not closed yet. */
  readonly attempts = new Set<Attempt>();
  readonly #dice: Dice;
  readonly #breach: Breach;

  constructor(url: string, dice: Dice, breach: Breach) {
    this.label = url;
    this.#dice = dice;
    this.#breach = breach;
  }

  open(listener: SourceListener, { clock }: { readonly clock: Clock }): SourceAttempt {
    if (this.attempts.size > 0) this.#breach(`I-attempt: ${this.label} was opened while an attempt was open`);
    const attempt = new Attempt(listener, clock, this.#dice, () => this.attempts.delete(attempt));
    this.attempts.add(attempt);
    return attempt;
  }

  /** Something happens at the far end now, if there is anybody. */
  disturb(what: Disturbance): void {
    for (const attempt of [...this.attempts]) attempt.disturb(what);
  }
}

export type Disturbance = 'burst' | 'freeze' | 'fail';

class Attempt implements SourceAttempt {
  readonly #listener: SourceListener;
  readonly #clock: Clock;
  readonly #gone: () => void;
  readonly #closeMs: number;
  readonly #paceMs: number;
  #picturesLeft: number;
  #finally: 'freeze' | 'fail' | 'fail for good';
  #timer: unknown;
  #over = false;
  #closed: Promise<void> | undefined;

  constructor(listener: SourceListener, clock: Clock, dice: Dice, gone: () => void) {
    this.#listener = listener;
    this.#clock = clock;
    this.#gone = gone;
    this.#closeMs = dice.chance(0.5) ? 0 : dice.int(1, CLOSE_MS_MAX);
    this.#paceMs = dice.int(30, 2_000);
    this.#picturesLeft = dice.chance(0.2) ? 0 : dice.int(1, 60);
    this.#finally = dice.weighted({ freeze: 4, fail: 5, 'fail for good': 0.3 });
    if (dice.chance(0.1)) return; // It never answers.
    this.#timer = clock.setTimeout(() => this.#opened(), dice.chance(0.3) ? 0 : dice.int(1, 6_000));
  }

  disturb(what: Disturbance): void {
    if (this.#over) return;
    if (what === 'burst') for (let picture = 0; picture < 20; picture += 1) this.#picture();
    else if (what === 'freeze') this.#picturesLeft = 0;
    else this.#fail(false);
  }

  close(): Promise<void> {
    this.#over = true;
    this.#clock.clearTimeout(this.#timer);
    this.#closed ??= new Promise((resolve) => {
      const end = (): void => {
        this.#gone();
        resolve();
      };
      if (this.#closeMs === 0) queueMicrotask(end);
      else this.#clock.setTimeout(end, this.#closeMs);
    });
    return this.#closed;
  }

  #opened(): void {
    this.#listener.opened();
    this.#next();
  }

  #next(): void {
    if (!this.#over) this.#timer = this.#clock.setTimeout(() => this.#beat(), this.#paceMs);
  }

  #beat(): void {
    if (this.#picturesLeft > 0) {
      this.#picturesLeft -= 1;
      this.#picture();
      this.#next();
    } else if (this.#finally !== 'freeze') this.#fail(this.#finally === 'fail for good');
  }

  #picture(): void {
    this.#listener.picture({ contentType: 'image/jpeg', data: Buffer.from('picture') });
  }

  #fail(final: boolean): void {
    this.#over = true;
    this.#clock.clearTimeout(this.#timer);
    this.#listener.failed(new SourceError('simulated: the source failed', { final }));
  }
}
