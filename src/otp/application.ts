/** Starting and stopping a whole system: its root supervisor and everything under it. */
import type { AnyActorRef } from 'xstate';
import { ExitError, type ExitReason } from './exit-reason.js';
import { monitor } from './monitor.js';
import type { Process } from './process.js';
import { requestStop } from './signals.js';
import { startRoot } from './spawn.js';
import { supervisor } from './supervisor.js';
import type { SupervisorOptions } from './supervisor-options.js';
import { System, type SystemOptions } from './system.js';

export interface Application {
  readonly system: System;
  readonly root: AnyActorRef;
  /**
   * Stops everything in reverse order. Idempotent. What has not ended after `timeoutMs` (default: wait) is killed.
   * @returns the root's exit reason.
   */
  stop(options?: { readonly reason?: ExitReason; readonly timeoutMs?: number }): Promise<ExitReason>;
}

/** Starts a tree, in a system of its own or in one that was made before and has no tree yet. Rejects with an `ExitError` that carries the reason when a child cannot start; nothing is left then. */
export async function startApplication(
  id: string,
  options: SupervisorOptions,
  within: SystemOptions | System = {},
): Promise<Application> {
  const system = within instanceof System ? within : new System(within);
  const { process, error } = startRoot(system, supervisor(options), { id });
  if (!process) {
    system.close();
    throw new ExitError(error, `"${id}" did not start`);
  }
  const { starting } = process;
  if (starting) await new Promise<void>((resolve) => (starting.ready = () => resolve()));
  if (process.startError !== undefined) {
    system.close();
    throw new ExitError(process.startError, `"${id}" did not start`);
  }
  let stopped: Promise<ExitReason> | undefined;
  return {
    system,
    root: process.ref,
    stop: (stopOptions = {}) => {
      stopped ??= stopRoot(process, stopOptions);
      return stopped;
    },
  };
}

async function stopRoot(
  process: Process,
  { reason = 'shutdown', timeoutMs }: { readonly reason?: ExitReason; readonly timeoutMs?: number },
): Promise<ExitReason> {
  const { system } = process;
  const ended = new Promise<ExitReason>((resolve) => {
    if (process.gone) resolve(process.exit as ExitReason);
    else monitor(process.ref, (down) => resolve(down.reason));
  });
  const limit =
    timeoutMs === undefined ? undefined : system.clock.setTimeout(() => process.terminate('killed'), timeoutMs);
  requestStop(process, reason);
  const exitReason = await ended;
  if (limit !== undefined) system.clock.clearTimeout(limit);
  system.close();
  return exitReason;
}
