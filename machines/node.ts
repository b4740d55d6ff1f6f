/**
 * One gateway among several: from taking its lease to giving it back. While it is up it may act for the keys it owns; how
 * long, the lease's deadline says, which is asked before every effect and is therefore no timer here. A node that is fenced
 * has lost everything it owned and comes back as somebody new: no arrow leads from there to `up` past a new lease.
 */
import { assign, setup } from 'xstate';
import { type ExitReason, type StopRequest, unprovided } from './terms.js';

export type NodeEvent =
  /** The engine has written the lease. */
  | { readonly type: 'lease.granted' }
  /** The lease is somebody else's, has expired, or could not be renewed before its deadline. */
  | { readonly type: 'lease.lost'; readonly why: string }
  /** The engine shows less than was acknowledged: it has lost writes, or was put back to an earlier state. */
  | { readonly type: 'engine.wentBack' }
  /** The engine begins a new era, in which no old token counts. */
  | { readonly type: 'era.began' }
  /** All keys and the lease have been given back. */
  | { readonly type: 'keys.released' }
  | StopRequest;

export interface NodeInput {
  /** How long a lease may take to be written before it is asked for again. Milliseconds. */
  readonly joinRetryMs: number;
  /** How long a fenced node keeps still before it joins again. Milliseconds. */
  readonly rejoinMs: number;
  /** How often a halted node looks for a new era. Milliseconds. */
  readonly eraCheckMs: number;
  /** How long giving back may take. Milliseconds. */
  readonly leaveMs: number;
}

export const NODE_TIMES: NodeInput = { joinRetryMs: 2_000, rejoinMs: 100, eraCheckMs: 5_000, leaveMs: 3_000 };

export interface NodeContext extends NodeInput {
  readonly reason: ExitReason;
  /** Why it was fenced the last time; empty before. */
  readonly fencedBecause: string;
}

export const nodeMachine = setup({
  types: {
    context: {} as NodeContext,
    /** What is left out is as in `NODE_TIMES`. */
    input: {} as Partial<NodeInput> | undefined,
    events: {} as NodeEvent,
    output: {} as ExitReason,
  },
  actions: {
    takeLease: () => unprovided('takeLease'),
    openForClaims: () => unprovided('openForClaims'),
    dropAll: () => unprovided('dropAll'),
    raiseAlarm: () => unprovided('raiseAlarm'),
    lookForEra: () => unprovided('lookForEra'),
    giveBack: () => unprovided('giveBack'),
    recordFence: assign({
      fencedBecause: ({ event, context }) => (event.type === 'lease.lost' ? event.why : context.fencedBecause),
    }),
    recordExit: assign({
      reason: ({ event, context }) => (event.type === 'supervisor.stop' ? event.reason : context.reason),
    }),
  },
  delays: {
    joinRetry: ({ context }) => context.joinRetryMs,
    rejoinPause: ({ context }) => context.rejoinMs,
    eraCheck: ({ context }) => context.eraCheckMs,
    leaveTimeout: ({ context }) => context.leaveMs,
  },
}).createMachine({
  id: 'node',
  description: 'One gateway among several, from taking its lease to giving it back.',
  context: ({ input }) => ({ ...NODE_TIMES, ...input, reason: 'normal', fencedBecause: '' }),
  initial: 'alive',
  states: {
    alive: {
      initial: 'joining',
      states: {
        joining: {
          description: 'It asks for a lease under a name it never had before, and owns nothing.',
          entry: 'takeLease',
          on: {
            'lease.granted': 'up',
            'engine.wentBack': 'halted',
          },
          after: { joinRetry: { target: 'joining', reenter: true } },
        },
        up: {
          description: 'It may claim keys, and act for those it owns until its lease ends.',
          entry: 'openForClaims',
          on: {
            'lease.lost': { target: 'fenced', actions: 'recordFence' },
            'engine.wentBack': 'halted',
          },
        },
        fenced: {
          description: 'It has lost all it owned and acts for nobody.',
          entry: 'dropAll',
          on: { 'engine.wentBack': 'halted' },
          after: { rejoinPause: 'joining' },
        },
        halted: {
          description: 'The engine has gone back in time. Nobody acts before an operator begins a new era.',
          entry: ['dropAll', 'raiseAlarm'],
          on: { 'era.began': 'joining' },
          after: { eraCheck: { target: 'looking' } },
        },
        looking: {
          description: 'Still halted; the engine is asked for its era.',
          entry: 'lookForEra',
          on: { 'era.began': 'joining' },
          after: { eraCheck: { target: 'looking', reenter: true } },
        },
      },
      on: {
        'supervisor.stop': { target: 'leaving', actions: 'recordExit' },
      },
    },
    leaving: {
      description: 'It gives back what it owns, and its lease last.',
      entry: 'giveBack',
      on: { 'keys.released': 'left' },
      after: { leaveTimeout: 'left' },
    },
    left: { type: 'final' },
  },
  output: ({ context }) => context.reason,
});
