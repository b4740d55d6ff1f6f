/** The answer to "why did this stop?": the chain of failures that led to an end. */
import type { AnyActorRef } from 'xstate';
import { type Failure, processOf } from './process.js';

/**
 * The chain of failures from the first, which caused the others, to the last. Of a process that has ended: how it came to
 * that; of one that runs: how its predecessor under the same supervisor ended. Empty where nothing has failed.
 */
export function why(ref: AnyActorRef): readonly Failure[] {
  const process = processOf(ref);
  const { failure: before } = (process?.child ?? {}) as { readonly failure?: Failure };
  const chain: Failure[] = [];
  for (let failure = process?.failure ?? before; failure; failure = failure.cause) chain.push(failure);
  return chain.reverse();
}
