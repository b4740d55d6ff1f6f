/** Ending a process in order from outside, as OTP's `gen_server:stop` and `sys:terminate` do. */
import type { AnyActorRef } from 'xstate';
import { ExitError, type ExitReason } from './exit-reason.js';
import { monitor } from './monitor.js';
import { processOf } from './process.js';
import { sendStop } from './signals.js';

export interface StopOptions {
  /** Default `normal`. */
  readonly reason?: ExitReason;
  /** Milliseconds to wait for the end, after which the promise rejects and the process goes on ending. Default no limit. */
  readonly timeout?: number;
}

/**
 * Asks a process to end and waits until it is gone: a supervisor stops its children first, a `fromProcess` runs
 * `terminate`, a chart that names `supervisor.stop` ends in its own time, any other ends at once. Its supervisor sees an
 * exit like any other, and may start it again.
 *
 * Rejects with an `ExitError`: `noproc` when it has ended already, `timeout`, or the reason of another end than the one
 * asked for.
 */
export function stop(ref: AnyActorRef, { reason = 'normal', timeout }: StopOptions = {}): Promise<void> {
  const process = processOf(ref);
  const what = `stop "${process?.path ?? ref.id}"`;
  if (!process?.alive) return Promise.reject(new ExitError('noproc', what));
  const { system } = process;
  return new Promise((resolve, reject) => {
    let limit: unknown;
    const watch = monitor(ref, (down) => {
      if (limit !== undefined) system.clock.clearTimeout(limit);
      if (down.reason === reason) resolve();
      else reject(new ExitError(down.reason, what));
    });
    if (timeout !== undefined) {
      limit = system.clock.setTimeout(() => {
        watch.demonitor({ flush: true });
        reject(new ExitError('timeout', what));
      }, timeout);
    }
    if (process.answersStop) sendStop(process, reason);
    else process.terminate(reason);
  });
}
