import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ffmpegSource } from '../../src/cameras/ffmpeg.js';
import { FfmpegChild, lifeline } from '../../src/cameras/ffmpeg-child.js';
import { jpegEnd } from '../../src/cameras/jpeg.js';
import { realClock } from '../../src/otp/clock.js';
import { ffmpegIsThere } from '../e2e/ffmpeg-camera.js';
import { endings } from './camera-server.js';
import { RecordingListener } from './listener.js';

const CARD = 'ffmpeg:testsrc2=size=160x120:rate=25#format=lavfi&realtime=1';

function open(source: string) {
  const listener = new RecordingListener();
  const attempt = ffmpegSource(source).open(listener, { clock: realClock });
  endings.push(() => attempt.close());
  return { listener, attempt };
}

/** The processes that this one has started and that are still there, by their state. */
function children(): readonly { readonly pid: number; readonly state: string; readonly name: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, name = '', state = '', parent] =
          /\((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return Number(parent) === process.pid ? [{ pid: Number(pid), state, name }] : [];
      } catch {
        return []; // gone meanwhile
      }
    });
}

const descriptors = () => readdirSync('/proc/self/fd').length;

/** A program of the test's own in ffmpeg's place. */
function instead(script: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ffmpeg-'));
  const path = join(folder, 'program');
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env['SLUICE_FFMPEG'] = path;
  endings.push(async () => rmSync(folder, { recursive: true }));
}

afterEach(() => {
  delete process.env['SLUICE_FFMPEG'];
});

describe.skipIf(!ffmpegIsThere)('an input of a real ffmpeg (needs: ffmpeg)', () => {
  it('is opened, and gives whole pictures until it is closed; then its child is gone', async () => {
    const { listener, attempt } = open(CARD);
    await listener.havePictures(10);
    expect(listener.story.slice(0, 2)).toEqual(['opened', 'picture']);
    for (const { data } of listener.pictures) expect(jpegEnd(data)).toBe(data.length);
    expect(children().map(({ name }) => name)).toEqual(['ffmpeg']);
    await attempt.close();
    await attempt.close();
    expect(children()).toEqual([]);
    expect(listener.story).not.toContain('failed');
  });

  it('is a failure when it ends, with exit code 0 too', async () => {
    const { listener } = open('ffmpeg:testsrc2=size=160x120:rate=25:duration=0.4#format=lavfi');
    const error = await listener.haveFailed();
    expect(error.message).toBe(
      `ffmpeg:testsrc2=size=160x120:rate=25:duration=0.4: ffmpeg ended with code 0 after ${listener.pictures.length} pictures`,
    );
    expect(error.final).toBe(false);
    // Of ten; the first may have gone into finding out what the input is.
    expect(listener.pictures.length).toBeGreaterThanOrEqual(9);
  });

  it('is a final failure when ffmpeg does not know what it is asked', async () => {
    const error = await open('ffmpeg:x#format=nosuch').listener.haveFailed();
    expect(error).toMatchObject({ final: true, message: expect.stringContaining("Unknown input format: 'nosuch'") });
  });

  it('can be closed before its child was started, and while it starts', async () => {
    const never = open(CARD);
    await never.attempt.close();
    const early = open(CARD);
    await lifeline();
    await early.attempt.close();
    expect(children()).toEqual([]);
    expect([...never.listener.story, ...early.listener.story]).toEqual([]);
  });

  it('S1-6 S1-28 leaves no child and no descriptor after fifty openings and as many failures', {
    timeout: 90_000,
  }, async () => {
    await open(CARD).attempt.close();
    const before = descriptors();
    for (let n = 0; n < 50; n += 1) {
      const { listener, attempt } = open(CARD);
      // Every second one with a picture, the others whenever it happens to be.
      if (n % 2 === 0) await listener.havePictures(1);
      await attempt.close();
      expect(children().length, 'two attempts alive').toBe(0);
      const failing = open('ffmpeg:/nonexistent.mp4');
      await failing.listener.haveFailed();
      await failing.attempt.close();
    }
    expect(children()).toEqual([]);
    expect(descriptors()).toBe(before);
  });
});

describe('a child in the place of ffmpeg', () => {
  it('is missed in one line that names the program, for good', async () => {
    process.env['SLUICE_FFMPEG'] = '/nonexistent/ffmpeg';
    const error = await open('rtsp://u:s3cret@cam/1').listener.haveFailed();
    expect(error).toMatchObject({
      final: true,
      message: 'rtsp://cam/1: expected the program "/nonexistent/ffmpeg" on this machine, and there is none',
    });
  });

  it('is missed the same way where there is no setpriv', async () => {
    const child = new FfmpegChild(
      { program: '/nonexistent/ffmpeg', args: [], clock: realClock, onOutput: () => {}, onText: () => {} },
      [],
    );
    expect(await child.gone).toMatchObject({ missing: true, fault: { code: 'ENOENT' } });
    await child.end();
  });

  it('is killed when it does not hear SIGTERM, with what it has started', async () => {
    instead('trap "" TERM; sleep 600 & echo "[info] Input #0" >&2; wait; sleep 600');
    const { listener, attempt } = open('ffmpeg:x');
    await listener.haveOpened();
    await attempt.close();
    expect(children()).toEqual([]);
  });

  it('does not stall, however much it says on standard error', async () => {
    instead('head -c 4000000 /dev/zero | tr "\\\\0" "x" >&2; echo "[error] enough of u:s3cret@" >&2; exit 3');
    const error = await open('ffmpeg:http://u:s3cret@cam/1').listener.haveFailed();
    expect(error.message).toMatch(/\(ffmpeg ended with code 3 after 0 pictures\)$/);
    expect(error.message).not.toContain('s3cret');
  });

  it('gets its input as one argument that nobody interprets, and no input to read', async () => {
    instead(
      'n=0; for a in "$@"; do case "$a" in *touch*) n=$((n+1));; esac; done; read line; echo "[error] $n arguments, read $?" >&2; exit 1',
    );
    const error = await open('ffmpeg:x; touch /tmp/sluice-was-here; "$(touch y)"').listener.haveFailed();
    expect(error.message).toContain('1 arguments, read 1');
  });

  it('is read to the end while it is being closed, so that it can hear the signal', async () => {
    // Blocks in a write unless somebody reads; a shell looks at its traps between two commands only.
    instead('trap "exit 0" TERM; echo "[info] Input #0" >&2; while :; do head -c 200000 /dev/zero; done');
    const { listener, attempt } = open('ffmpeg:x');
    await listener.haveOpened();
    await attempt.close();
    expect(children()).toEqual([]);
  });
});
