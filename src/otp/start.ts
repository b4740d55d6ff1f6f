/** Starting a process outside any child spec, and waiting until it runs: OTP's `gen_server:start` with name and timeout. */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import type { ExitReason } from './exit-reason.js';
import { monitor } from './monitor.js';
import { AlreadyStartedError } from './names.js';
import { processOf } from './process.js';
import { spawn } from './spawn.js';

export interface StartOptions {
  readonly id: string;
  readonly input?: unknown;
  /** The name that it has from its first moment. Taken: the error is an `AlreadyStartedError` that carries the holder. */
  readonly name?: string;
  /** Milliseconds that its start may take, after which it is killed and the error is `timeout`. Default no limit. */
  readonly timeout?: number;
}

/** The actor, `undefined` where it answered that there is nothing to start, or why it did not start. */
export type Started =
  | { readonly ok: AnyActorRef | undefined; readonly error?: undefined }
  | { readonly error: ExitReason };

/**
 * Starts a process that `parent` owns without supervising it: nobody starts it again, and it ends with its parent, for
 * whatever lives has an owner. (In Erlang a `start` without `link` may outlive whoever called it.)
 */
export async function start(
  parent: AnyActorRef,
  logic: AnyActorLogic,
  { id, input, name, timeout }: StartOptions,
): Promise<Started> {
  const owner = processOf(parent);
  if (!owner?.alive) return { error: 'noproc' };
  const { system } = owner;
  const holder = name === undefined ? undefined : system.registry.whereis(name);
  if (name !== undefined && holder) return { error: new AlreadyStartedError(name, holder.ref) };
  const { process, error } = spawn(owner, logic, { id, input });
  if (!process) return { error };
  if (name !== undefined) system.registry.register(name, process);
  const owned = owner.scope.acquire('process', () => process.terminate('shutdown', owner.failure));
  monitor(process.ref, () => void owned.release());
  const { starting } = process;
  if (starting) {
    let late = false;
    await new Promise<void>((resolve) => {
      const limit =
        timeout === undefined
          ? undefined
          : system.clock.setTimeout(() => {
              late = true;
              process.terminate('killed');
            }, timeout);
      starting.ready = () => {
        if (limit !== undefined) system.clock.clearTimeout(limit);
        resolve();
      };
    });
    if (late) return { error: 'timeout' };
  }
  if (process.startError !== undefined) return { error: process.startError };
  return { ok: process.ignored ? undefined : process.ref };
}
