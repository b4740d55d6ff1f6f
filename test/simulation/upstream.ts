/**
 * The far ends of the gateway's channels. Whether one answers, refuses or is mute is decided when it is dialled; later it may
 * die. Each notes at once what the pool must never do to it.
 */
import type { ChannelConnector, ChannelListener } from '../../src/gateway/channel.js';
import type { GrpcChannel, GrpcChannelOptions } from '../../src/grpc/channel.js';
import type { Clock } from '../../src/otp/clock.js';
import type { Dice } from './dice.js';
import { CHANNELS_MAX } from './limits.js';
import type { Breach } from './wires.js';

/** Longest a channel's socket takes to go. */
const CLOSE_MS_MAX = 1_500;

export class Upstream {
  /** Channels that the pool has not closed. */
  readonly standing = new Set<FarEnd>();
  /** Told of each channel before it closes. */
  onClosing: (channel: FarEnd) => void = () => {};
  readonly connector: ChannelConnector<GrpcChannel, GrpcChannelOptions>;
  readonly #clock: Clock;
  readonly #dice: Dice;
  readonly #breach: Breach;
  #dialled = 0;

  constructor(clock: Clock, dice: Dice, breach: Breach) {
    this.#clock = clock;
    this.#dice = dice;
    this.#breach = breach;
    // What a channel is to its users is not looked at here.
    this.connector = { open: (target, _options, listener) => this.#dial(target, listener) as unknown as GrpcChannel };
  }

  #dial(target: string, listener: ChannelListener): FarEnd {
    this.#dialled += 1;
    for (const { target: other, label, state } of this.standing) {
      if (other === target && state === 'connecting')
        this.#breach(`I-pool: ${target} was dialled while ${label} was connecting`);
    }
    const farEnd = new FarEnd(`${target}#${this.#dialled}`, target, listener, this.#clock, this.#dice, (closing) => {
      if (!this.standing.has(closing)) this.#breach(`I-pool: ${closing.label} was closed twice`);
      this.onClosing(closing);
      this.standing.delete(closing);
    });
    this.standing.add(farEnd);
    if (this.standing.size > CHANNELS_MAX)
      this.#breach(`I-pool: ${this.standing.size} channels stand, ${CHANNELS_MAX} may`);
    return farEnd;
  }
}

export class FarEnd {
  readonly label: string;
  readonly target: string;
  state: 'connecting' | 'ready' | 'gone' = 'connecting';
  readonly #listener: ChannelListener;
  readonly #clock: Clock;
  readonly #closing: (channel: FarEnd) => void;
  readonly #closeMs: number;
  readonly #timer: unknown;

  constructor(
    label: string,
    target: string,
    listener: ChannelListener,
    clock: Clock,
    dice: Dice,
    closing: (channel: FarEnd) => void,
  ) {
    this.label = label;
    this.target = target;
    this.#listener = listener;
    this.#clock = clock;
    this.#closing = closing;
    this.#closeMs = dice.chance(0.5) ? 0 : dice.int(1, CLOSE_MS_MAX);
    const answer = dice.weighted({ ready: 7, failed: 2, nothing: 1 });
    const afterMs = dice.chance(0.4) ? 0 : dice.int(1, 5_000);
    if (answer !== 'nothing') this.#timer = clock.setTimeout(() => this.#answers(answer), afterMs);
  }

  /** The connection is gone, if there was one. */
  dies(): void {
    if (this.state !== 'ready') return;
    this.state = 'gone';
    this.#listener.lost();
  }

  close(): void | Promise<void> {
    this.#closing(this);
    this.state = 'gone';
    this.#clock.clearTimeout(this.#timer);
    if (this.#closeMs > 0) return new Promise((resolve) => void this.#clock.setTimeout(resolve, this.#closeMs));
  }

  #answers(answer: 'ready' | 'failed'): void {
    this.state = answer === 'ready' ? 'ready' : 'gone';
    if (answer === 'ready') this.#listener.ready();
    else this.#listener.failed(new Error('simulated: connection refused'));
  }
}
