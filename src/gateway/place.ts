/**
 * Where the actor that does a job is found. A supervisor replaces actors; a place names the one that is alive now, without
 * asking anybody.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import type { StartContext } from '../otp/child-spec.js';
import { type Process, processOf } from '../otp/process.js';

export class Place {
  #process: Process | undefined;

  /** A start function that starts this logic and remembers who does the job now. */
  starts(logic: AnyActorLogic, input?: () => unknown): (context: StartContext) => AnyActorRef {
    return ({ spawn }) => {
      const ref = spawn(logic, input?.());
      this.#process = processOf(ref);
      return ref;
    };
  }

  /** The living actor's process, if there is one. */
  get process(): Process | undefined {
    return this.#process?.alive ? this.#process : undefined;
  }

  get ref(): AnyActorRef | undefined {
    return this.process?.ref;
  }
}
