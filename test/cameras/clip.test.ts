import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { clipSource } from '../../src/cameras/clip.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { pictures, smallPicture } from './corpus.js';
import { RecordingListener } from './listener.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-clip-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function play(url: string, clock = new VirtualClock()) {
  const listener = new RecordingListener();
  const attempt = clipSource(new URL(url)).open(listener, { clock });
  return { listener, attempt, clock };
}

describe('the demo clip', () => {
  it('is a few seconds of whole pictures, and small', () => {
    expect(pictures).toHaveLength(75);
    expect(statSync(new URL('../../src/cameras/clip/demo.mjpeg', import.meta.url)).size).toBeLessThan(1.2e6);
    expect(new Set(pictures.map((picture) => picture.toString('latin1'))).size).toBe(75);
  });

  it('reports nothing before open has returned, then opens and delivers', () => {
    const { listener, clock } = play('clip:');
    expect(listener.story).toEqual([]);
    clock.advance(0);
    expect(listener.story).toEqual(['opened', 'picture']);
    expect(listener.pictures[0]).toMatchObject({ contentType: 'image/jpeg' });
  });

  it('plays 15 pictures a second, in order and in a loop, without drift', () => {
    const { listener, clock } = play('clip:');
    clock.advance(0);
    for (let second = 1; second <= 60; second += 1) {
      clock.advance(1000);
      expect(listener.pictures).toHaveLength(15 * second + 1);
    }
    expect(listener.pictures.every(({ data }, at) => data.equals(pictures[at % 75] as Buffer))).toBe(true);
  });

  it('plays at another rate when asked', () => {
    const { listener, clock } = play('clip:?fps=7');
    clock.advance(100_000);
    expect(listener.pictures).toHaveLength(701);
  });

  it('skips what a late timer missed, and delivers no burst', () => {
    /** A machine that stands still: timers fire late and time has passed. */
    class LateClock extends VirtualClock {
      lateMs = 0;
      override now(): number {
        return super.now() + this.lateMs;
      }
    }
    const clock = new LateClock();
    const { listener } = play('clip:?fps=10', clock);
    clock.advance(1000);
    expect(listener.pictures).toHaveLength(11);
    clock.lateMs = 2000;
    clock.advance(100);
    expect(listener.pictures).toHaveLength(12);
    expect(listener.pictures[11]?.data.equals(pictures[31] as Buffer)).toBe(true);
    clock.advance(1000);
    expect(listener.pictures).toHaveLength(22);
  });
});

describe('a clip of another file', () => {
  const three = [1, 2, 3].map((n) => smallPicture(200, n));

  it('plays its pictures, less what is not whole at its end', () => {
    const path = file('three.mjpeg', Buffer.concat([...three, smallPicture(200, 4).subarray(0, 100)]));
    const { listener, clock } = play(`clip:${path}?fps=2`);
    clock.advance(3000);
    expect(listener.pictures.map(({ data }) => three.findIndex((one) => one.equals(data)))).toEqual([
      0, 1, 2, 0, 1, 2, 0,
    ]);
  });

  it('is found under a path with blanks, percent-encoded', () => {
    const path = file('a clip.mjpeg', Buffer.concat(three));
    const { listener, clock } = play(`clip:${path.replace(' ', '%20')}`);
    clock.advance(0);
    expect(listener.pictures).toHaveLength(1);
  });

  it('is shared by reference by those who play it, and read anew when it changed', () => {
    const path = file('shared.mjpeg', Buffer.concat(three));
    const first = play(`clip:${path}`);
    const second = play(`clip:${path}`);
    first.clock.advance(0);
    second.clock.advance(0);
    expect(second.listener.pictures[0]?.data).toBe(first.listener.pictures[0]?.data);
    writeFileSync(path, Buffer.concat(three.slice(1)));
    utimesSync(path, 1, 1);
    const third = play(`clip:${path}`);
    third.clock.advance(0);
    expect(third.listener.pictures[0]?.data.equals(three[1] as Buffer)).toBe(true);
  });

  it.each([
    ['is missing', 'absent.mjpeg', undefined, 'the clip could not be read (ENOENT)'],
    ['is a folder', '', undefined, 'the clip could not be read (EISDIR)'],
    ['is empty', 'empty.mjpeg', Buffer.alloc(0), 'expected JPEG pictures, found none'],
    ['is something else', 'text.mjpeg', Buffer.from('no picture'), 'expected JPEG pictures, found none'],
  ])('fails for good, in one clear line, when the file %s', (_name, name, content, message) => {
    const path = content ? file(name, content) : join(folder, name);
    const { listener, clock } = play(`clip:${path}`);
    expect(listener.story).toEqual([]);
    clock.advance(100_000);
    expect(listener.story).toEqual(['failed']);
    expect(listener.error?.final).toBe(true);
    expect(listener.error?.message).toBe(`clip:${path}: ${message}`);
    expect(clock.pending).toBe(0);
  });
});

describe('a clip that is closed', () => {
  it.each([0, 1, 500])('is silent and holds no timer, %d ms after it was opened', async (ms) => {
    const { listener, attempt, clock } = play('clip:');
    if (ms > 0) clock.advance(ms);
    const told = listener.story.length;
    await attempt.close();
    await attempt.close();
    expect(clock.pending).toBe(0);
    clock.advance(10_000);
    expect(listener.story).toHaveLength(told);
  });

  it('may be closed by whoever gets its picture', async () => {
    const { listener, attempt, clock } = play('clip:');
    let closed: Promise<void> | undefined;
    listener.onPicture = () => {
      closed = attempt.close();
    };
    clock.advance(10_000);
    await closed;
    expect(listener.story).toEqual(['opened', 'picture']);
    expect(clock.pending).toBe(0);
  });
});
