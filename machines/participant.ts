/**
 * One user's session in a room. A user joins, and then has a while to open its audio stream; from then on the session is
 * that stream: when it ends, however it ends, the session has ended, and who wants to speak again joins again. So nobody is
 * ever in a room whom nobody can reach, but for the one short window that begins with the join.
 */
import { assign, setup } from 'xstate';
import { type ExitReason, type StopRequest, shutdownBecause, unprovided } from './terms.js';

export type ParticipantEvent =
  | { readonly type: 'stream.attached' }
  | { readonly type: 'stream.closed'; readonly reason: ExitReason }
  | { readonly type: 'user.left' }
  | { readonly type: 'user.superseded' }
  | { readonly type: 'room.lost'; readonly reason: ExitReason }
  | StopRequest;

export interface ParticipantInput {
  /** How long a user who has joined may take to open its stream. Milliseconds. */
  readonly attachMs: number;
}

export interface ParticipantContext extends ParticipantInput {
  readonly reason: ExitReason;
}

/** Why a session ends when this event ends it. */
export function participantExitReason(event: ParticipantEvent): ExitReason {
  switch (event.type) {
    case 'user.left':
      return shutdownBecause('bye');
    case 'user.superseded':
      return shutdownBecause('superseded');
    case 'stream.closed':
    case 'room.lost':
    case 'supervisor.stop':
      return event.reason;
    case 'stream.attached':
      return 'normal';
  }
}

export const participantMachine = setup({
  types: {
    context: {} as ParticipantContext,
    input: {} as ParticipantInput,
    events: {} as ParticipantEvent,
    output: {} as ExitReason,
  },
  actions: {
    /** Out of the room and out of the tables; the stream is ended, and what the user plays is stopped. */
    leaveRoom: () => unprovided('leaveRoom'),
    recordExit: assign({ reason: ({ event }) => participantExitReason(event) }),
    recordNeverAttached: assign({ reason: () => shutdownBecause('never_attached') }),
  },
  delays: {
    attachTimeout: ({ context }) => context.attachMs,
  },
}).createMachine({
  id: 'participant',
  description: "One user's session in a room, from the join to the end of its audio stream.",
  context: ({ input }) => ({ ...input, reason: 'normal' }),
  initial: 'alive',
  states: {
    alive: {
      initial: 'attaching',
      states: {
        attaching: {
          description: 'It has joined and has not opened its stream.',
          on: { 'stream.attached': 'attached' },
          after: { attachTimeout: { target: '#participant.leaving', actions: 'recordNeverAttached' } },
        },
        attached: {
          description: 'It speaks and hears.',
          on: { 'stream.closed': { target: '#participant.leaving', actions: 'recordExit' } },
        },
      },
      on: {
        'user.left': { target: 'leaving', actions: 'recordExit' },
        'user.superseded': { target: 'leaving', actions: 'recordExit' },
        'room.lost': { target: 'leaving', actions: 'recordExit' },
        'supervisor.stop': { target: 'leaving', actions: 'recordExit' },
      },
    },
    leaving: {
      description: 'The one way out: no longer in the room, nothing queued for it.',
      entry: 'leaveRoom',
      always: 'gone',
    },
    gone: { type: 'final' },
  },
  output: ({ context }) => context.reason,
});
