/**
 * A folder of recordings has one writer. Two would mend each other's segments while they are being written, so whoever
 * records into a folder claims it first, and whoever finds the claim of somebody alive is refused.
 *
 * A claim is a file of a name of its own. It is put there first and the others are looked at then: of two who come at
 * once at least one sees the other, and when both do, both give way and come again. A claim outlives its owner only where that
 * was killed: a process of this machine is asked for, and one of somewhere else (another machine, another container) counts
 * as gone when its claim was not renewed for a while, by the clock of the disk.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { DiskFile, RecordingDisk } from './recording-disk.js';

const NAME = /^recorder-[\w-]{1,64}\.lock$/;
/** Four times as long as a recorder takes between two looks at its disk. */
const FOREIGN_MS = 20_000;

const words = z.strictObject({
  /** Where numbers of processes mean the same. */
  space: z.string().max(1_000),
  host: z.string().max(1_000),
  process: z.number().int().positive(),
  /** When that process was started, as the system counts; numbers of processes are used again. */
  started: z.string().max(1_000),
});

/** Who claims folders: a process. */
export interface Claimant extends Readonly<z.infer<typeof words>> {
  /** The claims that it has, by their names. */
  readonly held: Set<string>;
  /** Whether this process of the same space lives. */
  lives(process: number, started: string): boolean;
}

export class FolderClaim {
  readonly #disk: RecordingDisk;
  readonly #folder: string;
  readonly #owner: Claimant;
  #name: string | undefined;

  constructor(disk: RecordingDisk, folder: string, owner: Claimant = thisProcess) {
    this.#disk = disk;
    this.#folder = folder;
    this.#owner = owner;
  }

  get held(): boolean {
    return this.#name !== undefined;
  }

  /** Claims the folder, or renews the claim. Rejects where somebody else has it. */
  async take(): Promise<void> {
    if (this.held && (await this.#renewed())) return;
    const name = `recorder-${randomUUID()}.lock`;
    this.#owner.held.add(name);
    try {
      const mine = await this.#write(name, 'wx');
      const dead: string[] = [];
      for (const other of await this.#others(name)) {
        const by = await this.#livesIn(other, mine);
        if (by !== undefined) throw inUse(this.#folder, by);
        dead.push(other);
      }
      for (const other of dead) await this.#remove(other);
      this.#name = name;
    } finally {
      if (!this.held) await this.#giveUp(name);
    }
  }

  /** Says that it is still here. Rejects where the claim was lost: then somebody else may have the folder. */
  async renew(): Promise<void> {
    if (await this.#renewed()) return;
    throw new Error(`${this.#folder}: its claim is gone: somebody else may record there`);
  }

  /** Idempotent; never rejects: a claim that cannot be removed is that of a process that will be gone. */
  async release(): Promise<void> {
    const name = this.#name;
    this.#name = undefined;
    if (name !== undefined) await this.#giveUp(name);
  }

  /** False where it is gone. A disk that cannot be written to says so with the next picture, and not here. */
  async #renewed(): Promise<boolean> {
    const name = this.#name as string;
    try {
      await this.#write(name, 'r+');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return true;
      this.#name = undefined;
      this.#owner.held.delete(name);
    }
    return this.held;
  }

  async #giveUp(name: string): Promise<void> {
    await this.#remove(name).catch(() => {});
    this.#owner.held.delete(name);
  }

  async #others(mine: string): Promise<readonly string[]> {
    return (await this.#disk.readdir(this.#folder)).filter((name) => NAME.test(name) && name !== mine);
  }

  /** Who lives and has this claim; `undefined` where nobody does. `nowMs` is the time of the disk. */
  async #livesIn(name: string, nowMs: number): Promise<string | undefined> {
    const { space, process, started, held, lives } = this.#owner;
    const file = await this.#disk.open(join(this.#folder, name), 'r').catch(absent);
    if (!file) return undefined;
    const [{ mtimeMs }, text] = await closing(file, async () => [await file.stat(), await textOf(file)] as const);
    const by = parsed(text);
    const recent = nowMs - mtimeMs < FOREIGN_MS;
    // It is being written, or was cut off.
    if (!by) return recent ? 'another gateway' : undefined;
    const who = `process ${by.process} on ${by.host}`;
    if (by.space !== space) return recent ? who : undefined;
    if (by.process === process && by.started === started)
      return held.has(name) || recent ? 'this very process' : undefined;
    return lives(by.process, by.started) ? who : undefined;
  }

  /** @returns when that was, by the clock of the disk. */
  async #write(name: string, flags: 'wx' | 'r+'): Promise<number> {
    const { space, host, process, started } = this.#owner;
    const file = await this.#disk.open(join(this.#folder, name), flags, 0o640);
    return closing(file, async () => {
      await file.writeFile(`${JSON.stringify({ space, host, process, started })}\n`);
      return (await file.stat()).mtimeMs;
    });
  }

  async #remove(name: string): Promise<void> {
    await this.#disk.unlink(join(this.#folder, name)).catch(absent);
  }
}

async function closing<T>(file: DiskFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await file.close();
  }
}

async function textOf(file: DiskFile): Promise<string> {
  const bytes = Buffer.allocUnsafe(8_192);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return bytes.toString('utf8', 0, bytesRead);
}

function parsed(text: string): z.infer<typeof words> | undefined {
  try {
    return words.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function inUse(folder: string, by: string): Error {
  return new Error(`${folder} is being recorded into by ${by}: expected a folder of this gateway alone (record.dir)`);
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** When a process was started, in ticks since the system was; empty where that cannot be told, `undefined` for one that is dead. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : (rest[18] ?? '');
  } catch {
    return '';
  }
}

function lives(pid: number, started: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Others' processes may not be asked, which says that they are there.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const since = startOf(pid);
  return since === '' || since === started;
}

/** A container has processes of its own, and a machine that was started anew has others. */
function spaceOf(): string {
  const host = hostname();
  if (process.platform !== 'linux') return host;
  try {
    return [
      host,
      readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      readlinkSync('/proc/self/ns/pid'),
    ].join();
  } catch {
    return host;
  }
}

const thisProcess: Claimant = {
  space: spaceOf(),
  host: hostname(),
  process: process.pid,
  started: startOf(process.pid) ?? '',
  held: new Set(),
  lives,
};
