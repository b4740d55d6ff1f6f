/** Starting and stopping a whole system: its root supervisor and everything under it. */
import type { AnyActorRef } from 'xstate';
import type { Child } from './child-table.js';
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
  /** What the stop had to leave behind or to cut off; nothing before. */
  readonly abandoned: readonly Abandoned[];
}

/** One process that did not end in order. */
export interface Abandoned {
  readonly path: string;
  /** `overdue`: it was killed because its time to end had passed. `not_given_back`: what it held did not close in time. */
  readonly why: 'overdue' | 'not_given_back';
  /** The kinds of what it held that was not given back. */
  readonly kinds: readonly string[];
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
  const abandoned: Abandoned[] = [];
  return {
    system,
    root: process.ref,
    abandoned,
    stop: (stopOptions = {}) => {
      stopped ??= stopRoot(process, stopOptions, abandoned);
      return stopped;
    },
  };
}

async function stopRoot(
  process: Process,
  { reason = 'shutdown', timeoutMs }: { readonly reason?: ExitReason; readonly timeoutMs?: number },
  abandoned: Abandoned[],
): Promise<ExitReason> {
  const { system } = process;
  const unlisten = system.on((event) => {
    if (event.type === 'process.abandoned') {
      abandoned.push({ path: event.process.path, why: 'not_given_back', kinds: event.kinds });
    } else if (event.type === 'process.down' && overdue(event.process)) {
      abandoned.push({ path: event.process.path, why: 'overdue', kinds: [] });
    }
  });
  const ended = new Promise<ExitReason>((resolve) => {
    if (process.gone) resolve(process.exit as ExitReason);
    else monitor(process.ref, (down) => resolve(down.reason));
  });
  const limit =
    timeoutMs === undefined ? undefined : system.clock.setTimeout(() => process.terminate('killed'), timeoutMs);
  requestStop(process, reason);
  const exitReason = await ended;
  if (limit !== undefined) system.clock.clearTimeout(limit);
  unlisten();
  system.close();
  return exitReason;
}

/** Killed, and not because its spec says that it ends so. */
function overdue({ exit, child }: Process): boolean {
  return exit === 'killed' && (child as Child | undefined)?.spec.shutdown !== 'brutal_kill';
}
