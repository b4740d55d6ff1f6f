/**
 * One app: a third party that acts for a session, in this process or behind a webhook. It is started for an owner who is
 * there, waited for when its connection drops, and started anew a few times fast and then slowly, for as long as the owner
 * is there. For an owner who is not there nothing is started at all: the app is `disconnected`, once, and stays so until the
 * owner is back.
 *
 * Whether the owner is there is a region of its own; every way to `starting` asks it first.
 */
import { assign, setup, stateIn } from 'xstate';
import { type ExitReason, type StopRequest, unprovided } from './terms.js';

export type AppEvent =
  | { readonly type: 'owner.lost' }
  | { readonly type: 'owner.returned' }
  | { readonly type: 'app.connected' }
  | { readonly type: 'app.disconnected' }
  | { readonly type: 'app.startFailed' }
  | { readonly type: 'app.stopped' }
  | StopRequest;

export interface AppInput {
  readonly graceMs: number;
  /** How long a started app may take to connect back. Milliseconds. */
  readonly connectMs: number;
  readonly stopMs: number;
  readonly resurrection: ResurrectionPolicy;
}

export interface ResurrectionPolicy {
  /** Starts in a row without a pause between them. */
  readonly attempts: number;
  /** The slow lane's first pause; it doubles up to `slowLaneMs`. */
  readonly slowMs: number;
  readonly slowLaneMs: number;
}

export interface AppContext extends AppInput {
  /** Starts since it last ran well; no higher than what still lengthens the pause. */
  readonly failures: number;
}

/** The most failures that still make a difference to the next pause. */
export function resurrectionsMax({ attempts, slowMs, slowLaneMs }: ResurrectionPolicy): number {
  return attempts + Math.max(0, Math.ceil(Math.log2(slowLaneMs / slowMs))) + 1;
}

/** The pause before the next start, in milliseconds: none in the fast lane, then doubling up to the ceiling. */
export function resurrectionDelayMs(failures: number, policy: ResurrectionPolicy): number {
  if (failures <= policy.attempts) return 0;
  return Math.min(policy.slowMs * 2 ** (failures - policy.attempts - 1), policy.slowLaneMs);
}

export const appMachine = setup({
  types: {
    context: {} as AppContext,
    input: {} as AppInput,
    events: {} as AppEvent,
    output: {} as ExitReason,
  },
  guards: {
    ownerIsHere: stateIn({ alive: { owner: 'here' } }),
  },
  actions: {
    startApp: () => unprovided('startApp'),
    abortStart: () => unprovided('abortStart'),
    /** Stops it in order to start it again: the third party is told which of the two it is. */
    stopForRestart: () => unprovided('stopForRestart'),
    stopForGood: () => unprovided('stopForGood'),
    noteSkipped: () => unprovided('noteSkipped'),
    countFailure: assign({
      failures: ({ context }) => Math.min(context.failures + 1, resurrectionsMax(context.resurrection)),
    }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    appGrace: ({ context }) => context.graceMs,
    connectTimeout: ({ context }) => context.connectMs,
    stopTimeout: ({ context }) => context.stopMs,
    resurrectionDelay: ({ context }) => resurrectionDelayMs(context.failures, context.resurrection),
    settled: ({ context }) => context.resurrection.slowLaneMs,
  },
}).createMachine({
  id: 'app',
  description: 'A third party that acts for a session, and only while its owner is there.',
  context: ({ input }) => ({ ...input, failures: 0 }),
  initial: 'alive',
  states: {
    alive: {
      type: 'parallel',
      states: {
        owner: {
          initial: 'here',
          states: {
            here: { on: { 'owner.lost': 'away' } },
            away: { on: { 'owner.returned': 'here' } },
          },
        },
        app: {
          initial: 'starting',
          states: {
            starting: {
              description: 'Told to start; it has not connected yet.',
              entry: 'startApp',
              on: {
                'app.connected': 'running',
                'app.startFailed': 'failing',
                'owner.lost': { target: 'disconnected', actions: 'abortStart' },
              },
              after: { connectTimeout: { target: 'failing', actions: 'abortStart' } },
            },
            running: {
              on: { 'app.disconnected': 'grace' },
              after: { settled: { actions: 'forgetFailures' } },
            },
            grace: {
              description: 'Its connection dropped; it may come back by itself.',
              on: { 'app.connected': 'running' },
              after: {
                appGrace: [{ guard: 'ownerIsHere', target: 'resurrecting' }, { target: 'disconnected' }],
              },
            },
            resurrecting: {
              description: 'Stopped in order to be started once more.',
              entry: 'stopForRestart',
              on: { 'app.stopped': 'failing', 'owner.lost': 'disconnected' },
              after: { stopTimeout: 'failing' },
            },
            failing: {
              description: 'Counts the start that is due and decides whether there is somebody to make it for.',
              entry: 'countFailure',
              always: [{ guard: 'ownerIsHere', target: 'pausing' }, { target: 'disconnected' }],
            },
            pausing: {
              description: 'The pause before the next start: none at first, longer each time after.',
              on: { 'owner.lost': 'disconnected', 'app.connected': 'running' },
              after: { resurrectionDelay: 'starting' },
            },
            disconnected: {
              description: 'Gone, and nobody is there to start it for.',
              entry: 'noteSkipped',
              on: {
                'owner.returned': 'starting',
                'app.connected': 'running',
              },
            },
          },
        },
      },
      on: { 'supervisor.stop': 'stopping' },
    },
    stopping: {
      entry: ['abortStart', 'stopForGood'],
      on: { 'app.stopped': 'stopped' },
      after: { stopTimeout: 'stopped' },
    },
    stopped: { type: 'final' },
  },
  output: () => 'shutdown' as const,
});
