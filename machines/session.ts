/**
 * One session: what a user has here between the first hello and the end of the grace after the last one. A client that was
 * lost may come back; until then everything that acts for it is suspended, and nothing is started in its name. A client that
 * left, or was replaced, is not waited for.
 */
import { assign, setup } from 'xstate';
import { type ExitReason, type StopRequest, shutdownBecause, unprovided } from './terms.js';

export type SessionEvent =
  | { readonly type: 'client.connected' }
  | { readonly type: 'client.lost'; readonly reason: ExitReason }
  | { readonly type: 'client.left'; readonly reason: ExitReason }
  | { readonly type: 'session.superseded' }
  | StopRequest;

export interface SessionInput {
  /** How long a new session waits for its client to be registered. Milliseconds. */
  readonly attachMs: number;
  /** How long a lost client is waited for. Milliseconds. */
  readonly graceMs: number;
}

export interface SessionContext extends SessionInput {
  readonly reason: ExitReason;
}

/** Why a session ends when this event ends it. */
export function sessionExitReason(event: SessionEvent): ExitReason {
  switch (event.type) {
    case 'session.superseded':
      return shutdownBecause('superseded');
    case 'client.lost':
    case 'client.left':
    case 'supervisor.stop':
      return event.reason;
    case 'client.connected':
      return 'normal';
  }
}

export const sessionMachine = setup({
  types: {
    context: {} as SessionContext,
    input: {} as SessionInput,
    events: {} as SessionEvent,
    output: {} as ExitReason,
  },
  actions: {
    suspendSession: () => unprovided('suspendSession'),
    resumeSession: () => unprovided('resumeSession'),
    disposeSession: () => unprovided('disposeSession'),
    recordExit: assign({ reason: ({ event }) => sessionExitReason(event) }),
    recordGraceExpired: assign({ reason: () => shutdownBecause('grace_expired') }),
    recordNeverAttached: assign({ reason: () => shutdownBecause('never_attached') }),
  },
  delays: {
    attachTimeout: ({ context }) => context.attachMs,
    grace: ({ context }) => context.graceMs,
  },
}).createMachine({
  id: 'session',
  description: 'What a user has here, from the first hello to the end of the grace after the last.',
  context: ({ input }) => ({ ...input, reason: 'normal' }),
  initial: 'alive',
  states: {
    alive: {
      initial: 'connecting',
      states: {
        connecting: {
          description: 'Its client is being registered.',
          on: {
            'client.connected': 'connected',
            'client.lost': { target: '#session.disposing', actions: 'recordExit' },
          },
          after: { attachTimeout: { target: '#session.disposing', actions: 'recordNeverAttached' } },
        },
        connected: {
          description: 'Its client is here.',
          on: { 'client.lost': 'grace' },
        },
        grace: {
          description: 'Its client was lost and may come back. Nothing is started for who is not there.',
          entry: 'suspendSession',
          on: { 'client.connected': { target: 'connected', actions: 'resumeSession' } },
          after: { grace: { target: '#session.disposing', actions: 'recordGraceExpired' } },
        },
      },
      on: {
        'client.left': { target: 'disposing', actions: 'recordExit' },
        'session.superseded': { target: 'disposing', actions: 'recordExit' },
        'supervisor.stop': { target: 'disposing', actions: 'recordExit' },
      },
    },
    disposing: {
      description: 'Everything that acts for the user ends; what was held for it is given back.',
      entry: 'disposeSession',
      always: 'disposed',
    },
    disposed: { type: 'final' },
  },
  output: ({ context }) => context.reason,
});
