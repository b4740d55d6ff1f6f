/**
 * One camera: pictures from a source for whoever wants them. It opens the source when the first viewer comes, retries a
 * few times fast and then slowly for as long as somebody wants it, and lets go a while after the last viewer has left.
 *
 * At no moment is there more than one attempt: every way from one attempt to the next leads through a state whose entry
 * closes the old one and whose only way on is `attempt.closed`. Who watches is not here, only whether anybody does
 * (`demand.began`, `demand.ended`); a camera that is always on has a demand that never ends.
 */
import { assign, setup, stateIn } from 'xstate';
import { type ExitReason, type StopRequest, unprovided } from './terms.js';

export type CameraEvent =
  | { readonly type: 'demand.began' }
  | { readonly type: 'demand.ended' }
  | { readonly type: 'source.opened' }
  | { readonly type: 'source.delivered' }
  | { readonly type: 'source.failed'; readonly final: boolean }
  | { readonly type: 'pictures.ceased' }
  | { readonly type: 'pictures.resumed' }
  | { readonly type: 'attempt.closed' }
  | { readonly type: 'camera.retry' }
  | StopRequest;

export interface CameraInput {
  readonly connectMs: number;
  readonly firstFrameMs: number;
  readonly lingerMs: number;
  /** How long a stale source is kept before it counts as failed. */
  readonly staleLimitMs: number;
  readonly closeMs: number;
  readonly retry: RetryPolicy;
  /** A number in [0, 1) for the jitter of this camera's slow lane. */
  readonly jitter: number;
}

export interface RetryPolicy {
  /** Tries in the fast lane, `delayMs` apart, before the camera counts as disconnected. */
  readonly attempts: number;
  readonly delayMs: number;
  /** The slow lane's first pause; it doubles up to `slowMaxMs`. */
  readonly slowMs: number;
  readonly slowMaxMs: number;
}

export interface CameraContext extends CameraInput {
  /** Failures since the last live picture; no higher than what still lengthens the pause. */
  readonly failures: number;
}

/** The most failures that still make a difference to the next pause. */
export function failuresMax(retry: RetryPolicy): number {
  const doublings = Math.max(0, Math.ceil(Math.log2(retry.slowMaxMs / retry.slowMs)));
  return retry.attempts + doublings + 1;
}

/** True from the failure that spends the fast lane on. */
export function fastLaneSpent(failures: number, retry: RetryPolicy): boolean {
  return failures >= retry.attempts;
}

/**
 * The pause before the next attempt, in milliseconds: `delayMs` in the fast lane, then `slowMs` doubling to `slowMaxMs`,
 * each slow pause shortened by up to a fifth, so that a hundred cameras of one recorder do not knock at once.
 */
export function retryDelayMs(failures: number, retry: RetryPolicy, jitter: number): number {
  if (!fastLaneSpent(failures, retry)) return retry.delayMs;
  const slow = Math.min(retry.slowMs * 2 ** (failures - retry.attempts), retry.slowMaxMs);
  return Math.round(slow * (1 - 0.2 * jitter));
}

/** How long the pause is that now begins, for whoever is told of it. Milliseconds. */
export function pauseMs({ failures, retry, jitter }: CameraContext): number {
  return retryDelayMs(failures, retry, jitter);
}

export const cameraMachine = setup({
  types: {
    context: {} as CameraContext,
    input: {} as CameraInput,
    events: {} as CameraEvent,
    output: {} as ExitReason,
  },
  guards: {
    failureIsFinal: ({ event }) => event.type === 'source.failed' && event.final,
    fastLaneJustSpent: ({ context }) => context.failures === context.retry.attempts,
    disconnectIsTold: ({ context }) => fastLaneSpent(context.failures, context.retry),
    nobodyWatches: stateIn({ alive: { live: { demand: 'lingering' } } }),
  },
  actions: {
    openAttempt: () => unprovided('openAttempt'),
    closeAttempt: () => unprovided('closeAttempt'),
    announceDisconnect: () => unprovided('announceDisconnect'),
    announceRetry: () => unprovided('announceRetry'),
    endViewers: () => unprovided('endViewers'),
    countFailure: assign({
      failures: ({ context }) => Math.min(context.failures + 1, failuresMax(context.retry)),
    }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    connectTimeout: ({ context }) => context.connectMs,
    firstFrameTimeout: ({ context }) => context.firstFrameMs,
    linger: ({ context }) => context.lingerMs,
    staleLimit: ({ context }) => context.staleLimitMs,
    closeTimeout: ({ context }) => context.closeMs,
    retryDelay: ({ context }) => retryDelayMs(context.failures, context.retry, context.jitter),
  },
}).createMachine({
  id: 'camera',
  description: 'Pictures from one source for whoever wants them; one attempt at a time.',
  context: ({ input }) => ({ ...input, failures: 0 }),
  initial: 'alive',
  states: {
    alive: {
      initial: 'idle',
      states: {
        idle: {
          description: 'Nobody wants it; nothing is open.',
          entry: 'forgetFailures',
          on: { 'demand.began': 'opening' },
        },
        opening: {
          entry: 'openAttempt',
          initial: 'connecting',
          states: {
            connecting: {
              on: { 'source.opened': 'awaitingPicture' },
              after: { connectTimeout: '#camera.alive.recovering' },
            },
            awaitingPicture: {
              after: { firstFrameTimeout: '#camera.alive.recovering' },
            },
          },
          on: {
            'source.delivered': 'live',
            'source.failed': [{ guard: 'failureIsFinal', target: 'failing' }, { target: 'recovering' }],
            'demand.ended': 'releasing',
          },
        },
        live: {
          entry: 'forgetFailures',
          type: 'parallel',
          states: {
            pictures: {
              initial: 'fresh',
              states: {
                fresh: { on: { 'pictures.ceased': 'stale' } },
                stale: {
                  description: 'Open, but no picture has come for the stale time.',
                  on: { 'pictures.resumed': 'fresh' },
                  after: {
                    staleLimit: [
                      { guard: 'nobodyWatches', target: '#camera.alive.releasing' },
                      { target: '#camera.alive.recovering' },
                    ],
                  },
                },
              },
            },
            demand: {
              initial: 'wanted',
              states: {
                wanted: { on: { 'demand.ended': 'lingering' } },
                lingering: {
                  description: 'The last viewer has left; somebody may come back.',
                  on: { 'demand.began': 'wanted' },
                  after: { linger: '#camera.alive.releasing' },
                },
              },
            },
          },
          on: {
            'source.failed': [
              { guard: 'failureIsFinal', target: 'failing' },
              { guard: 'nobodyWatches', target: 'releasing' },
              { target: 'recovering' },
            ],
          },
        },
        recovering: {
          description: 'The attempt has failed and is being closed; the next begins only after it is gone.',
          entry: ['countFailure', 'closeAttempt'],
          on: {
            'attempt.closed': [
              { guard: 'fastLaneJustSpent', target: 'backingOff', actions: 'announceDisconnect' },
              { target: 'backingOff' },
            ],
            'demand.ended': 'releasing',
          },
        },
        backingOff: {
          description: 'Waiting before the next attempt: a short pause at first, the slow lane later.',
          entry: 'announceRetry',
          on: { 'demand.ended': 'idle', 'camera.retry': 'opening' },
          after: { retryDelay: 'opening' },
        },
        releasing: {
          description: 'Nobody wants it any more; the attempt is being closed.',
          entry: 'closeAttempt',
          initial: 'unwanted',
          states: {
            unwanted: { on: { 'demand.began': 'wantedAgain', 'attempt.closed': '#camera.alive.idle' } },
            wantedAgain: { on: { 'demand.ended': 'unwanted', 'attempt.closed': '#camera.alive.opening' } },
          },
        },
        failing: {
          description: 'The source said something that no retry can mend; its attempt is being closed.',
          entry: 'closeAttempt',
          on: {
            'attempt.closed': [
              { guard: 'disconnectIsTold', target: 'failed' },
              { target: 'failed', actions: 'announceDisconnect' },
            ],
          },
        },
        failed: {
          description: 'Given up. Viewers were told; a restart or `camera.retry` begins anew.',
          entry: 'endViewers',
          on: { 'camera.retry': 'idle', 'demand.began': { actions: 'endViewers' } },
        },
      },
      on: { 'supervisor.stop': 'stopping' },
    },
    stopping: {
      entry: ['endViewers', 'closeAttempt'],
      on: { 'attempt.closed': 'stopped' },
      after: { closeTimeout: 'stopped' },
    },
    stopped: { type: 'final' },
  },
  output: () => 'shutdown' as const,
});
