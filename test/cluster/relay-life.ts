/** What is known of the relay of one life of a node in the simulated world. */
import type { RelaySender } from '../../src/cluster/relay-send.js';
import { RelayWatcher } from '../../src/cluster/relay-watch.js';
import type { FrameConsumer } from '../../src/gateway/camera.js';
import type { FrameSource, SourceAttempt, SourceListener } from '../../src/gateway/frame-source.js';

/** What the owner's node knows of one who watches. */
export interface Heard {
  atMs: number;
  got: number;
  /** Frames sent since. */
  sinceSent: number;
  /** Since the stream began, and the number of the last. */
  sent: number;
  pushed: number;
  last: number;
}

export class RelayLife {
  readonly watcher = new RelayWatcher();
  sender: RelaySender | undefined;
  source: FrameSource | undefined;
  /** Of those who watch from elsewhere. */
  readonly heard = new Map<string, Heard>();
  readonly consumers = new Map<FrameConsumer, string>();
  /** To whom `watching` was said last: right after it that one joins. */
  watchingTo = '';
  /** Who takes the source's pictures while it is open here. */
  reads: SourceListener | undefined;
  attempt: SourceAttempt | undefined;
  /** Somebody watches here. */
  wanted = true;
  /** The highest that were taken. */
  lastNumber = 0;
  lastRev = 0;
  readonly incs = new Map<string, number>();
  /** What it saw last of all. */
  readonly seen = new Set<number>();
}
