/** Everything that lives, looked at once, when somebody asks. */
import { Camera } from '../../gateway/camera.js';
import { Recorder } from '../../gateway/recorder.js';
import { StreamBody } from '../../gateway/stream.js';
import { stateOf } from '../../gateway/structure.js';
import type { System } from '../../otp/system.js';
import type { MetricName } from './catalogue.js';
import type { Counts } from './tally.js';
import { addRecorded, addTraffic } from './tally.js';

export interface Seen {
  readonly actors: Counts;
  readonly streams: Counts;
  readonly queued: Counts;
  readonly stalled: number;
  readonly recorders: Counts;
  /** Of each folder that is recorded into. */
  readonly freeBytes: Counts;
  /** What waits in each mailbox that has a limit. */
  readonly waiting: readonly number[];
}

const RECORDER_STATES = ['idle', 'recording', 'degraded', 'paused', 'backingOff'];

/** @param add is given what those who live have counted until now. */
export function walk(system: System, add: (name: MetricName, label: string, amount: number) => void): Seen {
  const actors: Counts = new Map();
  const streams: Counts = new Map();
  const queued: Counts = new Map();
  const recorders: Counts = new Map(RECORDER_STATES.map((state) => [state, 0]));
  const freeBytes: Counts = new Map();
  const waiting: number[] = [];
  let stalled = 0;
  for (const process of system.processes) {
    count(actors, process.kind, 1);
    const { body, mailbox } = process;
    if (mailbox) {
      waiting.push(mailbox.waiting);
      if (mailbox.overflowed > 0) add('sluice_mailbox_dropped_total', mailbox.overflow, mailbox.overflowed);
    }
    if (body instanceof StreamBody) {
      count(streams, body.kind, 1);
      count(queued, body.kind, body.figures().queued);
      if (stateOf(process).endsWith('stalled')) stalled += 1;
      addTraffic(body.traffic(), add);
    } else if (body instanceof Camera) add('sluice_camera_frames_total', '', body.frames);
    else if (body instanceof Recorder) {
      const view = body.view();
      count(recorders, view.state, 1);
      addRecorded(view, add);
      const known = freeBytes.get(body.folder) ?? Number.POSITIVE_INFINITY;
      if (view.freeBytes !== undefined) freeBytes.set(body.folder, Math.min(known, view.freeBytes));
    }
  }
  return { actors, streams, queued, stalled, recorders, freeBytes, waiting };
}

export function count(counts: Counts, label: string, amount: number): void {
  counts.set(label, (counts.get(label) ?? 0) + amount);
}
