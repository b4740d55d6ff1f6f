/** The words for what happens to a recorder and for how it is, as events, pages and logs say them: stable names. */

/**
 * What people ask about; each is noted with the camera's id.
 *
 * - `recorder.recovered`: a crash had left segments that were not complete: how many were repaired, and how many removed.
 * - `recorder.segment`: a segment is complete.
 * - `recorder.removed`: the oldest segments were taken away, because of the limits of what is kept.
 * - `recorder.diskLow`: there is less room than `minFreeBytes`; recording goes on.
 * - `recorder.degraded`: there is less than half of it; one picture in a second is recorded.
 * - `recorder.paused`: there is less than a quarter of it; nothing is recorded.
 * - `recorder.resumed`: there is room again after that.
 * - `recorder.retrying`: the disk has failed, why, and how long the pause is before it is tried again.
 * - `recorder.qualityKept`: pictures are stored as they come, and why.
 */
export type RecorderNote =
  | 'recorder.recovered'
  | 'recorder.segment'
  | 'recorder.removed'
  | 'recorder.diskLow'
  | 'recorder.degraded'
  | 'recorder.paused'
  | 'recorder.resumed'
  | 'recorder.retrying'
  | 'recorder.qualityKept';

export interface RecorderNoteDetail {
  readonly reason?: string | undefined;
  readonly [name: string]: unknown;
}

/** How a camera is being recorded. */
export interface RecordingView {
  /** `opening`, `idle`, `recording`, `degraded`, `rollingOver`, `paused`, `backingOff`, `stopping`, `restarting`. */
  readonly state: string;
  /** Complete segments, and their bytes. */
  readonly segments: number;
  readonly bytes: number;
  /** Pictures written since the recorder was started. */
  readonly frames: number;
  /** Pictures lost because the disk was too slow. */
  readonly drops: number;
  /** Pictures left out: of no kind that can be stored, or because there is little room. */
  readonly skipped: number;
  /** Room on the disk when it was last looked at. */
  readonly freeBytes?: number;
  readonly lastError?: string;
}

/** What is recorded of all cameras. */
export interface RecordingsView {
  /** The least room on any of the disks; `null` before they were looked at. */
  readonly freeBytes: number | null;
  readonly bytes: number;
  readonly segments: number;
}

const WORDS: Readonly<Record<string, string>> = {
  finishing: 'idle',
  pausing: 'paused',
  failing: 'backingOff',
  resuming: 'opening',
};

/** The one word for a recorder's state that the API and the page use. */
export function recorderState(state: string): string {
  const work = /work\.(?:attending\.)?(\w+)/.exec(state)?.[1];
  if (work === undefined) return state;
  if (work === 'recording' && state.includes('disk.scarce')) return 'degraded';
  return WORDS[work] ?? work;
}
