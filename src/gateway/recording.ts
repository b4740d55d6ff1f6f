/**
 * What a recorder needs of a disk, and what a player needs of what was recorded. Owned by the gateway, implemented in
 * `src/cameras`: the gateway knows no files. An archive holds the recordings of one camera; it outlives the recorder that
 * fills it, so that what was recorded can be played while the disk is full or the recorder waits.
 */
import type { Readable } from 'node:stream';
import type { Frame } from './frame.js';

/** How a camera is recorded. The archive of a camera is a folder of its own in `dir`. */
export interface RecordOptions {
  readonly dir: string;
  readonly segmentSeconds: number;
  readonly segmentBytes: number;
  /** Of complete segments, the oldest go beyond any of these. */
  readonly maxAgeHours?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly maxSegments?: number | undefined;
  /** Of the pictures as they are stored; 0: as they come. */
  readonly quality: number;
  readonly minFreeBytes: number;
  readonly sessionMinutes: number;
}

/** A complete segment, as the API lists it. */
export interface Recording {
  /** When it begins, as a text that sorts by time: `2026-01-31T12-00-00.000Z`. */
  readonly id: string;
  readonly fromMs: number;
  /** Of its last picture. */
  readonly toMs: number;
  readonly frames: number;
  readonly bytes: number;
  /** The id of the first segment recorded without a break with this one, for `sessionMinutes` at most. */
  readonly session: string;
}

/** A picture as it is stored. */
export interface StoredPicture {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

export interface RecordedPicture {
  /** Milliseconds since 1970, by the clock of the gateway that recorded it. */
  readonly atMs: number;
  readonly data: Buffer;
}

export interface RecordingFile {
  readonly bytes: number;
  /** From the byte `start` to the byte `end`, which is included. */
  read(start: number, end: number): Readable;
}

/** A segment that is being written. */
export interface OpenSegment {
  readonly fromMs: number;
  readonly bytes: number;
  readonly session: string;
  /** All pictures of a segment are of one size. */
  fits(picture: StoredPicture): boolean;
  write(picture: StoredPicture, atMs: number): Promise<void>;
  /** Makes it complete: on the disk, under its name, in the index. */
  finish(): Promise<Recording>;
  /** Closes it as it is. What is whole of it is found when the archive is opened again. */
  abandon(): Promise<void>;
}

/** What was left by a crash: segments that were made whole, and such that held no whole picture. */
export interface Mended {
  readonly repaired: number;
  readonly removed: number;
}

/** All promises reject where the disk fails. Of `open`, `begin`, `retain`, `close` and a segment's own, one runs at a time. */
export interface RecordingArchive {
  /** The oldest first. */
  readonly recordings: readonly Recording[];
  /** How many there are, and how large they are together. */
  readonly size: number;
  readonly bytes: number;
  /**
   * Makes the folder and claims it, repairs or removes what is not complete, reads the index. Rejects where somebody else
   * records into it.
   */
  open(): Promise<Mended>;
  /** Room on its disk, in bytes. */
  free(): Promise<number>;
  /** `undefined` for a picture that cannot be stored: none that a player shows. `kept` is told once why quality is as it comes. */
  stored(frame: Frame, kept: (why: string) => void): Promise<StoredPicture | undefined>;
  begin(first: StoredPicture, atMs: number, session: string | undefined): Promise<OpenSegment>;
  /** Takes away what is beyond the limits, the oldest first. Asked every few seconds, for it renews the claim of the folder. */
  retain(nowMs: number): Promise<readonly Recording[]>;
  /** The pictures of complete segments since then, in their order; it ends with the last segment there is. */
  pictures(fromMs: number): AsyncGenerator<RecordedPicture, void, undefined>;
  /** `undefined` where there is no complete segment of this id. */
  file(id: string): RecordingFile | undefined;
  /** Nothing is written from now on, until it is opened again: the folder is anybody's. Never rejects. */
  close(): Promise<void>;
}

/** Makes the archive of one camera; nothing is touched before it is opened. */
export type ArchiveFactory = (cameraId: string, options: RecordOptions) => RecordingArchive;

/** What is beyond the limits at `nowMs`, of segments sorted by age, the oldest first. */
export function expired(
  recordings: readonly Recording[],
  { maxAgeHours, maxBytes, maxSegments }: Pick<RecordOptions, 'maxAgeHours' | 'maxBytes' | 'maxSegments'>,
  nowMs: number,
): readonly Recording[] {
  const tooOldMs = maxAgeHours === undefined ? Number.NEGATIVE_INFINITY : nowMs - maxAgeHours * 3_600_000;
  let segments = recordings.length;
  let bytes = recordings.reduce((sum, recording) => sum + recording.bytes, 0);
  const beyond = recordings.findIndex((recording) => {
    const kept = recording.toMs >= tooOldMs && segments <= (maxSegments ?? segments) && bytes <= (maxBytes ?? bytes);
    segments -= 1;
    bytes -= recording.bytes;
    return kept;
  });
  return beyond < 0 ? recordings : recordings.slice(0, beyond);
}
