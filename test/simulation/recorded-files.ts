/**
 * The files of recordings, held against what was written into them: what is listed is there, whole and for good; what was taken
 * away was the oldest and beyond a limit; what a crash would leave is found again, but for what it had not put on the disk.
 */
import type { FolderArchive } from '../../src/cameras/recording-archive.js';
import type { Recording } from '../../src/gateway/recording.js';
import { stateOf } from '../../src/gateway/structure.js';
import { folderOf, type Inode } from './disk-contents.js';
import type { SimulatedDisk } from './disks.js';
import { readPicture } from './ledger.js';
import { readSegment } from './segment-bytes.js';
import { RECORD } from './settings.js';
import type { World } from './world.js';

type Faults = Generator<string>;

/** So long may what was written be without being put on the disk. */
const UNSYNCED_MS = 5_000;

export class RecordedFiles {
  readonly #world: World;
  /** Files that were looked at, and are not written to any more. */
  readonly #known = new WeakMap<Inode, Recording>();
  /** What of those that are written to was looked at. */
  readonly #lookedAt = new WeakMap<Inode, number>();

  constructor(world: World) {
    this.#world = world;
    world.disk.onRemoving = (path) => this.#removing(path);
  }

  *faults(): Faults {
    const { archives, disk } = this.#world;
    for (const [cameraId, archive] of archives) {
      let last = '';
      for (const recording of archive.recordings) {
        if (recording.id <= last) yield `I-order: ${recording.id} of ${cameraId} is listed behind ${last}`;
        last = recording.id;
        yield* this.#listed(cameraId, recording);
      }
      yield* this.#kept(cameraId, archive);
    }
    if (disk.mood === 'well' && disk.pending === 0) yield* this.#unsynced();
  }

  *lastFaults(): Faults {
    for (const [cameraId, archive] of this.#world.archives)
      for (const recording of archive.recordings) yield* this.#listed(cameraId, recording);
  }

  /** Whether these bytes are what was listed. */
  *faultsOf(label: string, bytes: Buffer, { frames, bytes: listed }: { frames: number; bytes: number }): Faults {
    const { pictures, fault } = readSegment(bytes);
    if (bytes.length !== listed) yield `I-torn: ${label} has ${bytes.length} bytes, ${listed} are listed`;
    if (fault) yield `I-torn: ${label} is torn: ${fault}`;
    if (pictures.length !== frames) yield `I-torn: ${label} holds ${pictures.length} pictures, ${frames} are listed`;
    let lastMs = -1;
    for (const { atMs, data } of pictures) {
      if (!readPicture(data)) yield `I-torn: ${label} holds a picture that is not whole, at ${atMs} ms`;
      if (atMs <= lastMs) yield `I-order: ${label} holds the picture of ${atMs} ms behind that of ${lastMs} ms`;
      lastMs = atMs;
    }
  }

  *#listed(cameraId: string, recording: Recording): Faults {
    const { contents } = this.#world.disk;
    const path = pathOf(cameraId, recording.id);
    const inode = contents.names.get(path);
    // It is being taken away, and is not listed a moment later.
    if (!inode) return yield* this.#absent(cameraId, recording);
    if (this.#known.get(inode) === recording) return;
    yield* this.faultsOf(`${recording.id} of ${cameraId}`, inode.bytes, recording);
    if (!contents.isDurable(path)) yield `I-durable: ${recording.id} of ${cameraId} would not survive a power cut`;
    this.#known.set(inode, recording);
  }

  *#absent(cameraId: string, { id }: Recording): Faults {
    const { disk } = this.#world;
    if (disk.pending === 0) yield `I-torn: ${id} of ${cameraId} is listed and is not there`;
  }

  /** What is kept is within the limits whenever a recorder rests on a disk that is well. */
  *#kept(cameraId: string, archive: FolderArchive): Faults {
    const { system, disk, clock } = this.#world;
    const recorder = [...system.processes].find(({ id, alive }) => alive && id === `recorder:${cameraId}`);
    if (!recorder || disk.pending > 0 || !/attending/.test(stateOf(recorder))) return;
    const { maxSegments = 0, maxBytes = 0, maxAgeHours = 0 } = RECORD;
    if (archive.size > maxSegments)
      yield `I-keep: ${archive.size} segments of ${cameraId} are kept, ${maxSegments} may`;
    if (archive.bytes > maxBytes) yield `I-keep: ${archive.bytes} bytes of ${cameraId} are kept, ${maxBytes} may`;
    // As often as the room on the disk is looked at.
    const restsSinceMs = Math.max(disk.sinceMs, clock.now() - 5_000 - 1);
    const [oldest] = archive.recordings;
    if (oldest && clock.now() - disk.sinceMs > 5_500 && oldest.toMs < restsSinceMs - maxAgeHours * 3_600_000)
      yield `I-keep: ${oldest.id} of ${cameraId} is kept for ${clock.now() - oldest.toMs} ms`;
  }

  /** Only the oldest goes, and only beyond a limit. */
  #removing(path: string): void {
    if (!path.endsWith('.mkv')) return;
    const [cameraId = ''] = path.slice(RECORD.dir.length + 1).split('/');
    const archive = this.#world.archives.get(cameraId);
    const [oldest] = archive?.recordings ?? [];
    const { maxSegments = 0, maxBytes = 0, maxAgeHours = 0 } = RECORD;
    const { breach, clock } = this.#world;
    // The archive of a gateway that was started anew has not looked yet, and the one before is at its last.
    if (!archive?.recordings.some(({ id }) => pathOf(cameraId, id) === path)) return;
    if (!oldest || pathOf(cameraId, oldest.id) !== path) {
      breach(`I-keep: ${path} is taken away, not the oldest`);
      return;
    }
    const old = oldest.toMs < clock.wallMs() - maxAgeHours * 3_600_000;
    if (archive.size <= maxSegments && archive.bytes <= maxBytes && !old)
      breach(`I-keep: ${path} is taken away within the limits`);
  }

  /** A power cut costs no more than a few seconds. */
  *#unsynced(): Faults {
    const { contents } = this.#world.disk;
    for (const [path, inode] of contents.names) {
      if (!path.endsWith('.part') || inode.clean || this.#lookedAt.get(inode) === inode.moment) continue;
      this.#lookedAt.set(inode, inode.moment);
      const all = readSegment(inode.bytes).pictures;
      const safe = readSegment(inode.synced).pictures.length;
      const spanMs = (all.at(-1)?.atMs ?? 0) - (all[safe - 1]?.atMs ?? 0);
      const gapMs = (all.at(-1)?.atMs ?? 0) - (all.at(-2)?.atMs ?? 0);
      if (spanMs - gapMs >= UNSYNCED_MS) yield `I-durable: a power cut would cost ${spanMs} ms of ${path}`;
    }
  }

  // What a crash leaves

  /** Whole pictures in each file of this camera. */
  heldAfter(cameraId: string, disk: SimulatedDisk): ReadonlyMap<string, number> {
    const held = new Map<string, number>();
    for (const [path, inode] of disk.contents.names) {
      if (folderOf(path) !== `${RECORD.dir}/${cameraId}`) continue;
      const id = /\/([^/]+)\.mkv(?:\.part)?$/.exec(path)?.[1];
      const pictures = id === undefined ? [] : readSegment(inode.bytes).pictures;
      const torn = pictures.findIndex(({ data }) => !readPicture(data));
      const whole = torn < 0 ? pictures.length : torn;
      if (id !== undefined && whole > 0) held.set(id, whole);
    }
    return held;
  }

  *foundFaults(
    cameraId: string,
    archive: FolderArchive,
    { contents }: SimulatedDisk,
    held: ReadonlyMap<string, number>,
  ): Faults {
    const found = new Set<string>();
    for (const recording of archive.recordings) {
      const { id, frames } = recording;
      found.add(id);
      const bytes = contents.names.get(pathOf(cameraId, id))?.bytes ?? Buffer.alloc(0);
      yield* this.faultsOf(`${id} of ${cameraId}`, bytes, recording);
      if (frames !== held.get(id)) yield `${id} of ${cameraId} has ${frames} pictures, ${held.get(id)} were whole`;
    }
    for (const id of held.keys()) if (!found.has(id)) yield `${id} of ${cameraId} is not found again`;
    for (const path of contents.names.keys())
      if (path.endsWith('.part') && folderOf(path) === folderOf(pathOf(cameraId, ''))) yield `${path} is left`;
  }
}

function pathOf(cameraId: string, id: string): string {
  return `${RECORD.dir}/${cameraId}/${id}.mkv`;
}
