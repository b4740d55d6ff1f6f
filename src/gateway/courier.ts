/**
 * Carries calls to third parties that outlive whoever asked for them: that an app is to stop is told after its session has
 * ended, and a user who comes back must not wait until somebody else's server has answered. When the gateway ends, what is
 * under way has a few seconds; then it is aborted.
 */
import type { AnyActorLogic } from 'xstate';
import { fromProcess } from '../otp/from-process.js';
import type { Place } from './place.js';

/** How long calls may go on when the gateway ends, in milliseconds. */
export const COURIER_SHUTDOWN_MS = 3_000;

interface Errand {
  readonly type: 'courier.errand';
  readonly work: (signal: AbortSignal) => Promise<void>;
}

export const courierLogic: AnyActorLogic = fromProcess(
  ({ scope, exit }) => {
    let underWay = 0;
    let stopping = false;
    return {
      receive: (event) => {
        if (event.type === 'supervisor.stop') {
          stopping = true;
          if (underWay === 0) exit('shutdown');
          return;
        }
        const { work } = event as Errand;
        underWay += 1;
        scope.task(async (signal) => {
          // What became of it is the errand's own business; a third party that fails is no crash of ours.
          await work(signal).catch(() => {});
          underWay -= 1;
          if (stopping && underWay === 0) exit('shutdown');
        });
      },
    };
  },
  { kind: 'courier', trapExit: true },
);

/** For whoever has something to be told. */
export class Courier {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Carries it, at once and on its own. False when there is no courier just now: then nothing is told. */
  carry(work: (signal: AbortSignal) => Promise<void>): boolean {
    const { ref } = this.#place;
    ref?.send({ type: 'courier.errand', work } as Errand);
    return ref !== undefined;
  }
}
