/**
 * What happens too often to be kept as an event, told to whoever counts it or traces it: refusals, and the ends of calls.
 * What becomes of actors the kernel tells (`System.on`); what people ask about later the chronicle keeps.
 */
import type { CallEnded } from './calls.js';
import type { ErrorCode } from './gateway-error.js';

export type TelemetryFact =
  /** A hello, or a call that would have made somebody a client, was refused. */
  | { readonly type: 'client.refused'; readonly code: ErrorCode; readonly resuming: boolean }
  /** A call between clients came to its end. */
  | ({ readonly type: 'call.ended' } & CallEnded);

export class Telemetry {
  readonly #listeners = new Set<(fact: TelemetryFact) => void>();
  readonly #failed: (thrown: unknown) => void;

  /** @param failed hears what a listener throws; the others are told all the same. */
  constructor(failed: (thrown: unknown) => void) {
    this.#failed = failed;
  }

  on(listener: (fact: TelemetryFact) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(fact: TelemetryFact): void {
    for (const listener of this.#listeners) {
      try {
        listener(fact);
      } catch (thrown) {
        this.#failed(thrown);
      }
    }
  }
}
