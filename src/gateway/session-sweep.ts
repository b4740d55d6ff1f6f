/**
 * The net under the sessions. A session that waits for its client ends by its own timer; one that has waited for twice as long
 * as it may is one whose timer was lost, by a defect or by a clock that jumped, and is ended by the sweep. Of a gateway that is
 * well it never removes anything, so what it removes is worth a look.
 *
 * It is measured from the sweep that first saw the session waiting: nothing is asked of the sessions for its sake.
 */
import type { GatewayOptions } from './options.js';
import type { Session } from './session.js';

export class SessionSweep {
  readonly #durations: Readonly<Record<string, number>>;
  /** Since when a session has been seen in a state that does not last. */
  #waiting = new Map<Session, { readonly state: string; readonly sinceMs: number }>();

  constructor({ graceMs, attachMs }: GatewayOptions['session']) {
    this.#durations = { grace: graceMs, connecting: attachMs };
  }

  /** Ends the sessions that have waited for more than twice their time. @returns how many. */
  sweep(sessions: Iterable<Session>, nowMs: number): number {
    const before = this.#waiting;
    this.#waiting = new Map();
    let removed = 0;
    for (const session of sessions) {
      const { state } = session;
      const durationMs = this.#durations[state];
      if (durationMs === undefined) continue;
      const known = before.get(session);
      const since = known?.state === state ? known : { state, sinceMs: nowMs };
      this.#waiting.set(session, since);
      if (nowMs - since.sinceMs <= 2 * durationMs) continue;
      session.end({ shutdown: 'swept' });
      removed += 1;
    }
    return removed;
  }
}
