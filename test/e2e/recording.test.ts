/**
 * Recording as people run it: the command before a camera over HTTP and one over RTSP, a gateway that is killed in the
 * middle of a picture, and what ffprobe and ffplay make of what is on the disk.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Recording } from '../../src/gateway/recording.js';
import type { CameraView } from '../../src/gateway/views.js';
import { configurationFile, temporaryFolder } from './configuration-file.js';
import { eventually } from './eventually.js';
import { FfmpegCamera, ffmpegIsThere } from './ffmpeg-camera.js';
import { type GatewayProcess, serve } from './gateway-process.js';
import { RtspCamera, rtspIsThere } from './rtsp-camera.js';

interface Probed {
  readonly frames: number;
  readonly seconds: number;
  readonly faults: string;
}

/** What ffprobe says of a file: how many pictures it can decode, how long it is, and whether anything is wrong. */
function probed(path: string): Probed {
  const asked = ['-count_frames', '-of', 'json', '-show_entries', 'stream=nb_read_frames:format=duration'];
  const { stdout, stderr } = spawnSync('ffprobe', ['-v', 'warning', ...asked, path], { encoding: 'utf8' });
  const { streams, format } = JSON.parse(stdout) as {
    readonly streams: readonly { readonly nb_read_frames: string }[];
    readonly format: { readonly duration: string };
  };
  return { frames: Number(streams[0]?.nb_read_frames), seconds: Number(format.duration), faults: stderr };
}

function filesOf(dir: string, camera: string, ending: string): readonly string[] {
  return readdirSync(join(dir, camera))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(dir, camera, name));
}

async function recordings(gateway: GatewayProcess, camera: string): Promise<readonly Recording[]> {
  return (await gateway.json<{ recordings: Recording[] }>(`/api/recordings/${camera}`)).recordings;
}

const sumOf = (listed: readonly Recording[]): number => listed.reduce((sum, { frames }) => sum + frames, 0);
const framesOf = (camera: CameraView): number => camera.recording?.frames ?? 0;

/** Each file that is there is whole, and as long and as full as the gateway says. */
function expectWhole(dir: string, camera: string, listed: readonly Recording[]): void {
  for (const { id, frames, fromMs, toMs } of listed) {
    const { seconds, ...found } = probed(join(dir, camera, `${id}.mkv`));
    expect(found, id).toEqual({ frames, faults: '' });
    expect(seconds).toBeGreaterThanOrEqual((toMs - fromMs) / 1_000);
    expect(seconds).toBeLessThan((toMs - fromMs) / 1_000 + 1);
  }
}

/** Plays a file to its end, as somebody does who opens it; nobody sees it. */
function expectPlayed(path: string): void {
  const env = { ...process.env, SDL_VIDEODRIVER: 'dummy', SDL_AUDIODRIVER: 'dummy' };
  const args = ['-v', 'error', '-nostats', '-autoexit', '-an', path];
  const { status, stderr } = spawnSync('ffplay', args, { encoding: 'utf8', env, timeout: 60_000 });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

describe.skipIf(!rtspIsThere)('sluice serve --record (needs: ffmpeg, the RTSP server of GStreamer)', () => {
  it('S1-21 records every camera, shows both on its page, and leaves files that ffprobe reads and ffplay plays', async () => {
    const [front, back] = await Promise.all([FfmpegCamera.start(), RtspCamera.start()]);
    const dir = temporaryFolder();
    const gateway = await serve('--camera', `front=${front.url}`, '--camera', `back=${back.url()}`, '--record', dir);
    for (const id of ['front', 'back']) {
      await eventually(
        `${id} is recorded`,
        () => gateway.camera(id),
        (camera) => framesOf(camera) > 40,
      );
      expect(await gateway.camera(id)).toMatchObject({ viewers: 0, recording: { state: 'recording', drops: 0 } });
    }
    const { cameras } = await gateway.json<{ cameras: CameraView[] }>('/api/cameras');
    expect(Object.fromEntries(cameras.map(({ id, state, recording }) => [id, [state, recording?.state]]))).toEqual({
      front: ['live', 'recording'],
      back: ['live', 'recording'],
    });
    expect((await fetch(gateway.page)).headers.get('content-type')).toMatch(/^text\/html/);
    expect(await gateway.resources()).toMatchObject({ workers: 4, orphans: 0, recordings: { segments: 0 } });
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    for (const id of ['front', 'back']) {
      expect(filesOf(dir, id, '.part')).toEqual([]);
      const [line] = readFileSync(join(dir, id, 'index.jsonl'), 'utf8')
        .trim()
        .split('\n');
      const recording = JSON.parse(line ?? '') as Recording;
      expect(recording.frames).toBeGreaterThan(40);
      expectWhole(dir, id, [recording]);
      expectPlayed(join(dir, id, `${recording.id}.mkv`));
    }
  });
});

describe.skipIf(!ffmpegIsThere)('a gateway that is killed while it records (needs: ffmpeg)', () => {
  it('has lost no more than the picture it was writing, and serves nothing torn', async () => {
    const camera = await FfmpegCamera.start();
    const dir = temporaryFolder();
    const record = { dir, segmentSeconds: 2 };
    const file = configurationFile(
      JSON.stringify({ cameras: [{ id: 'front', source: camera.url, record }] }),
      'c.json',
    );
    for (let round = 0; round < 3; round += 1) {
      const before = round === 0 ? 0 : filesOf(dir, 'front', '.mkv').length;
      const gateway = await serve('--config', file);
      const seen = await eventually(
        'a segment, and a part of one',
        async () => ({ camera: await gateway.camera('front'), listed: await recordings(gateway, 'front') }),
        ({ camera: { recording }, listed }) =>
          listed.length > before && (recording?.frames ?? 0) - sumOf(listed.slice(before)) > 5,
      );
      gateway.process.signal('SIGKILL');
      await gateway.process.end();
      const again = await serve('--config', file);
      const mended = await eventually(
        'the part is repaired',
        () => recordings(again, 'front'),
        (listed) => listed.length > seen.listed.length,
      );
      // Whatever was complete still is, and nothing that was written is gone.
      expect(mended.slice(0, seen.listed.length)).toEqual(seen.listed);
      expect(sumOf(mended.slice(before))).toBeGreaterThanOrEqual(framesOf(seen.camera));
      expectWhole(dir, 'front', mended);
      expect(await again.stop()).toEqual({ code: 0, signal: null });
      expect(filesOf(dir, 'front', '.part')).toEqual([]);
    }
  });
});
