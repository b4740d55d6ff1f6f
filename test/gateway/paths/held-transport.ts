/** A transport that does nothing by itself: it accepts, speaks, fails and closes when the test says so. */
import { expect } from 'vitest';
import type {
  UplinkAttempt,
  UplinkAttemptOptions,
  UplinkListener,
  UplinkTransport,
} from '../../../src/gateway/uplink-transport.js';

export class HeldUplinkAttempt implements UplinkAttempt {
  readonly listener: UplinkListener;
  readonly fresh: boolean;
  beats = 0;
  closing = false;
  closed = false;
  #resolve: () => void = () => {};

  constructor(listener: UplinkListener, { scope, fresh }: UplinkAttemptOptions, quick: boolean) {
    this.listener = listener;
    this.fresh = fresh;
    scope.acquire('held_attempt', () => {
      this.closing = true;
      if (quick) {
        this.closed = true;
        return undefined;
      }
      return new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    });
  }

  beat(): void {
    expect(this.closing, 'a beat after the end').toBe(false);
    this.beats += 1;
  }

  /** It is gone: calls, timers and all. */
  finish(): void {
    this.closed = true;
    this.#resolve();
  }
}

export class HeldTransport implements UplinkTransport {
  readonly label = 'held';
  readonly attempts: HeldUplinkAttempt[] = [];
  /** Attempts are closed as soon as they are asked to. */
  readonly #quick: boolean;

  constructor({ quick = false } = {}) {
    this.#quick = quick;
  }

  open(listener: UplinkListener, how: UplinkAttemptOptions): UplinkAttempt {
    const attempt = new HeldUplinkAttempt(listener, how, this.#quick);
    this.attempts.push(attempt);
    return attempt;
  }

  /** Attempts that are not gone. */
  get alive(): readonly HeldUplinkAttempt[] {
    return this.attempts.filter(({ closed }) => !closed);
  }

  /** The attempt that is open and not being closed. */
  get current(): HeldUplinkAttempt | undefined {
    return this.attempts.find(({ closing }) => !closing);
  }
}
