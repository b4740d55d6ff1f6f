/**
 * The far ends of uplinks. What an attempt meets is decided when it is opened: it is refused, hangs, is accepted and hears
 * nothing, or hears words until they cease, break off or are taken back for good; an unruly one is talked to while it is
 * closed and afterwards. A peer counts who is at it, over all lives of its uplink, and notes at once who should not be.
 */
import type { UplinkAttempt, UplinkAttemptOptions, UplinkListener } from '../../src/gateway/uplink-transport.js';
import type { Stage } from './stage.js';
import type { UplinkLife } from './uplink-life.js';

/** Longest an attempt takes to be given back: shorter than the patience of the uplink and of the kernel. */
const CLOSE_MS_MAX = 3_000;

export class Peer {
  readonly id: string;
  /** Attempts that are not given back. */
  readonly attempts = new Set<PeerAttempt>();
  /** Its uplink as it was made last, and how often it was. */
  life: UplinkLife | undefined;
  lives = 0;
  /** Nobody wants it any more: since this step, and since an earlier one. */
  unwanted = false;
  forgotten = false;
  /** Whoever wanted it to end was told that it has. */
  ended = false;
  /** It was told to be over, so often; with an error where it was refused for good. */
  readonly overs: (Error | undefined)[] = [];
  /** Whom it has refused for good. */
  refused: UplinkLife | undefined;
  /** What goes over its connection hangs until somebody comes over a new one. */
  stuck = false;
  readonly stage: Stage;

  constructor(id: string, stage: Stage) {
    this.id = id;
    this.stage = stage;
  }

  open(life: UplinkLife, listener: UplinkListener, how: UplinkAttemptOptions): UplinkAttempt {
    const { breach } = this.stage.world;
    if (this.attempts.size > 0)
      breach(`I-attempt: ${this.id} is dialled while ${this.attempts.size} attempts are open`);
    if (this.forgotten) breach(`I-attempt: ${this.id} is dialled, and nobody wants it`);
    if (this.refused === life || this.refused?.refused)
      breach(`I-uplink: ${this.id} is dialled, and has refused for good`);
    if (!life.alive) breach(`I-attempt: ${this.id} is dialled by an uplink that has ended`);
    if (how.fresh) this.stuck = false;
    const attempt = new PeerAttempt(this, life, listener, how);
    return attempt;
  }

  /** The attempt that is open and not being closed. */
  get current(): PeerAttempt | undefined {
    for (const attempt of this.attempts) if (!attempt.closing) return attempt;
    return undefined;
  }
}

export class PeerAttempt implements UplinkAttempt {
  /** It has said something, first and last; and it is over at its end. */
  spokeAtMs: number | undefined;
  lastWordMs = 0;
  over = false;
  closedAtMs = 0;
  closing = false;
  lastBeatMs = 0;
  readonly #peer: Peer;
  readonly #listener: UplinkListener;
  readonly #closeMs: number;
  readonly #unruly: boolean;
  readonly #life: UplinkLife;
  #paceMs = 0;
  #wordsLeft = 0;
  #timer: unknown;

  constructor(peer: Peer, life: UplinkLife, listener: UplinkListener, { scope, fresh }: UplinkAttemptOptions) {
    this.#peer = peer;
    this.#life = life;
    this.#listener = listener;
    const { dice } = peer.stage;
    this.#closeMs = dice.chance(0.5) ? 0 : dice.int(1, CLOSE_MS_MAX);
    this.#unruly = dice.chance(0.3);
    peer.attempts.add(this);
    life.dialled(this, fresh);
    scope.acquire('simulated_attempt', () => this.#close());
    if (dice.chance(0.1)) this.#answer();
    else this.#in(dice.chance(0.5) ? 0 : dice.int(1, 3_000), () => this.#answer());
  }

  beat(): void {
    const { id, stage } = this.#peer;
    if (this.closing || this.spokeAtMs === undefined)
      stage.world.breach(`I-uplink: ${id} is beaten to and is not live`);
    this.lastBeatMs = stage.world.clock.now();
  }

  /** A word, if anybody listens; what is stuck says nothing. */
  speak(): void {
    if (this.over || this.#peer.stuck) return;
    const nowMs = this.#peer.stage.world.clock.now();
    this.spokeAtMs ??= nowMs;
    this.lastWordMs = nowMs;
    this.#listener.opened();
    this.#listener.heard();
  }

  fail(final: boolean): void {
    if (this.over || this.#peer.stuck) return;
    this.over = true;
    this.#peer.stage.world.clock.clearTimeout(this.#timer);
    this.#life.lost(this);
    // Beside other deeds of the same step the uplink may be at its end already, and hear nothing.
    if (final && this.#peer.stage.calm) this.#peer.refused = this.#life;
    this.#listener.failed(new Error('simulated: connection reset'), final);
  }

  /** It says nothing more by itself. */
  hush(): void {
    this.#peer.stage.world.clock.clearTimeout(this.#timer);
  }

  #in(ms: number, then: () => void): void {
    this.#timer = this.#peer.stage.world.clock.setTimeout(then, ms);
  }

  #answer(): void {
    if (this.over || this.#peer.stuck) return;
    const { dice } = this.#peer.stage;
    const how = dice.weighted({ speaks: 7, refuses: 4, mute: 1, nothing: 1, 'refuses for good': 0.2 });
    if (how === 'nothing') return;
    if (how === 'refuses' || how === 'refuses for good') {
      this.fail(how === 'refuses for good');
      return;
    }
    this.#listener.opened();
    if (how === 'mute') return;
    this.#paceMs = dice.int(500, 9_000);
    this.#wordsLeft = dice.chance(0.3) ? dice.int(0, 3) : dice.int(4, 40);
    this.#in(dice.chance(0.5) ? 0 : dice.int(1, 3_000), () => this.#talk());
  }

  #talk(): void {
    const { dice } = this.#peer.stage;
    this.speak();
    this.#wordsLeft -= 1;
    if (this.#wordsLeft >= 0) this.#in(this.#paceMs, () => this.#talk());
    else if (dice.chance(0.4)) this.#in(this.#paceMs, () => this.fail(dice.chance(0.1)));
  }

  #close(): Promise<void> | undefined {
    const { stage, attempts } = this.#peer;
    this.closing = true;
    this.closedAtMs = stage.world.clock.now();
    if (!this.over) this.#life.lost(this);
    this.over = true;
    stage.world.clock.clearTimeout(this.#timer);
    if (this.#unruly) this.#babble();
    const gone = (): void => {
      attempts.delete(this);
      // The next one may have begun by then.
      if (this.#unruly) stage.world.clock.setTimeout(() => this.#babble(), stage.dice.int(0, 9_000));
    };
    if (this.#closeMs === 0) {
      gone();
      return undefined;
    }
    return new Promise<void>((resolve) => {
      stage.world.clock.setTimeout(() => {
        gone();
        resolve();
      }, this.#closeMs);
    });
  }

  /** What is said on an attempt that has been given up must not be heard. */
  #babble(): void {
    this.#listener.opened();
    this.#listener.heard();
    this.#listener.failed(new Error('simulated: said after its end'), true);
  }
}
