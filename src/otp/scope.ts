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
  #disposed: Promise<void> | undefined;
  #errors: unknown[] = [];
  /** What was released early and is not given back yet; the end of the scope waits for it too. */
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
    return this.#disposed !== undefined;
  }

  get size(): number {
    return this.#held.size;
  }

  /** What went wrong while giving things back. */
  get errors(): readonly unknown[] {
    return this.#errors;
  }

  /**
   * Holds something until it is released or the scope ends. On a scope that has ended it is given back at once: who comes
   * late must not leave anything behind.
   *
   * @param kind one word for the census: `socket`, `timer`, `listener`, `call`, `file`, `child_process`, …
   */
  acquire(kind: string, dispose: Dispose): Held {
    let released: Promise<void> | undefined;
    const entry: Entry = {
      kind,
      release: () => {
        if (released) return released;
        this.#held.delete(entry);
        this.#options.census.remove(kind, this.owner);
        released = this.#giveBack(dispose);
        if (released !== DONE && !this.closed) this.#awaitRelease(released);
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

  /** A scope that ends with this one, or earlier. Its things are counted under the same owner. */
  child(): Scope {
    const child = new Scope(this.#options);
    const held = this.acquire('scope', () => child.dispose());
    child.#onDisposed = () => void held.release();
    return child;
  }

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
   * given back. Idempotent. When nothing of it is asynchronous, all is given back before this returns, and `undefined` comes
   * instead of a promise.
   */
  dispose(): Promise<void> | undefined {
    if (this.#disposed) return this.#disposed;
    this.#abort?.abort();
    let pending: Promise<void> | undefined;
    this.#disposed = Promise.resolve();
    for (const entry of [...this.#held].reverse()) {
      if (pending) pending = pending.then(() => entry.release());
      else {
        const released = entry.release();
        if (released !== DONE) pending = released;
      }
    }
    if (this.#releasing) {
      const early = [...this.#releasing];
      pending = Promise.all(pending ? [pending, ...early] : early).then(() => {});
    }
    if (pending) this.#disposed = pending;
    this.#onDisposed?.();
    return pending;
  }

  #awaitRelease(released: Promise<void>): void {
    this.#releasing ??= new Set();
    const releasing = this.#releasing.add(released);
    void released.then(() => {
      releasing.delete(released);
      if (releasing.size === 0 && this.#releasing === releasing) this.#releasing = undefined;
    });
  }

  #giveBack(dispose: Dispose): Promise<void> {
    try {
      const pending = dispose();
      return pending ? pending.catch((error: unknown) => void this.#errors.push(error)) : DONE;
    } catch (error) {
      this.#errors.push(error);
      return DONE;
    }
  }
}

/** What a synchronous disposal answers; compared by identity, so that a synchronous scope ends synchronously. */
const DONE: Promise<void> = Promise.resolve();
