/**
 * One room: users who hear each other over a backend. It is opened for the first who joins and closed behind the last who
 * leaves, so that who comes later finds a fresh one. Who is in it is not here, only whether anybody is (`room.entered`,
 * `room.vacated`).
 */
import { assign, setup } from 'xstate';
import { type ExitReason, type StopRequest, shutdownBecause, unprovided } from './terms.js';

export type RoomEvent =
  | { readonly type: 'backend.opened' }
  | { readonly type: 'backend.failed'; readonly error: Error }
  | { readonly type: 'backend.closed' }
  | { readonly type: 'room.entered' }
  | { readonly type: 'room.vacated' }
  | StopRequest;

export interface RoomInput {
  /** How long the backend may take to open the room. Milliseconds. */
  readonly openMs: number;
  /** How long an open room waits for the one whom it was opened for. Milliseconds. */
  readonly vacantMs: number;
  /** How long the backend may take to close the room before it is left behind. Milliseconds. */
  readonly closeMs: number;
}

export interface RoomContext extends RoomInput {
  readonly reason: ExitReason;
}

/** Why a room ends when this event ends it. */
export function roomExitReason(event: RoomEvent): ExitReason {
  switch (event.type) {
    case 'backend.failed':
      return shutdownBecause('room_lost');
    case 'room.vacated':
      return shutdownBecause('ended');
    case 'supervisor.stop':
      return event.reason;
    case 'backend.opened':
    case 'backend.closed':
    case 'room.entered':
      return 'normal';
  }
}

export const roomMachine = setup({
  types: {
    context: {} as RoomContext,
    input: {} as RoomInput,
    events: {} as RoomEvent,
    output: {} as ExitReason,
  },
  actions: {
    openBackend: () => unprovided('openBackend'),
    welcomeUsers: () => unprovided('welcomeUsers'),
    /** Whoever is in it still is told to go. */
    dismissUsers: () => unprovided('dismissUsers'),
    closeBackend: () => unprovided('closeBackend'),
    recordExit: assign({ reason: ({ event }) => roomExitReason(event) }),
    recordLost: assign({ reason: () => shutdownBecause('room_lost') }),
    recordNeverAttached: assign({ reason: () => shutdownBecause('never_attached') }),
  },
  delays: {
    openTimeout: ({ context }) => context.openMs,
    vacantTimeout: ({ context }) => context.vacantMs,
    closeTimeout: ({ context }) => context.closeMs,
  },
}).createMachine({
  id: 'room',
  description: 'Users who hear each other: opened for the first, closed behind the last.',
  context: ({ input }) => ({ ...input, reason: 'normal' }),
  initial: 'alive',
  states: {
    alive: {
      initial: 'opening',
      states: {
        opening: {
          entry: 'openBackend',
          on: { 'backend.opened': 'vacant' },
          after: { openTimeout: { target: '#room.closing', actions: 'recordLost' } },
        },
        vacant: {
          description: 'Open, and nobody has come in yet.',
          entry: 'welcomeUsers',
          on: { 'room.entered': 'occupied' },
          after: { vacantTimeout: { target: '#room.closing', actions: 'recordNeverAttached' } },
        },
        occupied: {
          on: { 'room.vacated': { target: '#room.closing', actions: 'recordExit' } },
        },
      },
      on: {
        'backend.failed': { target: 'closing', actions: 'recordExit' },
        'supervisor.stop': { target: 'closing', actions: 'recordExit' },
      },
    },
    closing: {
      entry: ['dismissUsers', 'closeBackend'],
      on: { 'backend.closed': 'closed' },
      after: { closeTimeout: 'closed' },
    },
    closed: { type: 'final' },
  },
  output: ({ context }) => context.reason,
});
