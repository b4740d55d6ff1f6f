/**
 * How a supervisor ends its children: it asks, waits for as long as the child's spec says, and then kills. Ends that it has
 * asked for are no news to it; whoever has not ended yet is remembered, so that a supervisor which is killed meanwhile
 * takes them along.
 */
import type { Shutdown } from '../../machines/terms.js';
import type { ExitReason } from './exit-reason.js';
import type { Operation, Step } from './operation.js';
import type { Failure, Process } from './process.js';
import { requestStop } from './signals.js';

/** A child that is to end, and how. */
export interface Ending {
  readonly process: Process;
  readonly shutdown: Shutdown;
}

export class Endings {
  readonly #supervisor: Process;
  /** Those who have been asked to end and have not yet. */
  #asked: Set<Process> | undefined;

  constructor(supervisor: Process) {
    this.#supervisor = supervisor;
  }

  one(process: Process, shutdown: Shutdown, cause: Failure | undefined): Step {
    if (!process.gone) this.#ask(process, shutdown, cause);
    return process.gone ? undefined : this.#end(process, shutdown, cause);
  }

  *#end(process: Process, shutdown: Shutdown, cause: Failure | undefined): Operation {
    yield (resume) => this.#await(process, shutdown, cause, resume);
  }

  /** All of them are asked at once, and each has its own time. */
  *together(endings: readonly Ending[], cause: Failure | undefined): Operation {
    for (const { process, shutdown } of endings) this.#ask(process, shutdown, cause);
    const left = endings.filter(({ process }) => !process.gone);
    if (left.length === 0) return;
    yield (resume) => {
      let waiting = left.length;
      for (const { process, shutdown } of left) {
        this.#await(process, shutdown, cause, () => {
          waiting -= 1;
          if (waiting === 0) resume();
        });
      }
    };
  }

  /** The supervisor is dead: whoever has not ended yet goes with it. */
  kill(reason: ExitReason, cause: Failure | undefined): void {
    for (const process of this.#asked ?? []) process.terminate(reason, cause);
  }

  #ask(process: Process, shutdown: Shutdown, cause: Failure | undefined): void {
    process.detached = true;
    if (shutdown === 'brutal_kill') process.terminate('killed', cause);
    else requestStop(process, 'shutdown', cause);
  }

  /** Calls `ended` when the process is gone; kills it when its time to end has passed. */
  #await(process: Process, shutdown: Shutdown, cause: Failure | undefined, ended: () => void): void {
    const limit =
      typeof shutdown === 'number'
        ? this.#supervisor.scope.timer(shutdown, () => process.terminate('killed', cause))
        : undefined;
    this.#asked ??= new Set();
    this.#asked.add(process);
    process.onGone = () => {
      this.#asked?.delete(process);
      void limit?.release();
      ended();
    };
  }
}
