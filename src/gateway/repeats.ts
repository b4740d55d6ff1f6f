/**
 * How often the same thing has happened to the same actor for the same reason. The ring of events keeps each of them, so that
 * a listener can resume; whoever only wants to know what is wrong asks for the last of each, and reads how often it was.
 *
 * Bounded: of the things that repeat, those that were quiet for longest are forgotten, and all of them after a quiet while.
 */
import { levelOf } from './event-types.js';
import type { GatewayEvent } from './views.js';

const KEPT_MAX = 2_000;
/** What has not happened for so long begins anew. */
const QUIET_MS = 600_000;

interface Seen {
  count: number;
  readonly firstAtMs: number;
  lastAtMs: number;
}

type Happened = Pick<GatewayEvent, 'type' | 'actor' | 'reason'>;

export class Repeats {
  /** Those that happened last are at the end. */
  readonly #seen = new Map<string, Seen>();

  get size(): number {
    return this.#seen.size;
  }

  /** Counts it. @returns what an event carries from its second time on. */
  seen(event: Happened, atMs: number): Pick<GatewayEvent, 'count' | 'firstAtMs'> {
    // Starts and clean ends of actors are not counted: each of them is another actor's.
    if (levelOf(event as { type: string; reason?: string }) === 'debug') return {};
    const key = keyOf(event);
    const before = this.#seen.get(key);
    this.#seen.delete(key);
    if (!before || atMs - before.lastAtMs > QUIET_MS) {
      this.#seen.set(key, { count: 1, firstAtMs: atMs, lastAtMs: atMs });
      this.#forget();
      return {};
    }
    before.count += 1;
    before.lastAtMs = atMs;
    this.#seen.set(key, before);
    return { count: before.count, firstAtMs: before.firstAtMs };
  }

  #forget(): void {
    if (this.#seen.size <= KEPT_MAX) return;
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined) this.#seen.delete(oldest);
  }
}

/** The same for events that are repeats of each other. */
export function keyOf({ type, actor, reason = '' }: Happened): string {
  return `${type}\n${actor}\n${reason}`;
}
