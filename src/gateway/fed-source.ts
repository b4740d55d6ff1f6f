/**
 * A source that is fed by somebody who comes to us, where every other source is somewhere we go. Owned by the gateway: the
 * driver in `src/cameras` implements it, and a publisher's stream feeds it, so that gRPC and the driver need not meet.
 */
import type { Picture } from './frame.js';
import type { FrameSource } from './frame-source.js';

export interface FedSource extends FrameSource {
  /** Takes the place. Whoever had it is told first, and from then on nothing of theirs is taken. */
  feed(feeder: Feeder): Intake;
}

/** Who feeds. */
export interface Feeder {
  /** Somebody else has taken the place. Said once. */
  superseded(): void;
}

/** The way in, for one feeder. */
export interface Intake {
  push(picture: Picture): void;
  /** Pictures that came in and became no frame. Exact once it has left; before, one more may be waiting. */
  readonly dropped: number;
  /** Goes away. Idempotent. */
  leave(): void;
}

export function isFed(source: FrameSource): source is FedSource {
  return 'feed' in source;
}
