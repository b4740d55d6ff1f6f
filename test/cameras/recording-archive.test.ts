/** The recordings of one camera on a real disk: read by ffprobe, cut at any byte, kept within their limits. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JpegWorks } from '../../src/cameras/jpeg-works.js';
import { FolderArchive } from '../../src/cameras/recording-archive.js';
import { FRAME_HEAD_BYTES, HEADER_BYTES } from '../../src/cameras/recording-matroska.js';
import { jpegSize } from '../../src/cameras/recording-picture.js';
import type { Frame } from '../../src/gateway/frame.js';
import type { OpenSegment, RecordOptions, StoredPicture } from '../../src/gateway/recording.js';
import { pictures } from './corpus.js';

const NOON_MS = Date.UTC(2026, 0, 31, 12);
const ffprobeIsThere = spawnSync('ffprobe', ['-version']).status === 0;
if (!ffprobeIsThere && process.env['CI'])
  throw new Error('ffprobe is not installed; under CI its tests may not be skipped');

const stored: readonly StoredPicture[] = pictures.map((data) => ({
  data,
  ...(jpegSize(data) as { width: number; height: number }),
}));

function temporaryFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'sluice-recording-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function archiveIn(dir: string, options: Partial<RecordOptions> = {}, id = 'front'): FolderArchive {
  const defaults = { segmentSeconds: 60, segmentBytes: 1e9, quality: 0, minFreeBytes: 0, sessionMinutes: 30 };
  return new FolderArchive(id, { dir, ...defaults, ...options }, { works: new JpegWorks() });
}

/** Writes so many pictures, `everyMs` apart. */
async function written(
  archive: FolderArchive,
  { count = 10, fromMs = NOON_MS, everyMs = 100 } = {},
): Promise<OpenSegment> {
  const segment = await archive.begin(stored[0] as StoredPicture, fromMs, undefined);
  for (let at = 0; at < count; at += 1)
    await segment.write(stored[at % stored.length] as StoredPicture, fromMs + at * everyMs);
  return segment;
}

function filesIn(dir: string): readonly string[] {
  return readdirSync(join(dir, 'front'))
    .filter((name) => !name.endsWith('.lock'))
    .sort();
}

/** What ffprobe says of a file: how many pictures it can decode, how long it is, and whether anything is wrong. */
function probed(path: string): { readonly frames: number; readonly seconds: number; readonly faults: string } {
  const args = '-v warning -count_frames -of json -show_entries stream=nb_read_frames:format=duration'.split(' ');
  const { stdout, stderr, status } = spawnSync('ffprobe', [...args, path], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const { streams, format } = JSON.parse(stdout) as {
    readonly streams: readonly { readonly nb_read_frames: string }[];
    readonly format: { readonly duration: string };
  };
  return { frames: Number(streams[0]?.nb_read_frames), seconds: Number(format.duration), faults: stderr };
}

async function all(archive: FolderArchive, fromMs = 0): Promise<readonly { atMs: number; data: Buffer }[]> {
  const found = [];
  for await (const picture of archive.pictures(fromMs)) found.push(picture);
  return found;
}

describe('a segment', () => {
  it.skipIf(!ffprobeIsThere)('is read by ffprobe: every picture, the duration, and no word of warning', async () => {
    const dir = temporaryFolder();
    const archive = archiveIn(dir);
    await archive.open();
    const recording = await (await written(archive, { count: 50 })).finish();
    const path = join(dir, 'front', `${recording.id}.mkv`);
    expect(recording).toMatchObject({
      id: '2026-01-31T12-00-00.000Z',
      frames: 50,
      fromMs: NOON_MS,
      toMs: NOON_MS + 4_900,
    });
    expect(probed(path)).toEqual({ frames: 50, seconds: 5, faults: '' });
    // A player jumps: what it finds is the picture of that moment, not the first.
    const seek = spawnSync(
      'ffprobe',
      ['-v', 'error', '-read_intervals', '3.5%+#1', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', path],
      { encoding: 'utf8' },
    );
    expect(Number.parseFloat(seek.stdout)).toBeGreaterThanOrEqual(2.9);
  });

  it('gives back the very pictures with their times', async () => {
    const archive = archiveIn(temporaryFolder());
    await archive.open();
    await (await written(archive)).finish();
    const found = await all(archive, NOON_MS + 450);
    expect(found.map(({ atMs }) => atMs - NOON_MS)).toEqual([500, 600, 700, 800, 900]);
    for (const [index, { data }] of found.entries()) {
      expect(data.equals((stored[(index + 5) % stored.length] as StoredPicture).data)).toBe(true);
    }
  });

  it('is not listed and not served before it is complete', async () => {
    const dir = temporaryFolder();
    const archive = archiveIn(dir);
    await archive.open();
    const segment = await written(archive);
    expect(archive.recordings).toEqual([]);
    expect(await all(archive)).toEqual([]);
    expect(filesIn(dir)).toEqual(['2026-01-31T12-00-00.000Z.mkv.part', 'index.jsonl']);
    await segment.finish();
    expect(filesIn(dir)).toEqual(['2026-01-31T12-00-00.000Z.mkv', 'index.jsonl']);
    expect(await all(archive)).toHaveLength(10);
  });
});

describe('what a crash has left', () => {
  it.skipIf(!ffprobeIsThere)('is whole up to its last whole picture, wherever it was cut, or gone', async () => {
    const dir = temporaryFolder();
    const archive = archiveIn(dir);
    await archive.open();
    const segment = await written(archive, { count: 3 });
    await segment.abandon();
    const part = join(dir, 'front', '2026-01-31T12-00-00.000Z.mkv.part');
    const bytes = readFileSync(part);
    const ends = [HEADER_BYTES];
    for (const { data } of stored.slice(0, 3)) ends.push((ends.at(-1) as number) + FRAME_HEAD_BYTES + data.length);
    expect(bytes.length).toBe(ends[3]);
    const cuts = new Set<number>([0, 1, 17]);
    for (const end of ends)
      for (const off of [-29, -2, -1, 0, 1, 26, 27, 28, 29, 500])
        cuts.add(Math.min(bytes.length, Math.max(0, end + off)));
    for (const cut of cuts) {
      rmSync(join(dir, 'front'), { recursive: true, force: true });
      const again = archiveIn(dir);
      await again.open();
      writeFileSync(part, bytes.subarray(0, cut));
      const whole = ends.filter((end) => end <= cut).length - 1;
      const mended = await again.open();
      expect(mended, `cut at ${cut}`).toEqual(whole > 0 ? { repaired: 1, removed: 0 } : { repaired: 0, removed: 1 });
      expect(await all(again), `cut at ${cut}`).toHaveLength(Math.max(0, whole));
      expect(filesIn(dir).filter((name) => name.endsWith('.part'))).toEqual([]);
    }
    expect(probed(join(dir, 'front', '2026-01-31T12-00-00.000Z.mkv'))).toMatchObject({ frames: 3, faults: '' });
  });

  it('is not believed where the disk has only kept its place', async () => {
    const dir = temporaryFolder();
    const archive = archiveIn(dir);
    await archive.open();
    await (await written(archive, { count: 2 })).abandon();
    const part = join(dir, 'front', '2026-01-31T12-00-00.000Z.mkv.part');
    const length = readFileSync(part).length;
    // A power cut: the file is as long as it was, and its end is zeros.
    truncateSync(part, length - (stored[1] as StoredPicture).data.length);
    truncateSync(part, length);
    await archive.open();
    expect(archive.recordings).toMatchObject([{ frames: 1 }]);
  });

  it('is whole where a camera fills up with zeros, and not where a power cut has left them in a picture', async () => {
    const dir = temporaryFolder();
    const archive = archiveIn(dir);
    const [first] = stored as [StoredPicture];
    for (const cutBytes of [0, 40]) {
      await archive.open();
      const fromMs = NOON_MS + cutBytes * 1_000;
      const segment = await archive.begin(first, fromMs, undefined);
      for (const atMs of [0, 100])
        await segment.write({ ...first, data: Buffer.concat([first.data, Buffer.alloc(16)]) }, fromMs + atMs);
      await segment.abandon();
      const part = join(dir, 'front', filesIn(dir).find((name) => name.endsWith('.part')) as string);
      const { length } = readFileSync(part);
      truncateSync(part, length - cutBytes);
      truncateSync(part, length);
    }
    await archive.open();
    expect(archive.recordings).toMatchObject([{ frames: 2 }, { frames: 1 }]);
  });

  it('is found again where the index lost it, and forgotten where only the index has it', async () => {
    const dir = temporaryFolder();
    const archive = archiveIn(dir);
    await archive.open();
    for (const minute of [0, 1, 2]) await (await written(archive, { fromMs: NOON_MS + minute * 60_000 })).finish();
    const before = archive.recordings;
    const index = join(dir, 'front', 'index.jsonl');
    // The last line is cut off, a line of rubbish stands before it, and one segment was taken away by hand.
    const lines = readFileSync(index, 'utf8');
    writeFileSync(index, lines.slice(0, -20));
    appendFileSync(index, '\n{"id":"../../etc/passwd","fromMs":1}\n');
    rmSync(join(dir, 'front', `${before[0]?.id}.mkv`));
    await archive.open();
    expect(archive.recordings).toEqual([before[1], { ...before[2] }]);
    expect(readFileSync(index, 'utf8').trim().split('\n')).toHaveLength(2);
  });
});

describe('an archive', () => {
  it('keeps exactly what its limits allow, the oldest going first', async () => {
    const dir = temporaryFolder();
    const archive = archiveIn(dir, { maxSegments: 3 });
    await archive.open();
    for (let minute = 0; minute < 5; minute += 1) {
      await (await written(archive, { count: 2, fromMs: NOON_MS + minute * 60_000 })).finish();
    }
    const ids = archive.recordings.map(({ id }) => id);
    const segment = await written(archive, { count: 2, fromMs: NOON_MS + 5 * 60_000 });
    const gone = await archive.retain(NOON_MS);
    expect(gone.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(archive.recordings.map(({ id }) => id)).toEqual(ids.slice(2));
    expect(archive.bytes).toBe(archive.recordings.reduce((sum, { bytes }) => sum + bytes, 0));
    // The segment that is being written is not touched.
    expect(filesIn(dir)).toEqual([
      ...ids.slice(2).map((id) => `${id}.mkv`),
      '2026-01-31T12-05-00.000Z.mkv.part',
      'index.jsonl',
    ]);
    await segment.abandon();
    await archive.close();
    // And the index remembers it over a restart.
    const again = archiveIn(dir);
    await again.open();
    expect(again.recordings.map(({ id }) => id)).toEqual([...ids.slice(2), '2026-01-31T12-05-00.000Z']);
  });

  it('keeps its index short, however many segments have come and gone', async () => {
    const dir = existsSync('/dev/shm') ? temporaryFolder('/dev/shm') : temporaryFolder();
    const archive = archiveIn(dir, { maxSegments: 2 });
    await archive.open();
    for (let second = 0; second < 600; second += 1) {
      await (await written(archive, { count: 1, fromMs: NOON_MS + second * 1_000 })).finish();
      await archive.retain(NOON_MS);
    }
    const lines = readFileSync(join(dir, 'front', 'index.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.length).toBeLessThan(1_010);
    const before = archive.recordings;
    await archive.open();
    expect(archive.recordings).toEqual(before);
    expect(before).toHaveLength(2);
  });

  it('takes a name that is free when the clock was set back', async () => {
    const archive = archiveIn(temporaryFolder());
    await archive.open();
    await (await written(archive, { everyMs: 300 })).finish();
    const second = await (await written(archive, { everyMs: 300 })).finish();
    expect(second.id).toBe('2026-01-31T12-00-00.001Z');
    expect(archive.recordings).toHaveLength(2);
  });

  it('never leaves its folder, whatever its camera and its segments are called', async () => {
    const dir = temporaryFolder();
    const archive = archiveIn(join(dir, 'in'), {}, '..');
    await archive.open();
    await (await written(archive)).finish();
    expect(readdirSync(dir)).toEqual(['in']);
    expect(readdirSync(join(dir, 'in'))).toEqual(['%2E.']);
    for (const id of ['..', '../x', '/etc/passwd', 'index.jsonl', '2026-01-31T12-00-00.000Z/../x']) {
      expect(archive.file(id)).toBeUndefined();
    }
    expect(archive.file('2026-01-31T12-00-00.000Z')).toBeDefined();
  });

  it('S1-21 stores pictures of the quality that is wanted, and as they come without sharp, which is said once', async () => {
    const dir = temporaryFolder();
    const picture = pictures[0] as Buffer;
    const frame = { picture } as Frame;
    const said: string[] = [];
    const made = await archiveIn(dir, { quality: 70 }).stored(frame, (why) => said.push(why));
    const smaller = await archiveIn(dir, { quality: 20 }).stored(frame, (why) => said.push(why));
    expect(smaller?.data.length).toBeLessThan(made?.data.length as number);
    expect(made?.data.length).toBeLessThanOrEqual(picture.length);
    expect(said).toEqual([]);

    const without = new FolderArchive(
      'front',
      { dir, segmentSeconds: 60, segmentBytes: 1e9, quality: 70, minFreeBytes: 0, sessionMinutes: 30 },
      { works: new JpegWorks(() => Promise.reject(new Error('Cannot find package'))) },
    );
    for (let round = 0; round < 3; round += 1) {
      expect((await without.stored(frame, (why) => said.push(why)))?.data).toBe(picture);
    }
    expect(said).toEqual([expect.stringContaining('"sharp"')]);
    expect(await without.stored({ picture: Buffer.from('no picture') } as Frame, () => {})).toBeUndefined();
  });
});
