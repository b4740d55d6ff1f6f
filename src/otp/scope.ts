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
import { type Dispose, type Held, Thing } from './thing.js';

export type { Dispose, Held } from './thing.js';

/** Who holds it; a process is one. */
export interface ScopeOptions {
  /** Who holds it, for the census: an actor's path. */
  readonly owner: string;
  readonly clock: Clock;
  readonly census: Census;
  /** Whether anybody wants to know how long its work takes; and who is told. */
  readonly measured?: boolean;
  worked?(what: string, ms: number): void;
  /** Where a throw in a timer, listener or task of this scope goes: it becomes the crash of the owner. */
  crash(thrown: unknown): void;
}

export class Scope {
  readonly #options: ScopeOptions;
  /** Each thing knows the one that was acquired before it. */
  #youngest: Thing<Scope> | undefined;
  #abort: AbortController | undefined;
  #closed = false;
  /** Set while its end is asynchronous, and afterwards. */
  #disposed: Promise<void> | undefined;
  #errors: unknown[] | undefined;
  /** What is being given back and is not yet; the end of the scope waits for all of it, also what was released early. */
  #releasing: Set<Promise<void>> | undefined;
  /** The scope that this is a child of, and itself as a thing there. */
  #above: { readonly scope: Scope; readonly held: Held } | undefined;

  constructor(options: ScopeOptions) {
    this.#options = options;
  }

  get owner(): string {
    return this.#options.owner;
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
    let size = 0;
    for (let thing = this.#youngest; thing; thing = thing.older) size += 1;
    return size;
  }

  /** What is held, by kind, with what its child scopes hold. What is being given back is the census's to tell. */
  holds(counts: Record<string, number> = {}): Readonly<Record<string, number>> {
    const things: Thing<Scope>[] = [];
    for (let thing = this.#youngest; thing; thing = thing.older) things.unshift(thing);
    for (const { kind, content } of things) {
      counts[kind] = (counts[kind] ?? 0) + 1;
      if (content instanceof Scope) content.holds(counts);
    }
    return counts;
  }

  /** What went wrong while giving things back; an `AbandonedError` for each thing that did not close in time. */
  get errors(): readonly unknown[] {
    return this.#errors ?? NOBODY;
  }

  /** The kinds of what was abandoned. It stays in the census until it is really given back. */
  get abandoned(): readonly string[] {
    if (!this.#errors) return NOBODY;
    return this.#errors.flatMap((error) => (error instanceof AbandonedError ? [error.kind] : []));
  }

  /**
   * Holds something until it is released or the scope ends. On a scope that has ended it is given back at once: who comes
   * late must not leave anything behind. What takes longer than five seconds to be given back is abandoned.
   *
   * @param kind one word for the census: `socket`, `timer`, `listener`, `call`, `file`, `child_process`, …
   */
  acquire(kind: string, dispose: Dispose): Held {
    return this.#hold(kind, dispose);
  }

  #hold(kind: string, content: Dispose | Scope): Thing<Scope> {
    const thing = new Thing<Scope>(this, kind, content);
    const older = this.#youngest;
    thing.older = older;
    if (older) older.younger = thing;
    this.#youngest = thing;
    this.#options.census.add(thing);
    if (this.closed) void thing.release();
    return thing;
  }

  /** For its things only: this one is no longer among them. */
  letGo(thing: Thing<Scope>): void {
    const { older, younger } = thing;
    if (younger) younger.older = older;
    else if (this.#youngest === thing) this.#youngest = older;
    if (older) older.younger = younger;
    thing.older = undefined;
    thing.younger = undefined;
  }

  /** Calls `fn` once after `ms` milliseconds, unless released before. */
  timer(ms: number, fn: () => void): Held {
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => {
      void held.release();
      this.guard(fn, 'timer');
    }, ms);
    const held = this.acquire('timer', () => clock.clearTimeout(timer));
    return held;
  }

  /** Calls `fn` every `ms` milliseconds; the next wait begins when `fn` has returned. */
  interval(ms: number, fn: () => void): Held {
    const { clock } = this.#options;
    const arm = (): unknown =>
      clock.setTimeout(() => {
        this.guard(fn, 'timer');
        if (held.standing) timer = arm();
      }, ms);
    let timer = arm();
    const held = this.#hold('timer', () => clock.clearTimeout(timer));
    return held;
  }

  /** Listens until released. A throw in the listener is a crash of the owner, not of the emitter. */
  listen<A extends unknown[]>(emitter: EventEmitter, event: string, listener: (...args: A) => void): Held {
    const guarded = (...args: unknown[]): void => this.guard(() => listener(...(args as A)), `listener ${event}`);
    emitter.on(event, guarded);
    return this.acquire('listener', () => {
      emitter.off(event, guarded);
    });
  }

  /** Runs asynchronous work of the owner. A rejection is a crash of the owner, unless the scope has ended meanwhile. */
  task(work: (signal: AbortSignal) => Promise<void>): void {
    const held = this.acquire('task', () => {});
    // Until it first waits; what it goes on with later, nobody calls.
    let begun: Promise<void> = DONE;
    this.guard(() => {
      begun = work(this.signal);
    }, 'task');
    void begun
      .catch((thrown: unknown) => {
        if (!this.closed) this.#options.crash(thrown);
      })
      .finally(() => held.release());
  }

  /** A scope that ends with this one, or earlier. Its things are counted under the same owner, its errors are also ours. */
  child(): Scope {
    const child = new Scope(this.#options);
    child.#above = { scope: this, held: this.#hold('scope', child) };
    return child;
  }

  /** Runs `fn`; a throw becomes the crash of the owner. @param what it is, for whoever asks what took so long. */
  guard(fn: () => void, what = 'callback'): void {
    const beganMs = this.#options.measured ? performance.now() : 0;
    try {
      fn();
    } catch (thrown) {
      this.#options.crash(thrown);
    }
    if (beganMs > 0) this.#options.worked?.(what, performance.now() - beganMs);
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
    for (let thing = this.#youngest; thing; thing = this.#youngest) {
      const released = thing.release();
      if (released === DONE) continue;
      this.#disposed = this.#disposeRest(released);
      break;
    }
    if (!this.#disposed && this.#releasing) this.#disposed = this.#disposeRest(DONE);
    void this.#above?.held.release();
    return this.#disposed;
  }

  async #disposeRest(first: Promise<void>): Promise<void> {
    await first;
    for (let thing = this.#youngest; thing; thing = this.#youngest) await thing.release();
    // Those too who were released early, and those who came late.
    while (this.#releasing) await Promise.all(this.#releasing);
  }

  /** For its things only: gives one back, and says when that is done. */
  giveBack(thing: Thing<Scope>): Promise<void> {
    const { census } = this.#options;
    const { content } = thing;
    let closing: Promise<void> | undefined | void;
    try {
      closing = content instanceof Scope ? content.dispose() : content();
    } catch (error) {
      this.#record(error);
    }
    if (!closing) {
      census.remove(thing);
      return DONE;
    }
    const closed = closing.catch((error: unknown) => this.#record(error)).then(() => census.remove(thing));
    // A scope has no limit of its own: each of the things in it has one.
    const released = content instanceof Scope ? closed : this.#within(GIVE_BACK_MS, thing.kind, closed);
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
    this.#errors ??= [];
    this.#errors.push(error);
    if (this.#above) this.#above.scope.#record(error);
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
const NOBODY: readonly never[] = [];
