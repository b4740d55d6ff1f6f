/**
 * Everything a gateway tells of itself: the stable codes of its events, at which level each is logged, and what it means. The log's
 * message is the code, so that it can be searched for; `docs/log-codes.md` is generated from here, and a test holds this list
 * against the places that tell.
 */

export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

export interface EventType {
  readonly level: EventLevel;
  readonly what: string;
}

const debug = (what: string): EventType => ({ level: 'debug', what });
const info = (what: string): EventType => ({ level: 'info', what });
const warn = (what: string): EventType => ({ level: 'warn', what });
const error = (what: string): EventType => ({ level: 'error', what });

export const EVENT_TYPES: Readonly<Record<string, EventType>> = {
  'actor.asked': info(
    'An operator asked an actor to stop, to be killed or to be restarted; `reason` says which, `why` in his words.',
  ),
  'app.resurrectionSkipped': info('An app is gone and is not started again, because its owner is not there.'),
  'app.startFailed': warn('An app could not be started; it is tried again, slowly in the end.'),
  'app.started': info('An app was asked to start; `start` counts.'),
  'app.stopped': info('An app was told to stop; `restart` when it is to be started again.'),
  'audio.cancelled': info('A stream of audio was cancelled by its user.'),
  'audio.closed': info('A stream of audio ended in order.'),
  'audio.dropped': warn('Audio for a slow user was dropped; `drops` counts, told seldom.'),
  'audio.failed': warn('A stream of audio broke.'),
  'audio.oddPayload': warn('A chunk of audio had an odd number of bytes; told seldom.'),
  'audio.sendFailed': warn('A chunk of audio could not be sent; the session was closed.'),
  'audio.senderEnded': info('A user ended the sending side of a stream of audio.'),
  'audio.started': debug('A stream of audio began.'),
  'audio.timedOut': warn('A user sent nothing for too long; the session was closed.'),
  'camera.closed': info('An attempt at a source ended and everything of it was given back.'),
  'camera.disconnected': warn(
    'The fast tries at a source are spent, and slow ones go on while somebody wants the camera; or no try can help. Once.',
  ),
  'camera.retrying': warn('An attempt at a source failed; the next one begins in `delayMs`.'),
  'channel.evicted': info('An idle connection to somebody was closed to make room.'),
  'channel.failed': warn('A connection to somebody could not be made.'),
  'channel.forced': warn('A connection was closed although calls were still open.'),
  'channel.lost': warn('A connection to somebody was lost.'),
  'child.backingOff': warn('A child waits before it is started again.'),
  'child.gaveUp': error('A child has spent the restarts of its own and stays stopped.'),
  'cluster.fenced': error('This gateway has lost its lease and with it everything it owned; `dropped` counts.'),
  'cluster.joined': info('This gateway has its lease and may own clients.'),
  'cluster.left': info('This gateway has given back its lease.'),
  'cluster.nodeGone': warn('The lease of another gateway has ended; what it owned is free.'),
  'cluster.nodeHeard': info('A gateway that was silent is heard again.'),
  'cluster.nodeSilent': warn('Another gateway is not heard; it may still own what it has.'),
  'cluster.nodeUp': info('Another gateway has a lease.'),
  'cluster.offerCut': warn('This gateway provides more than fits into its record; `names` are not told to the others.'),
  'cluster.relaySlow': warn('Another gateway does not take the frames of a camera in time; `camera`, `node`.'),
  'cluster.wentBack': error('The engine knows less than it had acknowledged; nobody acts before its era is raised.'),
  'frame.failed': warn("A host's function failed on a frame; the frame was skipped."),
  'gateway.undrained': info('A gateway that was draining takes newcomers again.'),
  'growth.suspected': warn('A figure of what is held has only risen, minute after minute; `from` and `to`.'),
  'handler.slow': warn(
    'An actor took long over one message, its start, a timer or a listener, and nobody else had a turn meanwhile; `ms` says how long.',
  ),
  'listener.failed': error('A listener of events threw.'),
  'loop.gap': warn(
    'The event loop stood still for `ms` since `since`; the actor is who was at work, where that is known.',
  ),
  'mailbox.full': warn('A mailbox had no room for a message, for the first time.'),
  'play.failed': warn('A sound could not be played.'),
  'process.abandoned': error('An actor ended, and something it held was not given back in time.'),
  'process.down': warn('An actor ended; clean ends are logged as debug.'),
  'process.restarted': warn('A supervisor started a child again; `restarts` counts.'),
  'process.startFailed': warn('A child could not be started.'),
  'process.started': debug('An actor runs.'),
  'process.threwLate': error('Work that an actor had left behind threw after its end.'),
  'publisher.superseded': info('Another publisher took a camera over.'),
  'recorder.degraded': warn(
    'There is less than half of the room that a recording wants; one picture in a second is recorded.',
  ),
  'recorder.diskLow': warn('There is less room than `minFreeBytes`; recording goes on.'),
  'recorder.paused': warn('There is less than a quarter of the room that a recording wants; nothing is recorded.'),
  'recorder.qualityKept': info('Pictures are stored as they come; `reason` says why.'),
  'recorder.recovered': info(
    'A crash had left segments that were not complete: so many were repaired, so many removed.',
  ),
  'recorder.removed': info('The oldest segments were taken away, because of the limits of what is kept.'),
  'recorder.resumed': info('There is room for a recording again.'),
  'recorder.retrying': warn('The disk of a recording has failed; it is tried again in `delayMs`.'),
  'recorder.segment': debug('A segment of a recording is complete.'),
  'room.cleanup': warn('A user is out of a room because their stream broke.'),
  'room.closed': info('The last user left a room.'),
  'room.joined': info('A user is in a room.'),
  'room.left': info('A user is out of a room; `reason` says why.'),
  'room.opened': info('A room has its first user.'),
  'session.disposed': info('A session ended; everything held for its user was given back.'),
  'session.grace': info('A user was lost and is waited for.'),
  'session.resumed': info('A user came back to their session.'),
  'supervisor.gaveUp': error('A supervisor has spent its restarts and ends.'),
  swept: info('What had outlived its time was taken away.'),
};

/** The level of an event: clean ends are for whoever debugs. */
export function levelOf({ type, reason }: { readonly type: string; readonly reason?: string }): EventLevel {
  if (type === 'process.down' && (reason === 'normal' || reason?.startsWith('shutdown'))) return 'debug';
  return EVENT_TYPES[type]?.level ?? 'info';
}
