/**
 * The simulated disk: it is slow, hangs, fills, may not be written to, fails now and then, and loses its power. It takes what it
 * is asked for in the order in which it was asked, and notes at once what a recorder must never do to it.
 */
import { Readable } from 'node:stream';
import type { Claimant } from '../../src/cameras/recording-claim.js';
import type { DiskFile, RecordingDisk } from '../../src/cameras/recording-disk.js';
import type { Clock } from '../../src/otp/clock.js';
import type { Dice } from './dice.js';
import { DiskContents, folderOf, type Inode } from './disk-contents.js';
import type { Breach } from './wires.js';

/** What the disk holds at most. */
export const CAPACITY_BYTES = 24_000;
/** Longest that it hangs. */
export const HANG_MS_MAX = 25_000;

/** Processes: the gateway, another one that was given the same folders, and whoever comes when these were killed. */
export const GATEWAY = 1;
export const INTRUDER = 2;
export const SUCCESSOR = 3;

export type DiskMood = 'well' | 'slow' | 'hung' | 'read-only' | 'failing';

export interface DiskParts {
  readonly clock: Clock;
  readonly dice: Dice;
  readonly breach: Breach;
}

export class SimulatedDisk implements RecordingDisk {
  contents = new DiskContents();
  mood: DiskMood = 'well';
  /** Bytes that somebody else has on it. */
  othersBytes = 0;
  /** Since when it has been as it is. */
  sinceMs = 0;
  /** When it last ceased to be slow. */
  tookTimeUntilMs = Number.NEGATIVE_INFINITY;
  /** Files that are open. */
  readonly handles = new Set<Handle>();
  /** What it was asked for and has not done. */
  pending = 0;
  /** Told of each write that it has taken, and of each look at the room on it. */
  onWritten: (path: string, buffers: readonly Buffer[]) => void = () => {};
  onLooked: (folder: string, askedBy: unknown, freeBytes: number) => void = () => {};
  onRemoving: (path: string) => void = () => {};
  /** Who asks now. */
  asker: (folder: string) => unknown = () => undefined;
  readonly parts: DiskParts;
  #generation = 0;
  #wake: (() => void)[] = [];

  constructor(parts: DiskParts) {
    this.parts = parts;
  }

  get generation(): number {
    return this.#generation;
  }

  get freeBytes(): number {
    return Math.max(0, CAPACITY_BYTES - this.othersBytes - this.contents.usedBytes);
  }

  /** Whoever asks it for something has to wait. */
  get takesTime(): boolean {
    return this.mood === 'slow' || this.mood === 'hung';
  }

  become(mood: DiskMood): void {
    this.sinceMs = this.parts.clock.now();
    if (this.takesTime) this.tookTimeUntilMs = this.sinceMs;
    this.mood = mood;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Whatever was not synchronised may be gone, and every file that is open is of no use. */
  cutPower(): void {
    this.#generation += 1;
    this.contents = this.contents.after('power cut', this.parts.dice);
    this.become('well');
  }

  /** Another disk with what this one would hold if its programs, or the power, were gone now. */
  after(what: 'kill' | 'power cut'): SimulatedDisk {
    const disk = new SimulatedDisk(this.parts);
    disk.contents = this.contents.after(what, this.parts.dice);
    return disk;
  }

  /** Does something when its time has come; `writes` is refused by a disk that may not be written to. */
  async work<T>(kind: 'reads' | 'writes' | 'closes', generation: number, what: () => T): Promise<T> {
    this.pending += 1;
    try {
      await this.#takesItsTime();
      if (kind === 'closes') return what();
      if (generation !== this.#generation) throw fault('EIO', 'the disk was away');
      const { dice } = this.parts;
      if (kind === 'writes' && this.mood === 'read-only') throw fault('EROFS', 'the disk may not be written to');
      if (this.mood === 'failing' && dice.chance(0.3)) throw fault('EIO', 'the disk failed');
      return what();
    } finally {
      this.pending -= 1;
    }
  }

  async #takesItsTime(): Promise<void> {
    const { clock, dice } = this.parts;
    if (this.mood === 'slow') return new Promise((resolve) => void clock.setTimeout(resolve, dice.int(1, 400)));
    while (this.mood === 'hung') await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  open(path: string, flags: string): Promise<DiskFile> {
    return this.work(flags === 'r' ? 'reads' : 'writes', this.#generation, () => {
      const handle = this.#opened(path, flags);
      this.handles.add(handle);
      return handle;
    });
  }

  #opened(path: string, flags: string): Handle {
    const { names, folders } = this.contents;
    if (flags === 'r' && folders.has(path)) return new Handle(this, path, undefined);
    let inode = names.get(path);
    if (flags.startsWith('wx') && inode) throw fault('EEXIST', path);
    if (flags.startsWith('r') && !inode) throw fault('ENOENT', path);
    if (!folders.has(folderOf(path))) throw fault('ENOENT', path);
    if (path.endsWith('.part')) this.#claims(path);
    inode ??= this.contents.create(path);
    if (flags === 'w') inode.write({ at: 0 });
    return new Handle(this, path, inode, flags === 'a');
  }

  #claims(path: string): void {
    for (const { path: other, stale } of this.handles) {
      if (!stale && other.endsWith('.part') && folderOf(other) === folderOf(path))
        this.parts.breach(`I-writer: ${path} is opened while ${other} is being written`);
    }
  }

  mkdir(path: string, { recursive = false }: { readonly recursive?: boolean }): Promise<unknown> {
    return this.work('writes', this.#generation, () => {
      if (this.contents.folders.has(path) && !recursive) throw fault('EEXIST', path);
      this.contents.folders.add(path);
    });
  }

  readdir(path: string): Promise<readonly string[]> {
    return this.work('reads', this.#generation, () => {
      const names = [...this.contents.names.keys()].filter((name) => folderOf(name) === path);
      return names.map((name) => name.slice(path.length + 1));
    });
  }

  readFile(path: string): Promise<string> {
    return this.work('reads', this.#generation, () => this.#inode(path).bytes.toString());
  }

  rename(from: string, to: string): Promise<void> {
    return this.work('writes', this.#generation, () => this.contents.rename(from, to, this.#inode(from)));
  }

  unlink(path: string): Promise<void> {
    return this.work('writes', this.#generation, () => {
      const inode = this.#inode(path);
      this.onRemoving(path);
      this.contents.remove(path, inode);
    });
  }

  statfs(folder: string): Promise<{ bavail: number; bsize: number }> {
    const asker = this.asker(folder);
    return this.work('reads', this.#generation, () => {
      if (!this.contents.folders.has(folder)) throw fault('ENOENT', folder);
      this.onLooked(folder, asker, this.freeBytes);
      return { bavail: this.freeBytes, bsize: 1 };
    });
  }

  createReadStream(path: string, { start, end }: { readonly start: number; readonly end: number }): Readable {
    const read = () => this.work('reads', this.#generation, () => this.#inode(path).bytes.subarray(start, end + 1));
    return Readable.from(
      (async function* pieces() {
        yield await read();
      })(),
    );
  }

  #inode(path: string): Inode {
    const inode = this.contents.names.get(path);
    if (!inode) throw fault('ENOENT', path);
    return inode;
  }
}

export class Handle implements DiskFile {
  readonly path: string;
  readonly inode: Inode | undefined;
  readonly #disk: SimulatedDisk;
  readonly #generation: number;
  readonly #appends: boolean;
  #closed = false;

  constructor(disk: SimulatedDisk, path: string, inode: Inode | undefined, appends = false) {
    this.#disk = disk;
    this.#generation = disk.generation;
    this.path = path;
    this.inode = inode;
    this.#appends = appends;
  }

  /** The disk was away since it was opened: nothing can be written through it. */
  get stale(): boolean {
    return this.#generation !== this.#disk.generation;
  }

  read(into: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return this.#work('reads', (inode) => ({ bytesRead: inode.copyTo(into, offset, position, position + length) }));
  }

  writev(buffers: readonly Buffer[], position: number): Promise<{ bytesWritten: number }> {
    return this.#work('writes', (inode) => {
      const bytesWritten = this.#put(inode, Buffer.concat(buffers), position);
      this.#disk.onWritten(this.path, buffers);
      return { bytesWritten };
    });
  }

  writeFile(text: string): Promise<void> {
    return this.#work('writes', (inode) => {
      const data = Buffer.from(text);
      if (this.#put(inode, data, this.#appends ? inode.length : 0) < data.length) throw full();
    });
  }

  /** Takes what there is room for, and nothing where there is none. */
  #put(inode: Inode, data: Buffer, at: number): number {
    const more = Math.max(0, at + data.length - inode.length);
    const taken = data.length - Math.max(0, more - this.#disk.freeBytes);
    if (taken <= 0 && data.length > 0) throw full();
    inode.write({ at, data: data.subarray(0, taken) });
    inode.mtimeMs = this.#disk.parts.clock.wallMs();
    return taken;
  }

  truncate(length: number): Promise<void> {
    return this.#work('writes', (inode) => inode.write({ at: length }));
  }

  datasync(): Promise<void> {
    return this.sync();
  }

  sync(): Promise<void> {
    const moment = this.inode?.moment ?? 0;
    return this.#disk.work('reads', this.#generation, () => {
      if (this.inode) this.#disk.contents.syncFile(this.inode, moment);
      else this.#disk.contents.syncFolder(this.path);
    });
  }

  stat(): Promise<{ size: number; mtimeMs: number }> {
    return this.#work('reads', ({ length, mtimeMs }) => ({ size: length, mtimeMs }));
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.reject(fault('EBADF', this.path));
    this.#closed = true;
    return this.#disk.work('closes', this.#generation, () => void this.#disk.handles.delete(this));
  }

  #work<T>(kind: 'reads' | 'writes', what: (inode: Inode) => T): Promise<T> {
    const { inode } = this;
    if (this.#closed) return Promise.reject(fault('EBADF', this.path));
    if (!inode) throw fault('EISDIR', this.path);
    return this.#disk.work(kind, this.#generation, () => what(inode));
  }
}

function full(): Error {
  return fault('ENOSPC', 'the disk is full');
}

function fault(code: string, what: string): Error {
  return Object.assign(new Error(`simulated: ${code}: ${what}`), { code });
}

/** Who records, by the number of its process, and who else lives as far as it can tell. */
export function simulatedProcess(process: number, living: readonly number[]): Claimant {
  const lives = (other: number): boolean => living.includes(other);
  return { space: 'simulated', host: 'simulated', process, started: '', held: new Set(), lives };
}
