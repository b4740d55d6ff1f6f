/**
 * One stream to or from somebody. It has ten ways out and one way to end: whatever happens first decides the reason, all of
 * them meet in `closing`, whose entry tears down exactly once, and nothing that comes later changes either.
 *
 * The chart sees edges (queue filled, queue drained), never frames.
 */
import { assign, setup } from 'xstate';
import { type ExitReason, type StopRequest, shutdownBecause, unprovided } from './terms.js';

/** The ten ways out, less silence and the send timeout, which are the chart's own clocks. */
export type StreamExit =
  | { readonly type: 'stream.ended' }
  | { readonly type: 'stream.failed'; readonly error: Error }
  | { readonly type: 'peer.cancelled' }
  | { readonly type: 'deadline.exceeded' }
  | { readonly type: 'iterator.broken' }
  | { readonly type: 'send.failed'; readonly error: Error }
  | { readonly type: 'silence.detected' }
  | { readonly type: 'owner.lost'; readonly reason: ExitReason }
  | StopRequest;

export type StreamEvent =
  | StreamExit
  | { readonly type: 'stream.opened' }
  | { readonly type: 'peer.halfClosed' }
  | { readonly type: 'queue.filled' }
  | { readonly type: 'queue.drained' }
  | { readonly type: 'write.completed' }
  | { readonly type: 'teardown.completed' };

export interface StreamInput {
  /** No write completed for so long while the queue is full: the stream is stalled. Milliseconds. */
  readonly sendTimeoutMs: number;
  /** How long a stalled stream is kept before it ends with `slow_consumer`. Milliseconds; 0 ends it at once. */
  readonly stallMs: number;
  /** How long a teardown may take before the stream is closed without it. Milliseconds. */
  readonly teardownMs: number;
}

export interface StreamContext extends StreamInput {
  readonly reason: ExitReason;
}

/** The exit reason that a way out stands for. */
export function streamExitReason(event: StreamExit): ExitReason {
  switch (event.type) {
    case 'stream.ended':
      return shutdownBecause('ended');
    case 'stream.failed':
    case 'send.failed':
      return event.error;
    case 'peer.cancelled':
    case 'iterator.broken':
      return shutdownBecause('cancelled');
    case 'deadline.exceeded':
      return shutdownBecause('deadline_exceeded');
    case 'silence.detected':
      return shutdownBecause('inactivity');
    case 'owner.lost':
    case 'supervisor.stop':
      return event.reason;
  }
}

export const streamMachine = setup({
  types: {
    context: {} as StreamContext,
    input: {} as StreamInput,
    events: {} as StreamEvent,
    output: {} as ExitReason,
  },
  actions: {
    tearDown: () => unprovided('tearDown'),
    drainQueue: () => unprovided('drainQueue'),
    recordExit: assign({ reason: ({ event }) => streamExitReason(event as StreamExit) }),
    recordSlowConsumer: assign({ reason: () => shutdownBecause('slow_consumer') }),
  },
  delays: {
    sendTimeout: ({ context }) => context.sendTimeoutMs,
    stallTimeout: ({ context }) => context.stallMs,
    teardownTimeout: ({ context }) => context.teardownMs,
  },
}).createMachine({
  id: 'stream',
  description: 'One stream to or from somebody: ten ways out, one teardown.',
  context: ({ input }) => ({ ...input, reason: 'normal' }),
  initial: 'alive',
  states: {
    alive: {
      initial: 'opening',
      states: {
        opening: {
          description: 'Accepted, nothing sent yet.',
          on: { 'stream.opened': 'open' },
        },
        open: {
          initial: 'flowing',
          states: {
            flowing: {
              description: 'The consumer keeps up.',
              on: { 'queue.filled': 'paused' },
            },
            paused: {
              description: 'The queue is full; its policy decides what is dropped.',
              on: {
                'queue.drained': 'flowing',
                'write.completed': { target: 'paused', reenter: true },
              },
              after: { sendTimeout: 'stalled' },
            },
            stalled: {
              description: 'The queue is full and no write has completed for the send timeout.',
              on: { 'queue.drained': 'flowing', 'write.completed': 'paused' },
              after: { stallTimeout: { target: '#stream.closing', actions: 'recordSlowConsumer' } },
            },
          },
          on: { 'peer.halfClosed': 'halfClosed' },
        },
        halfClosed: {
          description: 'The peer has said its last; what is queued for it still goes out.',
          entry: 'drainQueue',
          after: { sendTimeout: { target: '#stream.closing', actions: 'recordSlowConsumer' } },
        },
      },
      on: {
        'stream.ended': { target: 'closing', actions: 'recordExit' },
        'stream.failed': { target: 'closing', actions: 'recordExit' },
        'peer.cancelled': { target: 'closing', actions: 'recordExit' },
        'deadline.exceeded': { target: 'closing', actions: 'recordExit' },
        'iterator.broken': { target: 'closing', actions: 'recordExit' },
        'send.failed': { target: 'closing', actions: 'recordExit' },
        'silence.detected': { target: 'closing', actions: 'recordExit' },
        'owner.lost': { target: 'closing', actions: 'recordExit' },
        'supervisor.stop': { target: 'closing', actions: 'recordExit' },
      },
    },
    closing: {
      description: 'The one teardown: status to the peer, queue emptied, listeners gone.',
      entry: 'tearDown',
      on: { 'teardown.completed': 'closed' },
      after: { teardownTimeout: 'closed' },
    },
    closed: { type: 'final' },
  },
  output: ({ context }) => context.reason,
});
