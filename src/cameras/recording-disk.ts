/**
 * What recordings need of a file system: these functions of Node, under their own names and with their own errors. Everything
 * that recordings do to a disk goes through here, so that a disk of another kind, such as one in memory that fails when it is
 * told to, can take its place.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, statfs, unlink } from 'node:fs/promises';
import type { Readable } from 'node:stream';

export interface RecordingDisk {
  /** For a folder only with `r`, and only to be synced. */
  open(path: string, flags: 'r' | 'r+' | 'wx' | 'wx+' | 'a' | 'w', mode?: number): Promise<DiskFile>;
  mkdir(path: string, options: { readonly recursive?: boolean; readonly mode: number }): Promise<unknown>;
  readdir(path: string): Promise<readonly string[]>;
  readFile(path: string, encoding: 'utf8'): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Blocks that are free, and how large one is. */
  statfs(path: string): Promise<{ readonly bavail: number; readonly bsize: number }>;
  /** From the byte `start` to the byte `end`, which is included. */
  createReadStream(path: string, range: { readonly start: number; readonly end: number }): Readable;
}

export interface DiskFile {
  read(into: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  /** May take less than it is given. */
  writev(buffers: readonly Buffer[], position: number): Promise<{ readonly bytesWritten: number }>;
  writeFile(text: string): Promise<void>;
  truncate(length: number): Promise<void>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  stat(): Promise<{ readonly size: number; readonly mtimeMs: number }>;
  close(): Promise<void>;
}

/** The disks of this machine. */
export const systemDisk: RecordingDisk = {
  open,
  mkdir,
  readdir,
  readFile,
  rename,
  unlink,
  statfs,
  createReadStream: (path, range) => createReadStream(path, range),
};
