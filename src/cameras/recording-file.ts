/**
 * One segment on the disk. It is written under the name `….part` and renamed when it is complete: a file without that ending
 * is whole. The system is asked to put it on the disk every five seconds and before it is renamed, and its folder after
 * that: a gateway that is killed loses nothing but the picture it was writing, a power cut five seconds.
 *
 * A file that was cut off is whole up to its last whole picture; `mend` completes it there.
 */
import { dirname } from 'node:path';
import type { StoredPicture } from '../gateway/recording.js';
import type { DiskFile, RecordingDisk } from './recording-disk.js';
import {
  type Cue,
  completion,
  FRAME_HEAD_BYTES,
  frameHead,
  HEADER_BYTES,
  headerOf,
  type PictureSize,
  readFrameHead,
  startOf,
} from './recording-matroska.js';

const PART = '.part';
const SYNC_MS = 5_000;
/** So far apart are the places that a player can jump to without reading. */
const CUE_MS = 1_000;

/** What is known of a segment when it is complete. */
export interface Written {
  readonly fromMs: number;
  readonly toMs: number;
  readonly frames: number;
  readonly bytes: number;
}

export class SegmentFile {
  readonly fromMs: number;
  readonly #disk: RecordingDisk;
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #cues: Cue[] = [];
  #end = HEADER_BYTES;
  #frames = 0;
  #lastMs = 0;
  #syncedMs = 0;
  #syncing: Promise<unknown> | undefined;
  #syncFault: unknown;

  constructor(disk: RecordingDisk, path: string, file: DiskFile, fromMs: number) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.fromMs = fromMs;
  }

  /** Begins the segment that will have this path. Rejects with `EEXIST` where there is one. */
  static async create(disk: RecordingDisk, path: string, fromMs: number, size: PictureSize): Promise<SegmentFile> {
    const file = await disk.open(path + PART, 'wx+', 0o640);
    const segment = new SegmentFile(disk, path, file, fromMs);
    try {
      await writeAll(file, [headerOf(fromMs, size)], 0);
    } catch (error) {
      await file.close();
      throw error;
    }
    return segment;
  }

  get bytes(): number {
    return this.#end;
  }

  /** Pictures of one moment come a millisecond apart: players want time to go on. */
  async write({ data }: Pick<StoredPicture, 'data'>, wallMs: number): Promise<void> {
    if (this.#syncFault) throw this.#syncFault;
    const atMs = this.#frames === 0 ? 0 : Math.max(wallMs - this.fromMs, this.#lastMs + 1);
    await writeAll(this.#file, [frameHead(atMs, data.length), data], this.#end);
    this.#wrote(atMs, data.length);
    if (atMs - this.#syncedMs >= SYNC_MS && !this.#syncing) this.#sync(atMs);
  }

  /** Puts what is needed to jump about in it behind its pictures, and the whole under its name. */
  async finish(): Promise<Written> {
    await this.#syncing;
    if (this.#syncFault) throw this.#syncFault;
    // The last picture is shown for as long as one is on the average.
    const durationMs = this.#frames < 2 ? this.#lastMs + 1 : (this.#lastMs * this.#frames) / (this.#frames - 1);
    await this.#file.truncate(this.#end);
    for (const { at, bytes } of completion(this.#cues, { endAt: this.#end, startMs: this.fromMs, durationMs })) {
      await writeAll(this.#file, [bytes], at);
    }
    await this.#file.sync();
    const { size } = await this.#file.stat();
    await this.#file.close();
    await this.#disk.rename(this.#path + PART, this.#path);
    await syncFolder(this.#disk, dirname(this.#path));
    return { fromMs: this.fromMs, toMs: this.fromMs + this.#lastMs, frames: this.#frames, bytes: size };
  }

  /** Closes it as it is. Idempotent; never rejects: whoever abandons it has a worse error already. */
  async abandon(): Promise<void> {
    await this.#syncing;
    await this.#file.close().catch(() => {});
  }

  /** Finds the whole pictures of a file that somebody else has begun. */
  async find(): Promise<number> {
    for await (const { atMs, at, pictureBytes } of wholePictures(this.#file)) {
      if (!(await isWritten(this.#file, at, pictureBytes))) break;
      this.#wrote(atMs, pictureBytes);
    }
    return this.#frames;
  }

  #wrote(atMs: number, pictureBytes: number): void {
    const lastCue = this.#cues.at(-1);
    if (!lastCue || atMs - lastCue.atMs >= CUE_MS) this.#cues.push({ atMs, at: this.#end });
    this.#end += FRAME_HEAD_BYTES + pictureBytes;
    this.#frames += 1;
    this.#lastMs = atMs;
  }

  /** Beside the writing and not before it. */
  #sync(atMs: number): void {
    this.#syncedMs = atMs;
    this.#syncing = this.#file
      .datasync()
      .catch((error: unknown) => {
        this.#syncFault = error;
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }
}

/** Completes the segment of this path that a crash has left as a part. `undefined` where it held no whole picture: it is removed. */
export async function mend(disk: RecordingDisk, path: string): Promise<Written | undefined> {
  const file = await disk.open(path + PART, 'r+');
  try {
    const fromMs = startOf(await readAt(file, 0, HEADER_BYTES));
    const segment = new SegmentFile(disk, path, file, fromMs ?? 0);
    if (fromMs !== undefined && (await segment.find()) > 0) return await segment.finish();
  } finally {
    // It is closed already where it was completed.
    await file.close().catch(() => {});
  }
  await disk.unlink(path + PART);
  return undefined;
}

/** What a complete segment holds, for one that the index does not know. */
export async function survey(disk: RecordingDisk, path: string): Promise<Written | undefined> {
  const file = await disk.open(path, 'r');
  try {
    const fromMs = startOf(await readAt(file, 0, HEADER_BYTES));
    let frames = 0;
    let lastMs = 0;
    for await (const { atMs } of wholePictures(file)) {
      frames += 1;
      lastMs = atMs;
    }
    if (fromMs === undefined || frames === 0) return undefined;
    return { fromMs, toMs: fromMs + lastMs, frames, bytes: (await file.stat()).size };
  } finally {
    await file.close();
  }
}

/** The pictures of a complete segment, read one by one as they are wanted. */
export async function* picturesOf(
  disk: RecordingDisk,
  path: string,
): AsyncGenerator<{ readonly atMs: number; readonly data: Buffer }> {
  const file = await disk.open(path, 'r');
  try {
    for await (const { atMs, at, pictureBytes } of wholePictures(file)) {
      const data = await readAt(file, at, pictureBytes);
      if (data.length < pictureBytes) return;
      yield { atMs, data };
    }
  } finally {
    await file.close();
  }
}

/** Removes a complete segment. One that is gone already is no fault. */
export async function remove(disk: RecordingDisk, path: string): Promise<void> {
  await disk.unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

export function isPart(name: string): boolean {
  return name.endsWith(PART);
}

export function withoutPart(name: string): string {
  return name.slice(0, -PART.length);
}

/** Where each picture is that is there to its last byte, up to the first that is not. */
async function* wholePictures(
  file: DiskFile,
): AsyncGenerator<{ readonly atMs: number; readonly at: number; readonly pictureBytes: number }> {
  const { size } = await file.stat();
  for (let at = HEADER_BYTES; ; ) {
    // Two bytes more than the head: what begins as a JPEG was written, and is not a hole in the file.
    const head = await readAt(file, at, FRAME_HEAD_BYTES + 2);
    const frame = readFrameHead(head);
    const pictureAt = at + FRAME_HEAD_BYTES;
    if (!frame || pictureAt + frame.pictureBytes > size || head.readUInt16BE(FRAME_HEAD_BYTES) !== 0xffd8) return;
    yield { atMs: frame.atMs, at: pictureAt, pictureBytes: frame.pictureBytes };
    at = pictureAt + frame.pictureBytes;
  }
}

/**
 * Whether a picture whose place is in the file has been put there to its end: a power cut leaves zeros. There are cameras that
 * fill up with zeros, behind the end of the picture.
 */
async function isWritten(file: DiskFile, at: number, length: number): Promise<boolean> {
  const last = await readAt(file, at + length - 1, 1);
  if (last[0] !== 0) return true;
  const picture = await readAt(file, at, length);
  let end = picture.length;
  while (end > 0 && picture[end - 1] === 0) end -= 1;
  return end >= 2 && picture.readUInt16BE(end - 2) === 0xffd9;
}

/** So many bytes, or what there is of them. */
async function readAt(file: DiskFile, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, at + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

/** A disk that fills may take a part of what it is given and refuse the rest the next time. */
async function writeAll(file: DiskFile, buffers: readonly Buffer[], at: number): Promise<void> {
  let rest = [...buffers];
  let position = at;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest, position);
    if (bytesWritten === 0) throw new Error('the disk took nothing of what was written');
    position += bytesWritten;
    while (rest[0] && bytesWritten >= rest[0].length) bytesWritten -= (rest.shift() as Buffer).length;
    if (rest[0] && bytesWritten > 0) rest = [rest[0].subarray(bytesWritten), ...rest.slice(1)];
  }
}

export async function syncFolder(disk: RecordingDisk, path: string): Promise<void> {
  const folder = await disk.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
