/**
 * Who holds everybody up. One thread does all the work, so an actor that is long over one message stops all others, timers
 * and sockets included. A timer five times a second finds out how late the loop comes to it; the kernel tells which actor was
 * slow meanwhile. What holds the loop outside of an actor's messages (a listener of the host's, a garbage collection) has no
 * name here, and the gap is told without one.
 */
import type { KernelEvent } from '../otp/system.js';

/** Each look wakes a process that may have nothing else to do: five a second are not to be felt. */
export const LOOK_MS = 200;
/** From here on a gap is told. */
export const GAP_MS = 100;
/** Gaps that nobody is blamed for are told so often at most; those between are counted in the next. */
const TELL_MS = 1_000;

export interface LoopGap {
  /** When the loop was last seen working, in milliseconds since 1970. */
  readonly sinceMs: number;
  readonly ms: number;
  readonly actor: string;
  readonly kind: string;
  /** The message that was being handled. */
  readonly event?: string | undefined;
  /** Gaps that came too soon after the one before to be told. */
  readonly untold: number;
}

export interface EventLoopParts {
  /** Monotonic and wall-clock milliseconds. */
  readonly clock: { now(): number; wallMs(): number };
  readonly lag: (seconds: number) => void;
  readonly gap: (gap: LoopGap) => void;
}

export class EventLoop {
  readonly #parts: EventLoopParts;
  #dueMs: number;
  #worst: { readonly path: string; readonly kind: string; readonly event: string; readonly ms: number } | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  #untold = 0;
  #spentMs = 0;
  #looks = 0;

  constructor(parts: EventLoopParts) {
    this.#parts = parts;
    this.#dueMs = parts.clock.now() + LOOK_MS;
  }

  /** What the looking itself costs. */
  get cost(): { readonly looks: number; readonly ms: number } {
    return { looks: this.#looks, ms: this.#spentMs };
  }

  heard(event: KernelEvent): void {
    if (event.type !== 'handler.slow') return;
    const { process, event: message, ms } = event;
    // Whoever sent at once to somebody slow is slow as well, and is told later: the inner one is the one to blame.
    if (this.#worst && this.#worst.ms * 1.25 >= ms) return;
    this.#worst = { path: process.path, kind: process.kind, event: message, ms };
  }

  /** To be called every `LOOK_MS`. */
  look(): void {
    const { clock, lag, gap } = this.#parts;
    const nowMs = clock.now();
    const lateMs = Math.max(0, nowMs - this.#dueMs);
    lag(lateMs / 1_000);
    const worst = this.#worst;
    this.#worst = undefined;
    if (lateMs >= GAP_MS) {
      // A slow message explains a gap only if it takes up most of it.
      const culprit = worst && worst.ms * 2 >= lateMs ? worst : undefined;
      if (!culprit && nowMs - this.#toldMs < TELL_MS) this.#untold += 1;
      else {
        this.#toldMs = nowMs;
        gap({
          sinceMs: clock.wallMs() - lateMs,
          ms: lateMs,
          actor: culprit?.path ?? '',
          kind: culprit?.kind ?? 'loop',
          event: culprit?.event,
          untold: this.#untold,
        });
        this.#untold = 0;
      }
    }
    const doneMs = clock.now();
    this.#spentMs += doneMs - nowMs;
    this.#looks += 1;
    this.#dueMs = doneMs + LOOK_MS;
  }
}
