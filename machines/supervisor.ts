/**
 * A supervisor's own life. Its children are not here: ten thousand of them would make each transition slow, so they live
 * in a private table of `src/otp/supervisor.ts`, which advances this chart at the edges.
 */
import { assign, setup } from 'xstate';
import type { ExitReason } from './terms.js';

export type SupervisorEvent =
  | { readonly type: 'children.started' }
  | { readonly type: 'restart.begun' }
  | { readonly type: 'restart.completed' }
  | { readonly type: 'stop.begun' }
  | { readonly type: 'children.stopped'; readonly reason: ExitReason };

export const supervisorMachine = setup({
  types: { context: {} as { readonly reason: ExitReason }, events: {} as SupervisorEvent, output: {} as ExitReason },
  actions: {
    recordExit: assign({ reason: ({ event }) => (event.type === 'children.stopped' ? event.reason : 'shutdown') }),
  },
}).createMachine({
  id: 'supervisor',
  description: 'Starts its children in order, replaces those that fail, stops them in reverse.',
  context: { reason: 'shutdown' },
  initial: 'starting',
  states: {
    starting: {
      description: 'Children are started one after the other; requests wait.',
      on: { 'children.started': 'running', 'stop.begun': 'stopping' },
    },
    running: {
      description: 'Every child that should run does.',
      on: { 'restart.begun': 'restarting', 'stop.begun': 'stopping' },
    },
    restarting: {
      description: 'Some child has failed and is not back yet.',
      on: { 'restart.completed': 'running', 'stop.begun': 'stopping' },
    },
    stopping: {
      description: 'Children are asked to end, the youngest first, each within its own time.',
      on: { 'children.stopped': { target: 'stopped', actions: 'recordExit' } },
    },
    stopped: { type: 'final' },
  },
  output: ({ context }) => context.reason,
});
