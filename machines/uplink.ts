/**
 * One uplink: a stream that we open to somebody else and want to keep. It is opened again whenever it ends, each time after
 * a longer and random pause, and from the beginning once it has held for a while. A peer that accepts and says nothing is
 * not connected: only its first message makes an uplink live.
 *
 * At no moment is there more than one attempt: every way from one to the next leads through `recovering`, whose entry closes
 * the old one. Beside the link there is what it is good for: `available` while it is live, `degraded` once it has been gone
 * for longer than whoever uses it should be kept in the dark. A link that is back before that was never missed.
 */
import { assign, setup, stateIn } from 'xstate';
import { type ExitReason, type StopRequest, shutdownBecause, unprovided } from './terms.js';

export type UplinkEvent =
  | { readonly type: 'attempt.opened' }
  /** The first message of an attempt. */
  | { readonly type: 'peer.heard' }
  | { readonly type: 'attempt.failed'; readonly final: boolean }
  | { readonly type: 'silence.detected' }
  | { readonly type: 'attempt.closed' }
  | StopRequest;

export interface UplinkInput {
  /** How long an attempt may take to be accepted. Milliseconds, as all of these. */
  readonly connectMs: number;
  /** How long an accepted attempt may be without a first message. */
  readonly firstMessageMs: number;
  /** An uplink that has been live for so long starts again from the shortest pause. */
  readonly stableMs: number;
  /** How long closing an attempt may take before the next begins without it. */
  readonly closeMs: number;
  /** How long it may be gone before its user is told. */
  readonly degradedMs: number;
  readonly retry: ReconnectPolicy;
  /** A number in [0, 1) for the jitter of this uplink's pauses: those that were lost together do not return together. */
  readonly chance: number;
}

/** The pause before the next attempt: `initialMs`, doubling up to `maxMs`, each shortened by up to the share `jitter`. */
export interface ReconnectPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly jitter: number;
}

export interface UplinkContext extends UplinkInput {
  /** Failures since it was last stable; no higher than what still lengthens the pause. */
  readonly failures: number;
  /** The last attempt did not fail but hung: what it went over is suspect, and the next goes over something new. */
  readonly stuck: boolean;
  readonly reason: ExitReason;
}

/** The most failures that still make a difference to the next pause. */
export function reconnectFailuresMax({ initialMs, maxMs }: ReconnectPolicy): number {
  return Math.max(0, Math.ceil(Math.log2(maxMs / initialMs))) + 1;
}

/** @param chance in [0, 1). */
export function reconnectDelayMs(
  failures: number,
  { initialMs, maxMs, jitter }: ReconnectPolicy,
  chance: number,
): number {
  const wholeMs = Math.min(initialMs * 2 ** Math.max(0, failures - 1), maxMs);
  return Math.round(wholeMs * (1 - jitter * chance));
}

/** It hung; and: it failed, for good or for now. */
const HUNG = { target: 'recovering', actions: ['markStuck', 'countFailure'] } as const;
const FAILED = [
  { guard: 'failureIsFinal', target: '#uplink.closing', actions: 'recordRefused' },
  { target: 'recovering', actions: ['markFailed', 'countFailure'] },
] as const;

export const uplinkMachine = setup({
  types: {
    context: {} as UplinkContext,
    input: {} as UplinkInput,
    events: {} as UplinkEvent,
    output: {} as ExitReason,
  },
  guards: {
    failureIsFinal: ({ event }) => event.type === 'attempt.failed' && event.final,
    awaited: stateIn({ alive: { link: 'accepted' } }),
  },
  actions: {
    openAttempt: () => unprovided('openAttempt'),
    beginBeating: () => unprovided('beginBeating'),
    closeAttempt: () => unprovided('closeAttempt'),
    announcePause: () => unprovided('announcePause'),
    announceAvailable: () => unprovided('announceAvailable'),
    announceDegraded: () => unprovided('announceDegraded'),
    markStuck: assign({ stuck: true }),
    markFailed: assign({ stuck: false }),
    countFailure: assign({
      failures: ({ context }) => Math.min(context.failures + 1, reconnectFailuresMax(context.retry)),
    }),
    forgetFailures: assign({ failures: 0 }),
    recordExit: assign({ reason: ({ event }) => (event as StopRequest).reason }),
    recordRefused: assign({ reason: () => shutdownBecause('refused') }),
  },
  delays: {
    connectTimeout: ({ context }) => context.connectMs,
    firstMessageTimeout: ({ context }) => context.firstMessageMs,
    stable: ({ context }) => context.stableMs,
    closeTimeout: ({ context }) => context.closeMs,
    degradedAfter: ({ context }) => context.degradedMs,
    retryDelay: ({ context }) => reconnectDelayMs(context.failures, context.retry, context.chance),
  },
}).createMachine({
  id: 'uplink',
  description: 'A stream that we open to somebody else and want to keep; one attempt at a time.',
  context: ({ input }) => ({ ...input, failures: 0, stuck: false, reason: 'normal' }),
  initial: 'alive',
  states: {
    alive: {
      type: 'parallel',
      states: {
        link: {
          initial: 'connecting',
          states: {
            connecting: {
              entry: 'openAttempt',
              on: { 'attempt.opened': 'accepted', 'attempt.failed': FAILED },
              after: { connectTimeout: HUNG },
            },
            accepted: {
              description: 'The peer has taken the stream and has said nothing yet.',
              on: { 'peer.heard': 'live', 'attempt.failed': FAILED },
              after: { firstMessageTimeout: HUNG },
            },
            live: {
              entry: 'beginBeating',
              initial: 'settling',
              states: {
                settling: {
                  after: { stable: { target: 'stable', actions: 'forgetFailures' } },
                },
                stable: {
                  description: 'It has held for a while: the next failure counts as the first.',
                },
              },
              on: { 'silence.detected': HUNG, 'attempt.failed': FAILED },
            },
            recovering: {
              description: 'The attempt is being closed; the next begins only when it is gone.',
              entry: 'closeAttempt',
              on: { 'attempt.closed': 'pausing' },
              after: { closeTimeout: 'pausing' },
            },
            pausing: {
              entry: 'announcePause',
              after: { retryDelay: 'connecting' },
            },
          },
        },
        service: {
          initial: 'missed',
          states: {
            available: {
              entry: 'announceAvailable',
              on: { 'attempt.failed': 'missed', 'silence.detected': 'missed' },
            },
            missed: {
              description: 'Not live, for so short a time that nobody has been told.',
              on: { 'peer.heard': { guard: 'awaited', target: 'available' } },
              after: { degradedAfter: 'degraded' },
            },
            degraded: {
              description: 'Not live for long: whoever uses it goes on without it.',
              entry: 'announceDegraded',
              on: { 'peer.heard': { guard: 'awaited', target: 'available' } },
            },
          },
        },
      },
      on: { 'supervisor.stop': { target: 'closing', actions: 'recordExit' } },
    },
    closing: {
      entry: 'closeAttempt',
      on: { 'attempt.closed': 'closed' },
      after: { closeTimeout: 'closed' },
    },
    closed: { type: 'final' },
  },
  output: ({ context }) => context.reason,
});
