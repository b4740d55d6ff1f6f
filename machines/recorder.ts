/**
 * One camera onto a disk. Two questions, answered side by side: what is being done (`work`), and how much room the disk has
 * (`disk`). Pictures are written in segments; a segment is complete or it does not count, so every way out of writing one
 * leads through a state whose entry closes it and whose only way on is `segment.closed`.
 *
 * A disk that fails is tried again after a pause that grows, and a disk that is full is left alone until there is room
 * again; in both cases the camera is let go of, and nobody who watches it notices. When pictures stop coming the segment is
 * finished and the recorder stays with its camera. Who the camera is, what a segment is made of and how old ones go is not here.
 */
import { assign, setup, stateIn } from 'xstate';
import { type ExitReason, type StopRequest, unprovided } from './terms.js';

export type RecorderEvent =
  | { readonly type: 'archive.opened' }
  | { readonly type: 'frames.began' }
  | { readonly type: 'frames.ceased' }
  | { readonly type: 'segment.due' }
  | { readonly type: 'segment.closed' }
  | { readonly type: 'disk.failed' }
  | { readonly type: `disk.${DiskLevel}` }
  | StopRequest;

/** The best first. */
export const DISK_LEVELS = ['ample', 'low', 'scarce', 'full'] as const;
export type DiskLevel = (typeof DISK_LEVELS)[number];

export interface RecorderInput {
  /** The first pause after a failure of the disk; it doubles up to `retryMaxMs`. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** How long a stopping recorder may take to finish its segment. */
  readonly finishMs: number;
  /** A number in [0, 1) for the jitter of this recorder's pauses. */
  readonly jitter: number;
}

export interface RecorderContext extends RecorderInput {
  /** Failures since the last complete segment; no higher than what still lengthens the pause. */
  readonly failures: number;
}

/** How much better than a limit it has to be again before it counts as better. */
const HYSTERESIS = 1.1;

/**
 * How the disk stands with so much free: `low` below `minFreeBytes` (a warning), `scarce` below half of it (fewer pictures),
 * `full` below a quarter (none). Back to a better level only a tenth above its limit, so that a disk on the edge does not
 * stop and start with every segment.
 */
export function diskLevel(freeBytes: number, minFreeBytes: number, before: DiskLevel): DiskLevel {
  const limits = [minFreeBytes, minFreeBytes / 2, minFreeBytes / 4];
  const worst = limits.filter((limit) => freeBytes < limit).length;
  let level = DISK_LEVELS.indexOf(before);
  while (level > worst && freeBytes >= (limits[level - 1] as number) * HYSTERESIS) level -= 1;
  return DISK_LEVELS[Math.max(level, worst)] as DiskLevel;
}

/** The pause before the disk is tried again, in milliseconds; shortened by up to a fifth, so that not all recorders try at once. */
export function recorderPauseMs({ failures, retryMs, retryMaxMs, jitter }: RecorderContext): number {
  return Math.round(Math.min(retryMs * 2 ** (failures - 1), retryMaxMs) * (1 - 0.2 * jitter));
}

/** The most failures that still make a difference to the next pause. */
export function recorderFailuresMax({ retryMs, retryMaxMs }: RecorderInput): number {
  return 1 + Math.max(0, Math.ceil(Math.log2(retryMaxMs / retryMs)));
}

export const recorderMachine = setup({
  types: {
    context: {} as RecorderContext,
    input: {} as RecorderInput,
    events: {} as RecorderEvent,
    output: {} as ExitReason,
  },
  guards: {
    diskIsFull: stateIn({ alive: { disk: 'full' } }),
  },
  actions: {
    openArchive: () => unprovided('openArchive'),
    joinCamera: () => unprovided('joinCamera'),
    leaveCamera: () => unprovided('leaveCamera'),
    beginSegment: () => unprovided('beginSegment'),
    finishSegment: () => unprovided('finishSegment'),
    abandonSegment: () => unprovided('abandonSegment'),
    endSession: () => unprovided('endSession'),
    warnOfDisk: () => unprovided('warnOfDisk'),
    degrade: () => unprovided('degrade'),
    restoreRate: () => unprovided('restoreRate'),
    announcePause: () => unprovided('announcePause'),
    announceResume: () => unprovided('announceResume'),
    announceRetry: () => unprovided('announceRetry'),
    countFailure: assign({ failures: ({ context }) => Math.min(context.failures + 1, recorderFailuresMax(context)) }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    retryPause: ({ context }) => recorderPauseMs(context),
    finishTimeout: ({ context }) => context.finishMs,
  },
}).createMachine({
  id: 'recorder',
  description: 'One camera onto a disk, in segments that are complete or do not count.',
  context: ({ input }) => ({ ...input, failures: 0 }),
  initial: 'alive',
  states: {
    alive: {
      type: 'parallel',
      states: {
        work: {
          initial: 'opening',
          states: {
            opening: {
              description: 'Looks at the disk: what a crash has left is repaired or removed.',
              entry: 'openArchive',
              on: {
                'archive.opened': [{ guard: 'diskIsFull', target: 'paused' }, { target: 'attending' }],
                'disk.failed': 'backingOff',
              },
            },
            attending: {
              description: 'With its camera, which is kept open.',
              entry: 'joinCamera',
              exit: 'leaveCamera',
              initial: 'idle',
              states: {
                idle: {
                  description: 'No pictures; no segment is open.',
                  on: {
                    'frames.began': 'recording',
                    'disk.full': '#recorder.alive.work.paused',
                    'disk.failed': '#recorder.alive.work.backingOff',
                  },
                },
                recording: {
                  entry: 'beginSegment',
                  on: { 'segment.due': 'rollingOver', 'frames.ceased': 'finishing' },
                },
                rollingOver: {
                  description: 'One segment is being completed; the next begins with the picture that waits.',
                  entry: 'finishSegment',
                  on: { 'segment.closed': { target: 'recording', actions: 'forgetFailures' } },
                },
                finishing: {
                  description: 'Pictures have stopped coming; what there is of them is being completed.',
                  entry: ['endSession', 'finishSegment'],
                  on: {
                    'frames.began': 'rollingOver',
                    'segment.closed': { target: 'idle', actions: 'forgetFailures' },
                  },
                },
              },
              on: { 'disk.full': 'pausing', 'disk.failed': 'failing' },
            },
            pausing: {
              description: 'The disk is full; the segment is being completed with what room there is.',
              entry: 'finishSegment',
              on: {
                'segment.closed': [
                  { guard: 'diskIsFull', target: 'paused', actions: 'forgetFailures' },
                  { target: 'resuming', actions: 'forgetFailures' },
                ],
                'disk.failed': 'failing',
              },
            },
            paused: {
              description: 'The disk is full. The camera is let go of.',
              entry: 'announcePause',
              on: {
                'disk.ample': 'resuming',
                'disk.low': 'resuming',
                'disk.scarce': 'resuming',
                'disk.failed': 'backingOff',
              },
            },
            resuming: {
              description: 'There is room again, on a disk that somebody may have tidied: it is looked at anew.',
              entry: ['announceResume', 'openArchive'],
              on: {
                'archive.opened': [{ guard: 'diskIsFull', target: 'paused' }, { target: 'attending' }],
                'disk.failed': 'backingOff',
              },
            },
            failing: {
              description: 'The disk has failed; the segment is closed as it is, and repaired when the disk is back.',
              entry: 'abandonSegment',
              on: { 'segment.closed': 'backingOff' },
            },
            backingOff: {
              entry: ['countFailure', 'announceRetry'],
              after: { retryPause: 'opening' },
            },
          },
        },
        disk: {
          initial: 'ample',
          states: {
            ample: {},
            low: { entry: 'warnOfDisk' },
            scarce: {
              description: 'Fewer pictures are recorded.',
              entry: 'degrade',
              exit: 'restoreRate',
            },
            full: {},
          },
          on: { 'disk.ample': '.ample', 'disk.low': '.low', 'disk.scarce': '.scarce', 'disk.full': '.full' },
        },
      },
      on: { 'supervisor.stop': 'stopping' },
    },
    stopping: {
      entry: 'finishSegment',
      on: { 'segment.closed': 'stopped', 'disk.failed': 'stopped' },
      after: { finishTimeout: 'stopped' },
    },
    stopped: { type: 'final' },
  },
  output: () => 'shutdown' as const,
});
