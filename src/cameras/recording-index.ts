/**
 * What is recorded of one camera, by time: one file with a line for each segment, to which lines are only ever added; a
 * segment that is taken away is a line too. It saves looking into every segment at each start, and it is nothing more: what
 * it does not know is found on the disk, and what it names and is not there is forgotten. So a line that a crash cut off costs
 * nothing.
 *
 * A line is untrusted like any other input: an id becomes the name of a file only when it looks like one of ours.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { Recording } from '../gateway/recording.js';
import type { RecordingDisk } from './recording-disk.js';

const NAME = 'index.jsonl';
const ID = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/;

const whole = z.number().int().min(0);
const line = z.union([
  z.strictObject({
    id: z.string().regex(ID),
    fromMs: whole,
    toMs: whole,
    frames: whole,
    bytes: whole,
    session: z.string().regex(ID),
  }),
  z.strictObject({ removed: z.string().regex(ID) }),
]);

/** A segment, or that one is gone. */
export type IndexLine = Recording | { readonly removed: string };

/** The id of a segment that begins then. */
export function idOf(fromMs: number): string {
  return new Date(fromMs).toISOString().replaceAll(':', '-');
}

export function isId(text: string): boolean {
  return ID.test(text);
}

/** What the index of this folder says, as far as it can be read. */
export async function readIndex(disk: RecordingDisk, folder: string): Promise<Map<string, Recording>> {
  const known = new Map<string, Recording>();
  const text = await disk.readFile(join(folder, NAME), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  for (const one of text.split('\n')) {
    const entry = parsed(one);
    if (!entry) continue;
    if ('removed' in entry) known.delete(entry.removed);
    else known.set(entry.id, entry);
  }
  return known;
}

function parsed(text: string): z.infer<typeof line> | undefined {
  if (text === '') return undefined;
  try {
    return line.safeParse(JSON.parse(text)).data;
  } catch {
    // Cut off by a crash, or written by somebody else: what it stood for is found on the disk.
    return undefined;
  }
}

/** Writes it anew: one line for each segment. */
export async function writeIndex(disk: RecordingDisk, folder: string, recordings: readonly Recording[]): Promise<void> {
  const path = join(folder, NAME);
  await put(disk, `${path}.new`, 'w', textOf(recordings));
  await disk.rename(`${path}.new`, path);
}

export async function addToIndex(disk: RecordingDisk, folder: string, lines: readonly IndexLine[]): Promise<void> {
  await put(disk, join(folder, NAME), 'a', textOf(lines));
}

function textOf(lines: readonly IndexLine[]): string {
  return lines.map((one) => `${JSON.stringify(one)}\n`).join('');
}

async function put(disk: RecordingDisk, path: string, flags: 'a' | 'w', text: string): Promise<void> {
  const file = await disk.open(path, flags, 0o640);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
}
