/**
 * What happens too often to be kept as an event, told to whoever counts it or traces it: refusals, and the ends of calls.
 * What becomes of actors the kernel tells (`System.on`); what people ask about later the chronicle keeps.
 */

import type { System } from '../otp/system.js';
import type { CallEnded } from './calls.js';
import { type ErrorCode, GatewayError } from './gateway-error.js';
import type { Hello } from './transport.js';

export type TelemetryFact =
  /** A hello was answered with a welcome, so long after it came. */
  | { readonly type: 'client.welcomed'; readonly nodeId: string; readonly resuming: boolean; readonly ms: number }
  /** A hello, or a call that would have made somebody a client, was refused. */
  | { readonly type: 'client.refused'; readonly code: ErrorCode; readonly resuming: boolean; readonly ms: number }
  /** A call between clients came to its end. */
  | ({ readonly type: 'call.ended' } & CallEnded);

export class Telemetry {
  readonly #listeners = new Set<(fact: TelemetryFact) => void>();
  readonly #system: System;

  constructor(system: System) {
    this.#system = system;
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
        this.#system.emit({ type: 'listener.failed', error: thrown });
      }
    }
  }

  /** Answers a hello; how it went is told. */
  async connecting<T>({ nodeId, resumeToken }: Hello, ask: () => Promise<T>): Promise<T> {
    const resuming = resumeToken !== '';
    const beganMs = this.#nowMs;
    const answer = await this.asking(resuming, ask);
    this.tell({ type: 'client.welcomed', nodeId, resuming, ms: this.#nowMs - beganMs });
    return answer;
  }

  /** Asks for what may be refused; a refusal is told and goes on to whoever asked. */
  async asking<T>(resuming: boolean, ask: () => Promise<T>): Promise<T> {
    const beganMs = this.#nowMs;
    try {
      return await ask();
    } catch (error) {
      if (error instanceof GatewayError) {
        this.tell({ type: 'client.refused', code: error.code, resuming, ms: this.#nowMs - beganMs });
      }
      throw error;
    }
  }

  get #nowMs(): number {
    return this.#system.clock.now();
  }
}
