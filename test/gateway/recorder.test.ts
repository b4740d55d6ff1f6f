/** A recorder in a whole gateway, over real disks: full ones, broken ones, ones that are taken away. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderArchives } from '../../src/cameras/index.js';
import type { CameraOptions } from '../../src/gateway/options.js';
import {
  disksCanBeMade,
  expectNoGap,
  openFiles,
  RecordedGateway,
  SmallDisk,
  temporaryFolder,
  writingAs,
} from './recorded-gateway.js';

const MIB = 1024 * 1024;

describe('a camera that is recorded', () => {
  it('is kept open without viewers, in segments of the length that was asked for, and its recorder is no viewer', async () => {
    const gateway = await RecordedGateway.start({ dir: temporaryFolder() });
    await gateway.until('three segments', () => gateway.recording.segments >= 3);
    const [camera] = gateway.tree.cameras.views();
    expect(camera).toMatchObject({ state: 'live', viewers: 0, attempts: 1 });
    expect(gateway.tree.live.resources()).toMatchObject({ workers: 2, viewers: 0, recordings: { segments: 3 } });
    const recorded = gateway.tree.cameras.recorded('front').recordings;
    for (const [index, { fromMs, toMs, session }] of recorded.entries()) {
      expect(toMs - fromMs).toBeGreaterThan(1_700);
      expect(toMs - fromMs).toBeLessThan(2_000);
      expect(session).toBe(recorded[0]?.id);
      // Without a hole: the next begins where this one ends.
      const next = recorded[index + 1];
      if (next) expect(next.fromMs - toMs).toBeLessThan(200);
    }
    await gateway.until(
      'the fourth is begun',
      () => gateway.recording.frames > recorded.reduce((sum, one) => sum + one.frames, 3),
    );
    await gateway.stop();
    // What was being written when it was asked to stop is complete too.
    const archive = folderArchives('front', { ...gateway.tree.live.options.cameras[0]?.record } as never);
    await archive.open();
    expect(archive.recordings.length).toBe(4);
    const told = gateway.said('recorder.segment').map(({ detail }) => detail?.['frames']);
    expect(archive.recordings.map(({ frames }) => frames)).toEqual(told);
  });

  it('keeps exactly as much as it may, the oldest going first', async () => {
    const dir = temporaryFolder();
    const gateway = await RecordedGateway.start({ dir, maxSegments: 2 });
    await gateway.until('six were written', () => gateway.said('recorder.segment').length === 6);
    await gateway.until('the oldest are gone', () => gateway.said('recorder.removed').length === 4);
    const ids = gateway.said('recorder.segment').map(({ detail }) => detail?.['segment']);
    expect(gateway.tree.cameras.recorded('front').recordings.map(({ id }) => id)).toEqual(ids.slice(-2));
    expect(gateway.said('recorder.removed').map(({ detail }) => detail?.['oldest'])).toEqual(ids.slice(0, 4));
    expect(
      readdirSync(join(dir, 'front'))
        .filter((name) => name.endsWith('.mkv'))
        .sort(),
    ).toEqual(ids.slice(-2).map((id) => `${id}.mkv`));
    await gateway.stop();
  });

  it('S1-9 begins a session when it begins, and another when the time of that is over', async () => {
    const gateway = await RecordedGateway.start({ dir: temporaryFolder(), segmentSeconds: 35, sessionMinutes: 1 });
    await gateway.until('three segments', () => gateway.recording.segments === 3);
    const recorded = gateway.tree.cameras.recorded('front').recordings;
    const [first, second, third] = recorded;
    expect(second?.session).toBe(first?.id);
    // The session's time cut the second segment off.
    expect((second?.toMs ?? 0) - (first?.fromMs ?? 0)).toBeLessThan(60_000);
    expect(third?.session).toBe(third?.id);
    await gateway.stop();
  }, 60_000);
});

describe.skipIf(!disksCanBeMade)('a recorder whose disk fills (needs: the right to mount a tmpfs)', () => {
  it('S1-19 warns, records one picture a second, pauses, and resumes; the live picture never notices', async () => {
    const disk = new SmallDisk('size=16m');
    const gateway = await RecordedGateway.start({ dir: disk.path, minFreeBytes: 8 * MIB, maxSegments: 3 });
    const wire = await gateway.watch();
    const leave = (bytes: number): void => {
      const ballast = join(disk.path, 'ballast');
      rmSync(ballast, { force: true });
      const others = gateway.recording.bytes + 2 * MIB;
      writeFileSync(ballast, Buffer.alloc(Math.max(0, 16 * MIB - others - bytes)));
    };
    await gateway.until('it is recorded', () => gateway.recording.state === 'recording');
    leave(5 * MIB);
    await gateway.until('a warning', () => gateway.said('recorder.diskLow').length === 1);
    expect(gateway.recording.state).toMatch(/recording|rollingOver/);
    leave(MIB);
    await gateway.until('fewer pictures', () => gateway.recording.state === 'degraded');
    const before = { frames: gateway.recording.frames, seen: wire.frames.length };
    await gateway.pass(3_000);
    expect(gateway.recording.frames - before.frames).toBeLessThanOrEqual(4);
    expect(wire.frames.length - before.seen).toBeGreaterThan(25);
    // To the last byte, whoever took it.
    expect(() => writeFileSync(join(disk.path, 'rest'), Buffer.alloc(16 * MIB))).toThrow(/ENOSPC/);
    await gateway.until('a pause', () => gateway.recording.state === 'paused');
    const seen = wire.frames.length;
    const { frames } = gateway.recording;
    await gateway.pass(20_000);
    expect(gateway.recording).toMatchObject({ state: 'paused', frames });
    expect(wire.frames.length).toBeGreaterThan(seen + 150);
    rmSync(join(disk.path, 'rest'));
    rmSync(join(disk.path, 'ballast'));
    await gateway.until('it is recorded again', () => gateway.recording.state === 'recording');
    await gateway.until('every picture', () => gateway.recording.frames > frames + 20);
    expect(gateway.said('recorder.resumed')).toHaveLength(1);
    expectNoGap(wire);
    await gateway.stop();
  }, 60_000);

  it('S1-19 survives a disk that is full in the middle of a picture, without a guard, and what it serves is whole', async () => {
    const disk = new SmallDisk('size=2m');
    const gateway = await RecordedGateway.start({ dir: disk.path, segmentSeconds: 3_600 });
    const wire = await gateway.watch();
    await gateway.until('the disk is full', () => gateway.said('recorder.retrying').length === 1);
    expect(gateway.said('recorder.retrying')[0]?.reason).toContain('ENOSPC');
    await gateway.pass(5_000);
    const archive = gateway.tree.cameras.recorded('front');
    rmSync(join(disk.path, 'front'), { recursive: true });
    await gateway.until('it is recorded again', () => gateway.recording.state === 'recording');
    expect(archive.size).toBe(0);
    expectNoGap(wire);
    await gateway.stop();
  }, 60_000);

  it('waits for a disk that may not be written to, and begins when it may', async () => {
    const disk = new SmallDisk('size=16m,ro');
    const gateway = await RecordedGateway.start({ dir: disk.path });
    const wire = await gateway.watch();
    await gateway.until('it was tried several times', () => gateway.said('recorder.retrying').length === 4);
    expect(gateway.said('recorder.retrying').map(({ detail }) => detail?.['delayMs'])).toEqual([
      1_000, 2_000, 4_000, 8_000,
    ]);
    expect(gateway.recording).toMatchObject({ state: 'backingOff', lastError: expect.stringContaining('EROFS') });
    disk.remount('rw');
    await gateway.until('it is recorded, and well', () => gateway.recording.lastError === undefined);
    expect(gateway.recording.segments).toBe(1);
    expectNoGap(wire);
    await gateway.stop();
  }, 60_000);
});

describe('a recorder whose disk fails', () => {
  it('makes its folder anew when somebody has removed it', async () => {
    const dir = temporaryFolder();
    const gateway = await RecordedGateway.start({ dir });
    const wire = await gateway.watch();
    await gateway.until('a segment', () => gateway.recording.segments === 1);
    rmSync(dir, { recursive: true });
    await gateway.until('it has noticed', () => gateway.said('recorder.retrying').length > 0);
    await gateway.until(
      'it is recorded again',
      () => existsSync(join(dir, 'front', 'index.jsonl')) && gateway.recording.segments === 1,
    );
    expectNoGap(wire);
    await gateway.stop();
  });

  it('tries again after an error in the middle of a segment, of which it keeps what is whole', async () => {
    let fails = false;
    const archives = writingAs((write) => (fails ? Promise.reject(new Error('EIO: i/o error, write')) : write()));
    const gateway = await RecordedGateway.start({ dir: temporaryFolder(), segmentSeconds: 3_600 }, archives);
    const wire = await gateway.watch();
    await gateway.until('it is recorded', () => gateway.recording.frames > 10);
    fails = true;
    await gateway.until('it waits', () => gateway.recording.state === 'backingOff');
    fails = false;
    await gateway.until('it was repaired', () => gateway.said('recorder.recovered').length === 1);
    expect(gateway.tree.cameras.recorded('front').recordings[0]?.frames).toBeGreaterThan(10);
    await gateway.until('it is recorded again', () => gateway.recording.state === 'recording');
    expectNoGap(wire);
    await gateway.stop();
  });

  it('drops pictures, counted and bounded, while the disk hangs, and delays nobody', async () => {
    let go: (() => void) | undefined;
    let hangs = false;
    const archives = writingAs(async (write) => {
      if (hangs)
        await new Promise<void>((resolve) => {
          go = resolve;
        });
      await write();
    });
    const gateway = await RecordedGateway.start({ dir: temporaryFolder() }, archives);
    const wire = await gateway.watch();
    await gateway.until('it is recorded', () => gateway.recording.frames > 5);
    hangs = true;
    await gateway.until('pictures are dropped', () => gateway.recording.drops > 50);
    expectNoGap(wire);
    hangs = false;
    go?.();
    const { frames, drops } = gateway.recording;
    await gateway.until('it is recorded again', () => gateway.recording.frames > frames + 100);
    expect(gateway.recording.drops - drops).toBeLessThan(20);
    expectNoGap(wire);
    await gateway.stop();
  });
});

describe('a hundred recorders, one after the other,', () => {
  it('S1-6 S1-12 leave no file open and no entry anywhere', async () => {
    const dir = temporaryFolder();
    const gateway = await RecordedGateway.start({ dir });
    await gateway.until('it is recorded', () => gateway.recording.frames > 0);
    const options = { ...(gateway.tree.live.options.cameras[0] as CameraOptions), id: 'again' };
    const cycle = async (): Promise<void> => {
      await gateway.tree.cameras.add(options);
      const view = () => gateway.tree.cameras.views().find(({ id }) => id === 'again')?.recording;
      await gateway.until('it is recorded', () => (view()?.frames ?? 0) > 0);
      let removed = false;
      const removing = gateway.tree.cameras.remove('again').then(() => {
        removed = true;
      });
      await gateway.until('it is gone', () => removed);
      await removing;
    };
    await cycle();
    const before = {
      files: openFiles(),
      actors: gateway.system.processes.size,
      census: gateway.system.census.totals(),
    };
    for (let round = 0; round < 100; round += 1) await cycle();
    await gateway.pass(100);
    // The one that goes on may be between two of its files.
    expect(Math.abs(openFiles() - before.files)).toBeLessThanOrEqual(2);
    expect(gateway.system.processes.size).toBe(before.actors);
    expect(gateway.tree.cameras.recorders.size).toBe(1);
    expect(readdirSync(join(dir, 'again')).filter((name) => name.endsWith('.part'))).toEqual([]);
    expect(readdirSync(join(dir, 'again')).filter((name) => name.endsWith('.mkv'))).toHaveLength(101);
    await gateway.stop();
  }, 60_000);
});
