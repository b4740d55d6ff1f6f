/**
 * The recordings of one camera: a folder with a Matroska file for each complete segment, named by when it begins, and an
 * index. Whether a segment is there is asked of the table in memory and never of the disk, and a path is made only of ids
 * that are in it: what a stranger names cannot lead out of the folder.
 */
import { join } from 'node:path';
import type { Frame } from '../gateway/frame.js';
import {
  expired,
  type Mended,
  type OpenSegment,
  type RecordedPicture,
  type Recording,
  type RecordingArchive,
  type RecordingFile,
  type RecordOptions,
  type StoredPicture,
} from '../gateway/recording.js';
import type { JpegWorks } from './jpeg-works.js';
import { type Claimant, FolderClaim } from './recording-claim.js';
import { type RecordingDisk, systemDisk } from './recording-disk.js';
import {
  isPart,
  mend,
  picturesOf,
  remove,
  SegmentFile,
  survey,
  syncFolder,
  type Written,
  withoutPart,
} from './recording-file.js';
import { addToIndex, type IndexLine, idOf, isId, readIndex, writeIndex } from './recording-index.js';
import { PicturesAsStored } from './recording-picture.js';

const FILE = '.mkv';
/** So many lines more than are needed are borne in the index. */
const LINES_SPARE = 1_000;
const SAME_MOMENT_MS = 1_000;

/** Default: the disks of this machine, and this process. */
export interface ArchiveParts {
  readonly works: JpegWorks;
  readonly disk?: RecordingDisk;
  readonly claimant?: Claimant;
}

export class FolderArchive implements RecordingArchive {
  readonly #options: RecordOptions;
  readonly #disk: RecordingDisk;
  readonly #claim: FolderClaim;
  readonly #folder: string;
  readonly #pictures: PicturesAsStored;
  /** By id, the oldest first. */
  #recordings = new Map<string, Recording>();
  #bytes = 0;
  /** Of the segment that was completed last. */
  #lastToMs = Number.NEGATIVE_INFINITY;
  /** In the index. */
  #lines = 0;

  constructor(cameraId: string, options: RecordOptions, { works, disk = systemDisk, claimant }: ArchiveParts) {
    this.#options = options;
    this.#disk = disk;
    // An id is letters, digits and . _ : - by the configuration; a dot in front would be a way out, or a hidden folder.
    this.#folder = join(options.dir, cameraId.replace(/^\./, '%2E').replaceAll(/[^\w.:%-]/g, '_'));
    this.#claim = new FolderClaim(disk, this.#folder, claimant);
    this.#pictures = new PicturesAsStored(works, options.quality);
  }

  get recordings(): readonly Recording[] {
    return [...this.#recordings.values()];
  }

  get size(): number {
    return this.#recordings.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async open(): Promise<Mended> {
    await this.#makeFolder();
    await this.#claim.take();
    const known = await readIndex(this.#disk, this.#folder);
    const found: Recording[] = [];
    let repaired = 0;
    let removed = 0;
    for (const name of await this.#disk.readdir(this.#folder)) {
      const id = (isPart(name) ? withoutPart(name) : name).slice(0, -FILE.length);
      if (!isId(id) || !name.slice(id.length).startsWith(FILE)) continue;
      if (isPart(name)) {
        const written = await mend(this.#disk, this.#pathOf(id));
        if (written) found.push(recordingOf(id, written, id));
        if (written) repaired += 1;
        else removed += 1;
      } else if (!known.has(id)) {
        const written = await survey(this.#disk, this.#pathOf(id));
        if (written) found.push(recordingOf(id, written, id));
      } else found.push(known.get(id) as Recording);
    }
    found.sort((a, b) => a.fromMs - b.fromMs || (a.id < b.id ? -1 : 1));
    this.#recordings = new Map(found.map((recording) => [recording.id, recording]));
    this.#lastToMs = found.at(-1)?.toMs ?? Number.NEGATIVE_INFINITY;
    this.#bytes = found.reduce((sum, { bytes }) => sum + bytes, 0);
    await this.#writeIndex();
    await syncFolder(this.#disk, this.#folder);
    return { repaired, removed };
  }

  /** Its own folder by itself: made in one with those above it, a disk that may not be written to is said not to be there. */
  async #makeFolder(): Promise<void> {
    await this.#disk.mkdir(this.#options.dir, { recursive: true, mode: 0o750 });
    await this.#disk.mkdir(this.#folder, { mode: 0o750 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }

  async free(): Promise<number> {
    const { bavail, bsize } = await this.#disk.statfs(this.#folder);
    return bavail * bsize;
  }

  stored(frame: Frame, kept: (why: string) => void): Promise<StoredPicture | undefined> {
    return this.#pictures.make(frame, kept);
  }

  async begin(first: StoredPicture, atMs: number, session: string | undefined): Promise<OpenSegment> {
    // A clock that was set back may come to a name that is taken.
    for (let fromMs = this.#after(atMs); ; fromMs += 1) {
      const id = idOf(fromMs);
      if (this.#recordings.has(id)) continue;
      const file = await SegmentFile.create(this.#disk, this.#pathOf(id), fromMs, first).catch(taken);
      if (file) return this.#openSegment(id, file, first, session ?? id);
    }
  }

  /**
   * Behind the last picture that was recorded: those that came in one moment were put a millisecond apart. A clock that was
   * set back is believed.
   */
  #after(atMs: number): number {
    const lastMs = this.#lastToMs;
    return lastMs >= atMs && lastMs - atMs < SAME_MOMENT_MS ? lastMs + 1 : atMs;
  }

  #openSegment(id: string, file: SegmentFile, size: StoredPicture, session: string): OpenSegment {
    const { segmentBytes } = this.#options;
    let frames = 0;
    return {
      session,
      fromMs: file.fromMs,
      get bytes() {
        return file.bytes;
      },
      fits: ({ width, height, data }) =>
        width === size.width && height === size.height && (frames === 0 || file.bytes + data.length <= segmentBytes),
      write: async (picture, atMs) => {
        await file.write(picture, atMs);
        frames += 1;
      },
      finish: async () => {
        const recording = recordingOf(id, await file.finish(), session);
        this.#recordings.set(id, recording);
        this.#lastToMs = recording.toMs;
        this.#bytes += recording.bytes;
        await this.#note([recording]);
        return recording;
      },
      abandon: () => file.abandon(),
    };
  }

  async retain(nowMs: number): Promise<readonly Recording[]> {
    // What is in a folder of somebody else's goes by that one's limits.
    if (!this.#claim.held) return [];
    await this.#claim.renew();
    const gone: Recording[] = [];
    try {
      for (const recording of expired(this.recordings, this.#options, nowMs)) {
        // The file first: a line that names nothing is forgotten, a file that no line names would come back.
        await remove(this.#disk, this.#pathOf(recording.id));
        this.#recordings.delete(recording.id);
        this.#bytes -= recording.bytes;
        gone.push(recording);
      }
    } finally {
      if (gone.length > 0) await this.#note(gone.map(({ id }) => ({ removed: id })));
    }
    return gone;
  }

  /** Adds lines to the index, and writes it anew when most of it is about what is gone. */
  async #note(lines: readonly IndexLine[]): Promise<void> {
    this.#lines += lines.length;
    if (this.#lines <= 2 * this.#recordings.size + LINES_SPARE) await addToIndex(this.#disk, this.#folder, lines);
    else await this.#writeIndex();
  }

  async #writeIndex(): Promise<void> {
    await writeIndex(this.#disk, this.#folder, this.recordings);
    this.#lines = this.#recordings.size;
  }

  async *pictures(fromMs: number): AsyncGenerator<RecordedPicture, void, undefined> {
    // Asked anew after each: segments come and go while somebody watches.
    for (let after = ''; ; ) {
      const next = this.recordings.find(({ id, toMs }) => id > after && toMs >= fromMs);
      if (!next) return;
      after = next.id;
      try {
        for await (const { atMs, data } of picturesOf(this.#disk, this.#pathOf(next.id))) {
          if (next.fromMs + atMs >= fromMs) yield { atMs: next.fromMs + atMs, data };
        }
      } catch (error) {
        // It was taken away meanwhile.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }

  file(id: string): RecordingFile | undefined {
    const recording = this.#recordings.get(id);
    if (!recording) return undefined;
    const path = this.#pathOf(recording.id);
    return { bytes: recording.bytes, read: (start, end) => this.#disk.createReadStream(path, { start, end }) };
  }

  close(): Promise<void> {
    return this.#claim.release();
  }

  #pathOf(id: string): string {
    return join(this.#folder, `${id}${FILE}`);
  }
}

function recordingOf(id: string, { fromMs, toMs, frames, bytes }: Written, session: string): Recording {
  return { id, fromMs, toMs, frames, bytes, session };
}

function taken(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EEXIST') throw error;
}
