/**
 * Whose turn it is with something that is given back slowly: the source of a camera, the line of a room, the target of an
 * uplink. When their supervisor crashes, the next one starts them anew at once, while what they held is still being closed; a newcomer opens
 * it when everybody before it has given everything back. Until then it is an attempt like any other that has not been
 * answered: the chart's own time limit runs. A monitor would not do: it tells that somebody has died, not that what it
 * held is gone.
 */
import { AsyncResource } from 'node:async_hooks';

/** What has been opened. */
export interface Opened {
  close(): void | Promise<void>;
}

/** One turn, behind that of whoever had the same name before. */
export class Turn {
  /** The turns before this one are over. */
  #mine = true;
  #ended = false;
  #closing = 0;
  #onMine: (() => void)[] = [];
  #onOver: (() => void)[] = [];

  constructor(before?: Turn) {
    if (!before || before.over) return;
    this.#mine = false;
    before.whenOver(() => {
      this.#mine = true;
      for (const fn of this.#onMine.splice(0)) fn();
      this.#tell();
    });
  }

  get over(): boolean {
    return this.#mine && this.#ended && this.#closing === 0;
  }

  /** What was opened is being given back, early; this turn is not over before. @param back never rejects. */
  async closing(back: Promise<void>): Promise<void> {
    this.#closing += 1;
    await back;
    this.#closing -= 1;
    this.#tell();
  }

  whenOver(fn: () => void): void {
    this.#onOver.push(fn);
  }

  /** Whoever has it has given everything back. */
  end(): void {
    this.#ended = true;
    this.#tell();
  }

  /** Calls `fn` as soon as it is this turn; at once where it is. What it does is the work of whoever waits. */
  whenMine(fn: () => void): void {
    if (this.#mine) fn();
    else this.#onMine.push(AsyncResource.bind(fn));
  }

  /** Opens it as soon as it is this turn; at once where it is. */
  open<T extends Opened>(open: () => T): T | { close(): Promise<void> } {
    if (this.#mine) return open();
    let opened: Opened | undefined;
    let wanted = true;
    const mine = new Promise<void>((resolve) => {
      this.whenMine(() => {
        if (wanted) opened = open();
        resolve();
      });
    });
    return {
      close: async () => {
        wanted = false;
        await mine;
        await opened?.close();
      },
    };
  }

  #tell(): void {
    if (this.over) for (const fn of this.#onOver.splice(0)) fn();
  }
}
