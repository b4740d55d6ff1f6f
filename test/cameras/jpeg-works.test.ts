import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { jpegSource } from '../../src/cameras/jpeg-source.js';
import { JpegWorks } from '../../src/cameras/jpeg-works.js';
import type { FrameSource, SourceListener } from '../../src/gateway/frame-source.js';
import { realClock } from '../../src/otp/clock.js';
import { endings } from './camera-server.js';
import { pictures } from './corpus.js';
import { RecordingListener } from './listener.js';

const picture = pictures[0] as Buffer;
const missing = () =>
  Promise.reject(Object.assign(new Error("Cannot find package 'sharp'"), { code: 'ERR_MODULE_NOT_FOUND' }));

/** A source that gives what the test gives. */
class HandSource implements FrameSource {
  readonly kind = 'hand';
  readonly label = 'hand:';
  listener: SourceListener | undefined;
  closed = 0;

  open(listener: SourceListener) {
    this.listener = listener;
    return {
      close: async () => {
        this.closed += 1;
      },
    };
  }

  give(data: Buffer): unknown {
    return this.listener?.picture({ contentType: 'image/jpeg', data });
  }
}

function open(
  works: JpegWorks,
  options: { readonly fps?: number; readonly width?: number; readonly quality?: number } = {},
) {
  const { fps, width, quality = 80 } = options;
  const hand = new HandSource();
  const source = jpegSource(hand, { works, shape: { quality, width }, fps });
  const listener = new RecordingListener();
  const attempt = source.open(listener, { clock: realClock });
  endings.push(() => attempt.close());
  return { hand, source, listener, attempt };
}

describe('pictures that are made anew', () => {
  it('are of the quality and the width that was asked for, and in order', async () => {
    const before = await sharp(picture).metadata();
    const { hand, listener } = open(new JpegWorks(), { width: 160, quality: 30 });
    for (let n = 0; n < 3; n += 1) {
      hand.give(pictures[n] as Buffer);
      await listener.havePictures(n + 1);
    }
    const sizes = await Promise.all(listener.pictures.map(({ data }) => sharp(data).metadata()));
    expect(sizes.map(({ width, format }) => `${format} ${width}`)).toEqual(['jpeg 160', 'jpeg 160', 'jpeg 160']);
    expect(sizes[0]?.height).toBe(Math.round((before.height * 160) / before.width));
    expect(listener.pictures[0]?.data.length).toBeLessThan(picture.length / 2);
    expect(listener.pictures.every(({ timestampMs }) => timestampMs !== undefined)).toBe(true);
  });

  it('are not made larger than they were', async () => {
    const { hand, listener } = open(new JpegWorks(), { width: 5_000 });
    hand.give(picture);
    await listener.havePictures(1);
    const { width } = await sharp(listener.pictures[0]?.data).metadata();
    expect(width).toBe((await sharp(picture).metadata()).width);
  });

  it('S1-16 are only those within the rate: the others are left out before, and counted', async () => {
    const { hand, source, listener } = open(new JpegWorks(), { fps: 1 });
    expect(source.keepsRate).toBe(true);
    expect([1, 2, 3, 4].map(() => hand.give(picture))).toEqual([true, false, false, false]);
    await listener.havePictures(1);
    expect(source.skipped).toBe(3);
  });

  it('leave out one that cannot be read, and go on', async () => {
    const { hand, source, listener } = open(new JpegWorks());
    hand.give(picture.subarray(0, picture.length >> 1));
    await expect.poll(() => source.skipped).toBe(1);
    hand.give(picture);
    await listener.havePictures(1);
    expect(listener.story).toEqual(['picture']);
  });

  it('are dropped when a newer one comes before their turn, and counted', async () => {
    const { hand, source, listener } = open(new JpegWorks());
    for (const one of pictures.slice(0, 30)) hand.give(one);
    // The first is being made; of the others the newest is.
    await listener.havePictures(2);
    expect(source.skipped).toBe(28);
    const last = await sharp(listener.pictures[1]?.data).raw().toBuffer();
    const expected = await sharp(await sharp(pictures[29]).jpeg({ quality: 80 }).toBuffer())
      .raw()
      .toBuffer();
    expect(last.equals(expected)).toBe(true);
  });

  it('do not come after the attempt was closed, and closing waits for the one that is being made', async () => {
    const { hand, listener, attempt } = open(new JpegWorks());
    hand.give(picture);
    hand.give(picture);
    await attempt.close();
    expect(hand.closed).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(listener.story).toEqual([]);
  });

  it('fail for good, in one line that names the package, where sharp is not installed', async () => {
    const { hand, listener } = open(new JpegWorks(missing));
    hand.give(picture);
    const error = await listener.haveFailed();
    expect(error).toMatchObject({ final: true, message: expect.stringMatching(/^jpeg: expected the package "sharp"/) });
    hand.give(picture);
    expect(listener.story).toEqual(['failed']);
  });
});

describe('the works where pictures of many cameras are made', () => {
  it('make a bounded number at once, and hold no more than two of each camera', async () => {
    const works = new JpegWorks();
    const cameras = Array.from({ length: 20 }, () => open(works, { width: 64 }));
    for (let n = 0; n < 10; n += 1) for (const { hand } of cameras) hand.give(pictures[n] as Buffer);
    await Promise.all(cameras.map(({ listener }) => listener.havePictures(2)));
    expect(works.runningMost).toBeGreaterThanOrEqual(1);
    expect(works.runningMost).toBeLessThanOrEqual(3);
    expect(cameras.map(({ source }) => source.skipped)).toEqual(cameras.map(() => 8));
  });

  it('let the event loop go on meanwhile', async () => {
    const big = await sharp({ create: { width: 4_000, height: 3_000, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    const works = new JpegWorks();
    let turns = 0;
    const turning = setInterval(() => {
      turns += 1;
    }, 1);
    await Promise.all([1, 2, 3].map(() => works.make(big, { quality: 80, width: 640 })));
    clearInterval(turning);
    // Made on the event loop they would leave it no turn at all.
    expect(turns).toBeGreaterThan(3);
  });
});
