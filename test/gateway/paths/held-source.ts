/** A source that does nothing by itself: it answers, delivers, fails and closes when the test says so. */
import { expect } from 'vitest';
import type { FrameSource, SourceAttempt, SourceError, SourceListener } from '../../../src/gateway/frame-source.js';

export class HeldAttempt implements SourceAttempt {
  readonly listener: SourceListener;
  closing = false;
  closed = false;
  #resolve: () => void = () => {};

  constructor(listener: SourceListener) {
    this.listener = listener;
  }

  close(): Promise<void> {
    expect(this.closing, 'an attempt is closed once').toBe(false);
    this.closing = true;
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** It is gone: socket, timers and all. */
  finish(): void {
    this.closed = true;
    this.#resolve();
  }
}

export class HeldSource implements FrameSource {
  readonly kind = 'held';
  readonly label = 'held:';
  readonly attempts: HeldAttempt[] = [];

  open(listener: SourceListener): SourceAttempt {
    expect(this.alive, 'attempts alive when another is opened').toEqual([]);
    const attempt = new HeldAttempt(listener);
    this.attempts.push(attempt);
    return attempt;
  }

  /** Attempts that are not gone. */
  get alive(): readonly HeldAttempt[] {
    return this.attempts.filter(({ closed }) => !closed);
  }

  /** The attempt that is open and not being closed. */
  get current(): HeldAttempt | undefined {
    return this.attempts.find(({ closing }) => !closing);
  }

  picture(): void {
    this.current?.listener.picture({ contentType: 'image/jpeg', data: Buffer.from('picture') });
  }

  fail(error: SourceError): void {
    this.current?.listener.failed(error);
  }
}
