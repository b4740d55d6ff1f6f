/**
 * What lies on a simulated disk: names and bytes as programs see them, and as they would be after a power cut. Of what was not
 * synchronised a power cut keeps what came first, in the order in which it came; the last of it may be torn, or its place be
 * kept and filled with zeros. A file that is synchronised has its name on the disk; one that is renamed only when its folder is.
 */
import type { Dice } from './dice.js';

const NOTHING = Buffer.alloc(0);

interface Write {
  readonly at: number;
  /** Absent: the file is cut off at `at`. */
  readonly data?: Buffer;
}

/** The bytes of one file. */
export class Inode {
  /** Of one that was there before: long ago. */
  mtimeMs = Number.NEGATIVE_INFINITY;
  /** What is on the disk for good, and what came after it. */
  synced: Buffer = NOTHING;
  #since: Write[] = [];
  #forgotten = 0;
  #room: Buffer = NOTHING;
  #length = 0;

  constructor(bytes: Buffer = NOTHING) {
    this.synced = bytes;
    this.#room = Buffer.from(bytes);
    this.#length = bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  /** As they are now; a copy. */
  get bytes(): Buffer {
    return Buffer.from(this.#room.subarray(0, this.#length));
  }

  copyTo(into: Buffer, offset: number, from: number, to: number): number {
    return this.#room.copy(into, offset, from, Math.min(to, this.#length));
  }

  get clean(): boolean {
    return this.#since.length === 0;
  }

  /** A moment up to which it may be synchronised. */
  get moment(): number {
    return this.#forgotten + this.#since.length;
  }

  write(write: Write): void {
    const { at, data } = write;
    this.#since.push(write);
    const length = data ? Math.max(this.#length, at + data.length) : at;
    if (length > this.#room.length) this.#room = Buffer.concat([this.#room], 2 * length);
    if (length > this.#length) this.#room.fill(0, this.#length, length);
    data?.copy(this.#room, at);
    this.#length = length;
  }

  syncUpTo(moment: number): void {
    const synced = this.#since.splice(0, moment - this.#forgotten);
    this.#forgotten += synced.length;
    if (synced.length > 0) this.synced = this.clean ? this.bytes : synced.reduce(applied, this.synced);
  }

  /** As it is after a power cut. */
  afterCut(dice: Dice): Inode {
    const kept = this.#since.slice(0, dice.int(0, this.#since.length));
    const last = kept.pop();
    let bytes = kept.reduce(applied, this.synced);
    if (last?.data && dice.chance(0.5)) {
      const whole = last.at + last.data.length;
      bytes = applied(bytes, { at: last.at, data: last.data.subarray(0, dice.int(0, last.data.length)) });
      if (dice.chance(0.5) && bytes.length < whole) bytes = Buffer.concat([bytes, Buffer.alloc(whole - bytes.length)]);
    } else if (last) bytes = applied(bytes, last);
    return new Inode(bytes);
  }
}

function applied(bytes: Buffer, { at, data }: Write): Buffer {
  if (!data) return bytes.subarray(0, at);
  const made = Buffer.alloc(Math.max(bytes.length, at + data.length));
  bytes.copy(made);
  data.copy(made, at);
  return made;
}

interface Naming {
  readonly folder: string;
  readonly what: 'created' | 'renamed' | 'removed';
  readonly inode: Inode;
  apply(names: Map<string, Inode>): void;
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

export class DiskContents {
  readonly names = new Map<string, Inode>();
  readonly folders = new Set<string>();
  #durable = new Map<string, Inode>();
  #namings: Naming[] = [];

  get usedBytes(): number {
    let sum = 0;
    for (const { length } of this.names.values()) sum += length;
    return sum;
  }

  create(path: string): Inode {
    const inode = new Inode();
    this.#name({ folder: folderOf(path), what: 'created', inode, apply: (names) => void names.set(path, inode) });
    return inode;
  }

  rename(from: string, to: string, inode: Inode): void {
    const apply = (names: Map<string, Inode>): void => {
      names.delete(from);
      names.set(to, inode);
    };
    this.#name({ folder: folderOf(to), what: 'renamed', inode, apply });
  }

  remove(path: string, inode: Inode): void {
    this.#name({ folder: folderOf(path), what: 'removed', inode, apply: (names) => void names.delete(path) });
  }

  syncFolder(folder: string): void {
    this.#keep((naming) => naming.folder === folder);
  }

  syncFile(inode: Inode, moment: number): void {
    inode.syncUpTo(moment);
    this.#keep((naming) => naming.what === 'created' && naming.inode === inode);
  }

  /** Whether this file would be there with all its bytes after a power cut. */
  isDurable(path: string): boolean {
    const inode = this.names.get(path);
    return inode?.clean === true && this.#durable.get(path) === inode;
  }

  /** The same disk as it would be found if its programs, or the power, were gone now. */
  after(what: 'kill' | 'power cut', dice: Dice): DiskContents {
    const after = new DiskContents();
    const names = what === 'kill' ? this.names : this.#namesAfterCut(dice);
    for (const [path, inode] of names) {
      const found = what === 'kill' ? new Inode(inode.bytes) : inode.afterCut(dice);
      after.names.set(path, found);
      after.#durable.set(path, found);
    }
    for (const folder of this.folders) after.folders.add(folder);
    return after;
  }

  #namesAfterCut(dice: Dice): Map<string, Inode> {
    const names = new Map(this.#durable);
    for (const { apply } of this.#namings.slice(0, dice.int(0, this.#namings.length))) apply(names);
    return names;
  }

  #name(naming: Naming): void {
    naming.apply(this.names);
    this.#namings.push(naming);
  }

  #keep(which: (naming: Naming) => boolean): void {
    for (const naming of this.#namings.filter(which)) naming.apply(this.#durable);
    this.#namings = this.#namings.filter((naming) => !which(naming));
  }
}
