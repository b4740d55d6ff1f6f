/** The chart of a recorder, without a runtime. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DISK_LEVELS,
  type DiskLevel,
  diskLevel,
  type RecorderEvent,
  recorderFailuresMax,
  recorderMachine,
  recorderPauseMs,
} from '../../machines/recorder.js';
import { lastStep, steps } from './chart.js';

const input = { retryMs: 1_000, retryMaxMs: 30_000, finishMs: 4_000, jitter: 0 };
const GIB = 1024 ** 3;

type Way = readonly (RecorderEvent | `after:${string}`)[];
const opened: RecorderEvent = { type: 'archive.opened' };
const began: RecorderEvent = { type: 'frames.began' };
const ceased: RecorderEvent = { type: 'frames.ceased' };
const due: RecorderEvent = { type: 'segment.due' };
const closed: RecorderEvent = { type: 'segment.closed' };
const failed: RecorderEvent = { type: 'disk.failed' };
const full: RecorderEvent = { type: 'disk.full' };
const scarce: RecorderEvent = { type: 'disk.scarce' };
const stop: RecorderEvent = { type: 'supervisor.stop', reason: 'shutdown' };

const recording: Way = [opened, began];
const end = (way: Way) => lastStep(recorderMachine, input, way);
const walk = (way: Way) => steps(recorderMachine, input, way);
const work = (way: Way) => /work\.(\S+)/.exec(end(way).state)?.[1];

describe('a recorder', () => {
  it('looks at its disk before it joins its camera, and opens no segment before a picture is there', () => {
    const [begun, idle, writing] = walk(recording);
    expect(begun).toMatchObject({ state: 'alive(work.opening disk.ample)', effects: ['openArchive'] });
    expect(idle).toMatchObject({ state: 'alive(work.attending.idle disk.ample)', effects: ['joinCamera'] });
    expect(writing).toMatchObject({ effects: ['beginSegment'] });
  });

  it('completes a segment before it begins the next', () => {
    const [rolling, next] = walk([...recording, due, closed]).slice(3);
    expect(rolling).toMatchObject({ effects: ['finishSegment'] });
    expect(rolling?.state).toContain('attending.rollingOver');
    expect(next).toMatchObject({ effects: ['beginSegment'] });
  });

  it('completes its segment when pictures stop coming, and stays with its camera', () => {
    const quiet = end([...recording, ceased]);
    expect(quiet.effects).toEqual(['endSession', 'finishSegment']);
    expect(work([...recording, ceased, closed])).toBe('attending.idle');
    // They come again before that is done: the segment is completed first all the same.
    expect(work([...recording, ceased, began])).toBe('attending.rollingOver');
    expect(work([...recording, ceased, began, closed])).toBe('attending.recording');
  });
});

describe('a recorder whose disk is full', () => {
  it('S1-19 completes its segment, lets go of its camera, and comes back when there is room', () => {
    expect(end([...recording, full]).effects).toEqual(['leaveCamera', 'finishSegment']);
    const paused = end([...recording, full, closed]);
    expect(paused).toMatchObject({ effects: ['announcePause'], timers: {} });
    expect(paused.state).toBe('alive(work.paused disk.full)');
    const resuming = end([...recording, full, closed, scarce]);
    expect(resuming.effects).toEqual(['announceResume', 'openArchive', 'degrade']);
    expect(work([...recording, full, closed, scarce, opened])).toBe('attending.idle');
  });

  it('S1-19 warns before that, then records fewer pictures, then all of them again', () => {
    expect(end([...recording, { type: 'disk.low' }]).effects).toEqual(['warnOfDisk']);
    expect(end([...recording, { type: 'disk.low' }, scarce]).effects).toEqual(['degrade']);
    expect(end([...recording, scarce, { type: 'disk.ample' }]).effects).toEqual(['restoreRate']);
    expect(work([...recording, scarce])).toBe('attending.recording');
  });

  it('does not begin at all where it is full from the beginning, and does not stop where there is room again by then', () => {
    expect(work([full, opened])).toBe('paused');
    expect(work([opened, full])).toBe('paused');
    expect(work([...recording, full, scarce, closed])).toBe('resuming');
  });
});

describe('a recorder whose disk fails', () => {
  it.each([
    ['before it was looked at', [failed]],
    ['when nothing is being written', [opened, failed]],
    ['while it is full', [full, opened, failed]],
  ] as readonly [string, Way][])('%s waits and looks at it again', (_when, way) => {
    expect(work(way)).toBe('backingOff');
    expect(end(way).timers).toEqual({ retryPause: 1_000 });
    expect(work([...way, 'after:retryPause'])).toBe('opening');
  });

  it.each([
    ['a segment is being written', recording],
    ['one is being completed', [...recording, due]],
    ['one is being completed for lack of pictures', [...recording, ceased]],
    ['one is being completed for lack of room', [...recording, full]],
  ] as readonly [string, Way][])('while %s closes it as it is first, and has let go of its camera', (_when, way) => {
    expect(work([...way, failed])).toBe('failing');
    expect(end([...way, failed]).effects).toContain('abandonSegment');
    expect(walk([...way, failed]).flatMap(({ effects }) => effects)).toContain('leaveCamera');
    expect(work([...way, failed, closed])).toBe('backingOff');
  });

  it('waits longer each time, until a whole segment was written', () => {
    const once: Way = [failed, 'after:retryPause'];
    const pauses = walk([...once, ...once, ...once, ...once, ...once, ...once, ...once]).flatMap(
      ({ timers }) => timers['retryPause'] ?? [],
    );
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(end([...once, ...once, ...recording]).context.failures).toBe(2);
    expect(end([...once, ...once, ...recording, due, closed]).context.failures).toBe(0);
  });
});

describe('a recorder that is asked to stop', () => {
  it.each([
    [[]],
    [recording],
    [[...recording, due]],
    [[...recording, failed]],
    [[failed]],
    [[full, opened]],
  ] as readonly [Way][])('completes what it has, within its time (%#)', (way) => {
    const stopping = end([...way, stop]);
    expect(stopping.state).toBe('stopping');
    expect(stopping.effects.at(-1)).toBe('finishSegment');
    for (const how of [closed, failed, 'after:finishTimeout'] as Way) {
      expect(end([...way, stop, how])).toMatchObject({ state: 'stopped', output: 'shutdown' });
    }
  });
});

describe('the level of a disk', () => {
  it('S1-19 is low below 1 GiB, scarce below a half and full below a quarter of it', () => {
    const at = (free: number) => diskLevel(free, GIB, 'ample');
    expect([GIB, GIB - 1, GIB / 2, GIB / 2 - 1, GIB / 4, GIB / 4 - 1, 0].map(at)).toEqual([
      'ample',
      'low',
      'low',
      'scarce',
      'scarce',
      'full',
      'full',
    ]);
  });

  it('becomes better only a tenth above its limit, and worse at once', () => {
    const level = fc.constantFrom(...DISK_LEVELS);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 * GIB }), level, (free, before) => {
        const rank = (one: DiskLevel) => DISK_LEVELS.indexOf(one);
        const now = diskLevel(free, GIB, before);
        const fresh = diskLevel(free, GIB, 'ample');
        expect(rank(now)).toBeGreaterThanOrEqual(rank(fresh));
        if (rank(now) > rank(fresh)) expect(diskLevel(free * 1.1 + 1, GIB, before)).toBe(fresh);
        // Asked again of the same disk, it says the same.
        expect(diskLevel(free, GIB, now)).toBe(now);
      }),
    );
  });

  it('is always ample where no room is asked for', () => {
    expect(diskLevel(0, 0, 'ample')).toBe('ample');
    expect(diskLevel(0, 0, 'full')).toBe('ample');
  });
});

describe('the pause of a recorder', () => {
  it('is bounded, whatever fails how often', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), fc.nat(40), (a, b, failures) => {
        const times = { ...input, retryMs: Math.min(a, b), retryMaxMs: Math.max(a, b), jitter: 0.999 };
        const most = recorderFailuresMax(times);
        const pause = recorderPauseMs({ ...times, failures: Math.min(failures + 1, most) });
        expect(pause).toBeLessThanOrEqual(times.retryMaxMs);
        expect(pause).toBeGreaterThanOrEqual(Math.floor(times.retryMs * 0.8));
        expect(recorderPauseMs({ ...times, jitter: 0, failures: most })).toBe(times.retryMaxMs);
      }),
    );
  });
});
