/**
 * Ownership. Whatever has to be given back (a socket, a call, a timer, a listener, a child process, a file) is acquired
 * through the scope of the actor that uses it, and is given back when that actor ends, whatever the reason, the youngest
 * first. The census of a system counts what all its scopes hold, by kind and by owner; after a stop it must be zero.
 *
 * A scope does not know actors. It is given an owner's name, a clock and somewhere to report a throw.
 */
import type { EventEmitter } from 'node:events';
import type { Census } from './census.js';
import type { Clock } from './clock.js';

/** Gives something back. May be asynchronous; an error is collected, and never keeps the others from being given back. */
export type Dispose = () => void | Promise<void>;

/** One held thing. `release` gives it back early; at most once, and never again when the scope ends. */
export interface Held {
  release(): Promise<void>;
}

export interface ScopeOptions {
  /** Who holds it, for the census: an actor's path. */
  readonly owner: string;
  readonly clock: Clock;
  readonly census: Census;
  /** Where a throw in a timer, listener or task of this scope goes: it becomes the crash of the owner. */
  readonly crash: (thrown: unknown) => void;
}

interface Entry extends Held {
  readonly kind: string;
}

export class Scope {
  readonly owner: string;
  readonly #options: ScopeOptions;
  readonly #held = new Set<Entry>();
  #abort: AbortController | undefined;
  #closed = false;
  /** Set while its end is asynchronous, and afterwards. */
  #disposed: Promise<void> | undefined;
  readonly #errors: unknown[] = [];
  /** What is being given back and is not yet; the end of the scope waits for all of it, also what was released early. */
  #releasing: Set<Promise<void>> | undefined;

  constructor(options: ScopeOptions) {
    this.owner = options.owner;
    this.#options = options;
  }

  /** Aborted at the very start of disposal, before anything is given back. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.closed) this.#abort.abort();
    return this.#abort.signal;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get size(): number {
    return this.#held.size;
  }

  /** What went wrong while giving things back; an `AbandonedError` for each thing that did not close in time. */
  get errors(): readonly unknown[] {
    return this.#errors;
  }

  /** The kinds of what was abandoned. It stays in the census until it is really given back. */
  get abandoned(): readonly string[] {
    return this.#errors.flatMap((error) => (error instanceof AbandonedError ? [error.kind] : []));
  }

  /**
   * Holds something until it is released or the scope ends. On a scope that has ended it is given back at once: who comes
   * late must not leave anything behind. What takes longer than five seconds to be given back is abandoned.
   *
   * @param kind one word for the census: `socket`, `timer`, `listener`, `call`, `file`, `child_process`, …
   */
  acquire(kind: string, dispose: Dispose): Held {
    return this.#hold(kind, dispose, GIVE_BACK_MS);
  }

  #hold(kind: string, dispose: () => Promise<void> | undefined | void, limitMs: number | undefined): Held {
    let released: Promise<void> | undefined;
    const entry: Entry = {
      kind,
      release: () => {
        if (released) return released;
        this.#held.delete(entry);
        // Set before it is known: what is given back may ask for its own release.
        released = DONE;
        released = this.#giveBack(kind, dispose, limitMs);
        return released;
      },
    };
    this.#held.add(entry);
    this.#options.census.add(kind, this.owner);
    if (this.closed) void entry.release();
    return entry;
  }

  /** Calls `fn` once after `ms` milliseconds, unless released before. */
  timer(ms: number, fn: () => void): Held {
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => {
      void held.release();
      this.guard(fn);
    }, ms);
    const held = this.acquire('timer', () => clock.clearTimeout(timer));
    return held;
  }

  /** Calls `fn` every `ms` milliseconds; the next wait begins when `fn` has returned. */
  interval(ms: number, fn: () => void): Held {
    const { clock } = this.#options;
    const arm = (): unknown =>
      clock.setTimeout(() => {
        this.guard(fn);
        if (this.#held.has(held as Entry)) timer = arm();
      }, ms);
    let timer = arm();
    const held = this.acquire('timer', () => clock.clearTimeout(timer));
    return held;
  }

  /** Listens until released. A throw in the listener is a crash of the owner, not of the emitter. */
  listen<A extends unknown[]>(emitter: EventEmitter, event: string, listener: (...args: A) => void): Held {
    const guarded = (...args: unknown[]): void => this.guard(() => listener(...(args as A)));
    emitter.on(event, guarded);
    return this.acquire('listener', () => {
      emitter.off(event, guarded);
    });
  }

  /** Runs asynchronous work of the owner. A rejection is a crash of the owner, unless the scope has ended meanwhile. */
  task(work: (signal: AbortSignal) => Promise<void>): void {
    const held = this.acquire('task', () => {});
    void work(this.signal)
      .catch((thrown: unknown) => {
        if (!this.closed) this.#options.crash(thrown);
      })
      .finally(() => held.release());
  }

  /** A scope that ends with this one, or earlier. Its things are counted under the same owner, its errors are also ours. */
  child(): Scope {
    const child = new Scope(this.#options);
    // Without a limit of its own: each of the things in it has one.
    const held = this.#hold('scope', () => child.dispose(), undefined);
    child.#onDisposed = () => void held.release();
    child.#onError = (error) => this.#record(error);
    return child;
  }

  #onError: ((error: unknown) => void) | undefined;
  #onDisposed: (() => void) | undefined;

  /** Runs `fn`; a throw becomes the crash of the owner. */
  guard(fn: () => void): void {
    try {
      fn();
    } catch (thrown) {
      this.#options.crash(thrown);
    }
  }

  /**
   * Gives everything back, the youngest first, one after the other, and waits for what was released before and is not yet
   * given back. A thing that does not close within five seconds is abandoned, and the next has its turn. Idempotent. When
   * nothing of it is asynchronous, all is given back before this returns, and `undefined` comes instead of a promise.
   */
  dispose(): Promise<void> | undefined {
    if (this.#closed) return this.#disposed;
    this.#closed = true;
    this.#abort?.abort();
    const left = [...this.#held];
    for (let entry = left.pop(); entry; entry = left.pop()) {
      const released = entry.release();
      if (released === DONE) continue;
      this.#disposed = this.#disposeRest(released, left);
      break;
    }
    if (!this.#disposed && this.#releasing) this.#disposed = this.#disposeRest(DONE, left);
    this.#onDisposed?.();
    return this.#disposed;
  }

  async #disposeRest(first: Promise<void>, left: Entry[]): Promise<void> {
    await first;
    for (let entry = left.pop(); entry; entry = left.pop()) await entry.release();
    // Those too who were released early, and those who came late.
    while (this.#releasing) await Promise.all(this.#releasing);
  }

  #giveBack(kind: string, dispose: () => Promise<void> | undefined | void, limitMs: number | undefined): Promise<void> {
    const { census } = this.#options;
    let closing: Promise<void> | undefined | void;
    try {
      closing = dispose();
    } catch (error) {
      this.#record(error);
    }
    if (!closing) {
      census.remove(kind, this.owner);
      return DONE;
    }
    const closed = closing.catch((error: unknown) => this.#record(error)).then(() => census.remove(kind, this.owner));
    const released = limitMs === undefined ? closed : this.#within(limitMs, kind, closed);
    this.#releasing ??= new Set();
    this.#releasing.add(released);
    void released.then(() => {
      this.#releasing?.delete(released);
      if (this.#releasing?.size === 0) this.#releasing = undefined;
    });
    return released;
  }

  /** Waits for `closed`, and no longer than `limitMs`. */
  #within(limitMs: number, kind: string, closed: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const limit = clock.setTimeout(() => {
        this.#record(new AbandonedError(kind, this.owner, limitMs));
        resolve();
      }, limitMs);
      void closed.then(() => {
        clock.clearTimeout(limit);
        resolve();
      });
    });
  }

  #record(error: unknown): void {
    this.#errors.push(error);
    this.#onError?.(error);
  }
}

/** How long one thing may take to be given back before it is abandoned. */
const GIVE_BACK_MS = 5_000;

/** Something was not given back in time. Nobody waits for it any longer; it may still close. */
export class AbandonedError extends Error {
  readonly kind: string;

  constructor(kind: string, owner: string, afterMs: number) {
    super(`${owner}: ${kind} was not given back within ${afterMs} ms`);
    this.name = 'AbandonedError';
    this.kind = kind;
  }
}

/** What a synchronous disposal answers; compared by identity, so that a synchronous scope ends synchronously. */
const DONE: Promise<void> = Promise.resolve();
