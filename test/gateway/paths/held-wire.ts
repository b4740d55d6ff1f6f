/** Wires that take what they are given when the test says so, and that know when they are misused. */
import { expect } from 'vitest';
import type { Frame } from '../../../src/gateway/frame.js';
import type { ControlWire, FrameWire, ServerWord } from '../../../src/gateway/transport.js';
import type { ExitReason } from '../../../src/otp/exit-reason.js';

export class HeldWire implements FrameWire {
  readonly ends: ExitReason[] = [];
  readonly frames: Frame[] = [];
  /** Takes everything as soon as it comes. */
  quick = false;
  #done: ((error?: Error | null) => void) | undefined;

  get writing(): boolean {
    return this.#done !== undefined;
  }

  write(frame: Frame, done: (error?: Error | null) => void): void {
    expect(this.writing, 'a second write before the first is done').toBe(false);
    expect(this.ends, 'a write after the end').toEqual([]);
    this.frames.push(frame);
    if (this.quick) done();
    else this.#done = done;
  }

  end(reason: ExitReason): void {
    this.ends.push(reason);
  }

  /** The write in hand is done, or has failed. */
  complete(error?: Error): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }

  /** The write in hand is done, and so is whatever follows it. */
  completeAll(): void {
    this.quick = true;
    this.complete();
    this.quick = false;
  }
}

export class RecordedControl implements ControlWire {
  readonly words: ServerWord[] = [];
  readonly ends: ExitReason[] = [];

  send(word: ServerWord, done?: () => void): void {
    expect(this.ends, `"${word.type}" after the end`).toEqual([]);
    this.words.push(word);
    done?.();
  }

  end(reason: ExitReason): void {
    this.ends.push(reason);
  }

  of<T extends ServerWord['type']>(type: T): readonly Extract<ServerWord, { type: T }>[] {
    return this.words.filter((word): word is Extract<ServerWord, { type: T }> => word.type === type);
  }
}
