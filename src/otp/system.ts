/**
 * One tree of actors and what they share: a clock, a message queue, a census, names, telemetry. There is no global state;
 * a process may hold many systems.
 *
 * Messages between actors (exit signals, DOWN, calls, casts) go through the queue and never straight into the receiver: a
 * crash is therefore never handled inside the call that crashed. The queue is first in, first out, which keeps the order
 * of signals between any two actors. It is drained in a microtask; after a thousand messages it lets timers and sockets
 * have their turn, so that two actors talking to each other starve nobody.
 */
import type { AnyActorRef, EventObject, InspectionEvent, Observer } from 'xstate';
import { Census } from './census.js';
import { type Clock, realClock, VirtualClock } from './clock.js';
import { atWork, installCrashBarrier } from './crash-barrier.js';
import { Distribution } from './distribution.js';
import type { ExitReason } from './exit-reason.js';
import { Fifo } from './fifo.js';
import type { Failure, Process } from './process.js';
import { Registry } from './registry.js';
import { Roll } from './roll.js';
import { isRunning, sendTo } from './xstate-internals.js';

/** What the kernel tells whoever listens. Published only while somebody does. */
export type KernelEvent =
  | { readonly type: 'process.started'; readonly process: Process }
  | { readonly type: 'process.down'; readonly process: Process; readonly reason: ExitReason; readonly failure: Failure }
  | {
      readonly type: 'child.restarted';
      readonly supervisor: Process;
      readonly process: Process;
      readonly restarts: number;
      readonly reason: ExitReason;
    }
  | {
      readonly type: 'child.started';
      readonly supervisor: Process;
      readonly childId: string;
      /** Absent when its start answered `ignore`. */
      readonly process: Process | undefined;
    }
  | {
      readonly type: 'child.startFailed';
      readonly supervisor: Process;
      readonly childId: string;
      readonly reason: ExitReason;
    }
  /** For the first time a message found no room. */
  | { readonly type: 'mailbox.full'; readonly process: Process; readonly max: number }
  /** It waits before it is started again. */
  | {
      readonly type: 'child.backingOff';
      readonly supervisor: Process;
      readonly childId: string;
      readonly waitMs: number;
      readonly reason: ExitReason;
    }
  /** It has spent the restarts that its own spec allows, and stays stopped. */
  | {
      readonly type: 'child.gaveUp';
      readonly supervisor: Process;
      readonly childId: string;
      readonly reason: ExitReason;
    }
  | { readonly type: 'supervisor.gaveUp'; readonly supervisor: Process; readonly reason: ExitReason }
  /**
   * An actor took longer over one message than `slowHandlerMs`, and nobody else had a turn meanwhile. Instead of a message,
   * `event` may be `start`, `timer`, `task` (until it first waits) or `listener` and what was listened to.
   */
  | { readonly type: 'handler.slow'; readonly process: Process; readonly event: string; readonly ms: number }
  /** Of these kinds it held something that was not given back in time; the census still counts it. */
  | { readonly type: 'process.abandoned'; readonly process: Process; readonly kinds: readonly string[] }
  /** Work that an actor left behind threw after its end; there is nobody left to crash. */
  | { readonly type: 'process.threwLate'; readonly process: Process; readonly thrown: unknown }
  | { readonly type: 'listener.failed'; readonly error: unknown };

export interface SystemOptions {
  readonly clock?: Clock;
  /** Chance, in [0, 1): for the jitter of restarts. Default `Math.random`. */
  readonly random?: () => number;
  /** XState's inspection observer; costs nothing when absent. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
}

/** Messages handled in one go before timers and sockets have their turn. */
const BATCH = 1_000;
/** Of so many messages one is looked at: how long it waits. */
const STAMPED_ONE_IN = 64;
/** Messages after which a system that should come to rest is taken to be running in circles. */
const FLUSH_MAX = 10_000_000;

export class System {
  readonly clock: Clock;
  readonly random: () => number;
  readonly inspect: SystemOptions['inspect'];
  readonly census = new Census();
  readonly registry = new Registry();
  /** Living processes in the order in which they were started; their number is the census of actors. */
  readonly processes = new Roll<Process>();
  /** Monitors that stand now. */
  monitors = 0;
  root: Process | undefined;
  /** Called after each step of each actor, with the new snapshot, or without one where it threw. Must not throw. */
  onStep: ((process: Process, event: EventObject, snapshot: unknown) => void) | undefined;
  /** From how many milliseconds on the handling of one message is told. `undefined`: nobody measures. */
  slowHandlerMs: number | undefined;
  /** Seconds that actors were at each message, and that some of the messages waited; while `slowHandlerMs` is set. */
  readonly handled = new Distribution();
  readonly waited = new Distribution();
  /** Messages that found their receiver ended. */
  deadLetters = 0;
  /** Timers that charts have set and that have not fired; given by the indexed scheduler. */
  chartTimers: () => number = () => 0;

  readonly #listeners = new Set<(event: KernelEvent) => void>();
  readonly #signals = new Fifo<() => void>();
  /** Messages by receiver and content, side by side; one without a receiver is a function. */
  readonly #receivers = new Fifo<AnyActorRef | undefined>();
  readonly #messages = new Fifo<EventObject | (() => void)>();
  #draining = false;
  #handledThisTurn = 0;
  #scheduled = false;
  #lastFailure = 0;
  #untilStamp = STAMPED_ONE_IN;
  /** Messages up to the stamped one, itself included; 0: none is. */
  #stampedAfter = 0;
  #stampedAtMs = 0;
  readonly #removeBarrier: () => void;

  constructor(options: SystemOptions = {}) {
    this.clock = options.clock ?? realClock;
    this.random = options.random ?? Math.random;
    this.inspect = options.inspect;
    if (this.clock instanceof VirtualClock) this.clock.afterTimer = () => this.flush();
    this.#removeBarrier = installCrashBarrier();
  }

  /** Puts a message into the queue. Sending to an actor that has ended is not an error; the message is dropped. */
  post(target: AnyActorRef, event: EventObject): void {
    this.#receivers.push(target);
    this.#messages.push(event);
    this.#untilStamp -= 1;
    if (this.#untilStamp === 0) this.#stamp();
    this.#schedule();
  }

  /**
   * Delivers an exit signal: before any message, because a signal takes effect when it arrives and a message when its
   * receiver gets to it. Where signals are trapped they become messages then.
   */
  signal(fn: () => void): void {
    this.#signals.push(fn);
    this.#schedule();
  }

  /** Runs `fn` in its turn. A throw in it is reported and hurts nobody else. */
  defer(fn: () => void): void {
    this.#receivers.push(undefined);
    this.#messages.push(fn);
    this.#untilStamp -= 1;
    if (this.#untilStamp === 0) this.#stamp();
    this.#schedule();
  }

  /** Marks the youngest message, whose wait is measured. */
  #stamp(): void {
    this.#untilStamp = STAMPED_ONE_IN;
    if (this.slowHandlerMs === undefined || this.#stampedAfter > 0) return;
    this.#stampedAfter = this.#messages.size;
    this.#stampedAtMs = this.clock.now();
  }

  #schedule(): void {
    if (this.#scheduled || this.#draining) return;
    this.#scheduled = true;
    // Counted over all drains: two actors that talk through promises would otherwise never let go of the microtasks.
    if (this.#handledThisTurn < BATCH) queueMicrotask(this.#drain);
    else setImmediate(this.#drainNextTurn);
  }

  /** Handles every message now, those that come of them included. Tests and virtual time call this. */
  flush(): void {
    if (this.#draining) return;
    for (let handled = 0; !this.idle; handled += BATCH) {
      if (handled > FLUSH_MAX) throw new Error(`the system does not come to rest after ${FLUSH_MAX} messages`);
      this.#handle();
    }
  }

  get idle(): boolean {
    return this.#signals.size === 0 && this.#messages.size === 0;
  }

  /** Listens to the kernel; returns the undo. */
  on(listener: (event: KernelEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether an event has anybody to go to; asked before one is made where many are. */
  get heard(): boolean {
    return this.#listeners.size > 0;
  }

  emit(event: KernelEvent): void {
    if (this.#listeners.size === 0) return;
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        if (event.type !== 'listener.failed') this.emit({ type: 'listener.failed', error });
      }
    }
  }

  nextFailureId(): number {
    this.#lastFailure += 1;
    return this.#lastFailure;
  }

  /** Takes back what the system itself holds. The tree has to be stopped before. */
  close(): void {
    this.#removeBarrier();
    if (this.clock instanceof VirtualClock) this.clock.afterTimer = undefined;
  }

  readonly #drain = (): void => {
    this.#scheduled = false;
    this.#handledThisTurn += this.#handle();
    if (!this.idle) this.#schedule();
  };

  /** Timers and sockets have had their turn. */
  readonly #drainNextTurn = (): void => {
    this.#handledThisTurn = 0;
    this.#drain();
  };

  /** @returns how many messages were handled. */
  #handle(): number {
    if (this.#draining) return 0;
    this.#draining = true;
    // A message belongs to whoever handles it, never to whoever happened to wake the queue.
    return atWork.run(undefined as never, this.#handleBatch);
  }

  readonly #handleBatch = (): number => {
    let handled = 0;
    for (; handled < BATCH; handled += 1) {
      if (this.idle) break;
      try {
        this.#handleNext();
      } catch (error) {
        this.emit({ type: 'listener.failed', error });
      }
    }
    this.#draining = false;
    return handled;
  };

  #handleNext(): void {
    const signal = this.#signals.take();
    if (signal) {
      signal();
      return;
    }
    const receiver = this.#receivers.take();
    const message = this.#messages.take();
    if (this.#stampedAfter > 0) {
      this.#stampedAfter -= 1;
      if (this.#stampedAfter === 0) this.waited.add((this.clock.now() - this.#stampedAtMs) / 1_000);
    }
    if (typeof message === 'function') message();
    else if (receiver && message) {
      if (isRunning(receiver)) sendTo(receiver, message);
      else this.deadLetters += 1;
    }
  }
}
