/**
 * Carries calls to third parties that outlive whoever asked for them: that an app is to stop is told after its session has
 * ended, and a user who comes back must not wait until somebody else's server has answered. When the gateway ends, what is
 * under way has a few seconds; then it is aborted.
 */
import type { AnyActorLogic } from 'xstate';
import { fromProcess } from '../otp/from-process.js';
import type { Place } from './place.js';
import { callWebhook } from './webhook.js';

/** How long calls may go on when the gateway ends, in milliseconds. */
export const COURIER_SHUTDOWN_MS = 3_000;

interface Errand {
  readonly type: 'courier.errand';
  readonly work: (signal: AbortSignal) => Promise<void>;
}

export const courierLogic: AnyActorLogic = fromProcess(
  ({ scope }) => {
    const underWay = new Set<Promise<void>>();
    return {
      receive: (event) => {
        const { work } = event as Errand;
        scope.task((signal) => {
          // What became of it is the errand's own business; a third party that fails is no crash of ours.
          const errand: Promise<void> = work(signal)
            .catch(() => {})
            .finally(() => underWay.delete(errand));
          underWay.add(errand);
          return errand;
        });
      },
      terminate: async () => {
        await Promise.all(underWay);
      },
    };
  },
  { kind: 'courier', trapExit: true },
);

/** For whoever has something to be told. */
export class Courier {
  /** How a webhook is called. */
  readonly call: typeof callWebhook;
  readonly #place: Place;

  constructor(place: Place, call: typeof callWebhook = callWebhook) {
    this.#place = place;
    this.call = call;
  }

  /** Carries it, at once and on its own. False when there is no courier just now: then nothing is told. */
  carry(work: (signal: AbortSignal) => Promise<void>): boolean {
    const { ref } = this.#place;
    ref?.send({ type: 'courier.errand', work } as Errand);
    return ref !== undefined;
  }
}
