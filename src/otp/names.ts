/** Names of processes, for those who know nobody's actor. A name is free again in the moment its process ends. */
import type { AnyActorRef } from 'xstate';
import { processOf } from './process.js';
import type { System } from './system.js';

/** Gives a process a name. Throws when the name is taken, or the process has one already or has ended. */
export function register(name: string, ref: AnyActorRef): void {
  const process = processOf(ref);
  if (!process?.alive) throw new Error(`register "${name}": "${ref.id}" is no living process`);
  if (process.name !== undefined) throw new Error(`register "${name}": "${ref.id}" is "${process.name}" already`);
  if (!process.system.registry.register(name, process)) {
    const holder = process.system.registry.whereis(name);
    throw new Error(`register "${name}": the name belongs to "${holder?.path}"`);
  }
}

/** The name is taken; whoever has it is meant. */
export class AlreadyStartedError extends Error {
  readonly holder: AnyActorRef;

  constructor(name: string, holder: AnyActorRef) {
    super(`the name "${name}" belongs to "${processOf(holder)?.path}"`);
    this.name = 'AlreadyStartedError';
    this.holder = holder;
  }
}

/** Takes a name away. Throws when nobody has it. */
export function unregister(name: string, system: System): void {
  if (!system.registry.unregister(name)) throw new Error(`unregister "${name}": nobody has this name`);
}

/** Who has this name now. */
export function whereis(name: string, system: System): AnyActorRef | undefined {
  return system.registry.whereis(name)?.ref;
}
