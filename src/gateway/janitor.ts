/**
 * The janitor takes away, every so often, what has outlived its time to live. It knows nothing of what that is: those who
 * keep such things sweep them when they are asked, and say how much it was.
 */
import type { AnyActorLogic } from 'xstate';
import { fromProcess } from '../otp/from-process.js';

export interface JanitorInput {
  readonly sweepMs: number;
  /** Sweeps now. @returns what was removed, by kind. */
  readonly sweep: () => Readonly<Record<string, number>>;
}

export const janitorLogic: AnyActorLogic = fromProcess<JanitorInput>(
  ({ input, scope }) => {
    scope.interval(input.sweepMs, () => void input.sweep());
    return {};
  },
  { kind: 'janitor' },
);
