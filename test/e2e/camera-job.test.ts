/** The main job, on a real camera and with everybody in a process of their own. */
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { CameraView, SessionView, TreeView } from '../../src/gateway/views.js';
import { configurationFile } from './configuration-file.js';
import { eventually } from './eventually.js';
import { FfmpegCamera, ffmpegIsThere } from './ffmpeg-camera.js';
import { type GatewayProcess, serve } from './gateway-process.js';
import { stuckViewer } from './stuck-viewer.js';
import { type SeenFrame, ViewerProcess } from './viewer-process.js';

describe.skipIf(!ffmpegIsThere)(
  'a gateway between a camera that is a real ffmpeg and viewers in processes of their own (needs: ffmpeg)',
  () => {
    it('S0-32 gives 30 whole pictures in order to three viewers from one upstream connection', async () => {
      const camera = await FfmpegCamera.start();
      const gateway = await serve('--camera', `yard=${camera.url}`);
      expect(camera.opened, 'an on-demand camera is left alone').toBe(0);

      const viewers = ['', '', 'desk'].map((nodeId) => new ViewerProcess(gateway, 'yard', nodeId));
      const seen = await Promise.all(viewers.map((viewer) => viewer.sees(30)));
      const missed = (await gateway.streams()).reduce((sum, { drops }) => sum + drops, 0);

      for (const frames of seen) {
        expect(frames.every(({ whole }) => whole)).toBe(true);
        expect(inOrder(frames)).toBe(true);
      }
      // A picture that is not there was dropped, and a drop is counted.
      expect(seen.reduce((sum, frames) => sum + gapsIn(frames), 0)).toBeLessThanOrEqual(missed);
      // The same number is the same picture for everybody, and no picture is there twice.
      const pictures = new Map<number, Set<string>>();
      for (const { seq, digest } of seen.flat()) pictures.set(seq, (pictures.get(seq) ?? new Set()).add(digest));
      expect([...pictures.values()].every((digests) => digests.size === 1)).toBe(true);
      expect(new Set([...pictures.values()].flatMap((digests) => [...digests])).size).toBe(pictures.size);
      expect({ opened: camera.opened, openMost: camera.openMost }).toEqual({ opened: 1, openMost: 1 });
      expect(await gateway.camera('yard')).toMatchObject({ state: 'live', viewers: 3, attempts: 1 });

      expect(await Promise.all(viewers.map((viewer) => viewer.leave()))).toEqual([0, 0, 0]);
      await gateway.hasNobody();
      expect(await gateway.stop()).toEqual({ code: 0, signal: null });
      expect(gateway.process.stderr).toBe('sluice serve: SIGTERM, draining; again to end now\n');
    });

    it('S3-9 tells of the end of a viewer that is killed, and holds nothing of it', async () => {
      const camera = await FfmpegCamera.start();
      const gateway = await serve('--camera', `yard=${camera.url}`);
      const stays = new ViewerProcess(gateway, 'yard', 'stays');
      const dies = new ViewerProcess(gateway, 'yard', 'dies');
      await Promise.all([stays.sees(5), dies.sees(5)]);
      expect((await gateway.clients()).map(({ nodeId }) => nodeId).sort()).toEqual(['dies', 'stays']);
      expect(await gateway.resources()).toMatchObject({ clients: 2, client_streams: 2, sessions: 2, viewers: 2 });

      dies.process.signal('SIGKILL');
      expect(await dies.process.end()).toEqual({ code: null, signal: 'SIGKILL' });
      const downs = await eventually(
        'the end of the client, on /api/events',
        async () =>
          (await gateway.events()).filter(({ type, actor }) => type === 'process.down' && actor.includes(':dies')),
        (events) =>
          events.some(({ actor }) => actor.endsWith('/client')) && events.some(({ actor }) => actor.includes('/watch')),
      );
      for (const { reason } of downs) expect(reason).toMatch(/^shutdown(: \w+)?$/);
      expect(downs.map(({ reason }) => reason)).toContain('shutdown: cancelled');

      expect(await gateway.resources()).toMatchObject({
        clients: 1,
        client_streams: 1,
        viewers: 1,
        orphans: 0,
      });
      expect((await gateway.clients()).map(({ nodeId }) => nodeId)).toEqual(['stays']);
      expect(new Set((await gateway.streams()).map(({ nodeId }) => nodeId))).toEqual(new Set(['stays']));
      expect(pathsIn(await gateway.tree()).filter((path) => /:dies\/(?!keeper)/.test(path))).toEqual([]);
      // It may come back within its grace; that is all that is left of it.
      const { sessions } = await gateway.json<{ sessions: SessionView[] }>('/api/sessions');
      expect(sessions.map(({ nodeId, state }) => `${nodeId} ${state}`).sort()).toEqual([
        'dies grace',
        'stays connected',
      ]);

      // The one that stays was not disturbed by it.
      await stays.sees(stays.frames.length + 15);
      expect(inOrder(stays.frames)).toBe(true);
      expect(await stays.leave()).toBe(0);
      expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    });

    it('S0-10 backs off while ffmpeg is dead and is live again with it, with never two attempts alive', async () => {
      const camera = await FfmpegCamera.start();
      const gateway = await serve('--camera', `yard=${camera.url}`);
      const viewer = new ViewerProcess(gateway, 'yard', 'desk');
      await viewer.sees(5);

      const polled: CameraView[] = [];
      const yard = async (): Promise<CameraView> => {
        const view = await gateway.camera('yard');
        polled.push(view);
        return view;
      };
      await camera.fail();
      await eventually('the camera backs off', yard, ({ state }) => state === 'backingOff');
      await eventually(
        'the fast lane is spent',
        () => gateway.events(),
        (events) => events.some(({ type, detail }) => type === 'camera.disconnected' && detail?.['camera'] === 'yard'),
      );
      expect(await yard()).toMatchObject({ viewers: 1, lastError: expect.stringMatching(/ECONNREFUSED|closed|ended/) });
      const before = viewer.frames;
      await camera.recover();
      await eventually('the camera is live', yard, ({ state }) => state === 'live');
      await viewer.sees(before.length + 30);

      const after = viewer.frames;
      expect(inOrder(after)).toBe(true);
      expect(after.every(({ whole }) => whole)).toBe(true);
      // Over the gap, too, each picture is one more: nothing was invented and nothing is counted twice.
      expect(after[before.length]?.seq).toBe((before.at(-1)?.seq as number) + 1);
      const attempts = polled.map((view) => view.attempts);
      expect(attempts).toEqual([...attempts].sort((a, b) => a - b));
      expect({ opened: camera.opened, openMost: camera.openMost }).toEqual({ opened: 2, openMost: 1 });
      expect((await gateway.events()).filter(({ type }) => type === 'process.restarted')).toEqual([]);
      expect(await viewer.leave()).toBe(0);
      expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    });

    it('S0-11 leaves a camera that stands still before it tries anew: never are two attempts alive', async () => {
      const camera = await FfmpegCamera.start();
      const cameras = [{ id: 'yard', source: camera.url, staleMs: 500, firstFrameMs: 3_000 }];
      const gateway = await serve('--config', configurationFile(JSON.stringify({ cameras }), 'sluice.json'));
      const viewer = new ViewerProcess(gateway, 'yard', 'desk');
      const before = await viewer.sees(5);

      camera.freeze();
      await eventually(
        'the camera is stale',
        () => gateway.camera('yard'),
        ({ state }) => state === 'stale',
      );
      expect(camera.open, 'stale is not yet given up').toBe(1);
      await viewer.sees(before.length + 30);
      expect(inOrder(viewer.frames)).toBe(true);
      expect(camera.opened).toBeGreaterThan(1);
      expect({ open: camera.open, openMost: camera.openMost }).toEqual({ open: 1, openMost: 1 });
      expect(await gateway.camera('yard')).toMatchObject({ state: 'live', attempts: camera.opened });
      expect(await viewer.leave()).toBe(0);
      expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    });

    it('S1-4 closes the upstream connection when the last viewer has left and the linger is over', async () => {
      const camera = await FfmpegCamera.start();
      const gateway = await serve('--camera', `yard=${camera.url}`);
      const [first, last] = [new ViewerProcess(gateway, 'yard'), new ViewerProcess(gateway, 'yard')];
      await Promise.all([first.sees(3), last.sees(3)]);
      expect(await first.leave()).toBe(0);
      await last.sees(last.frames.length + 10);
      expect(camera.open, 'one of two has left').toBe(1);

      const leftAt = Date.now();
      expect(await last.leave()).toBe(0);
      await eventually(
        'the camera lingers',
        () => gateway.camera('yard'),
        ({ state }) => state === 'lingering',
      );
      expect(camera.open, 'it lingers').toBe(1);
      await eventually(
        'the upstream connection is closed',
        () => camera.open,
        (open) => open === 0,
      );
      // The default linger of 5 s is not cut short.
      expect(Date.now() - leftAt).toBeGreaterThan(4_900);
      await eventually(
        'the camera is idle',
        () => gateway.camera('yard'),
        ({ state }) => state === 'idle',
      );
      expect(await gateway.resources()).toMatchObject({ workers: 0, viewers: 0, orphans: 0 });
      expect(camera.opened).toBe(1);
      expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    });

    it('ends on SIGTERM with 0: not ready while it drains, each viewer told, the camera let go', async () => {
      const camera = await FfmpegCamera.start();
      const gateway = await serve('--camera', `yard=${camera.url}`);
      const viewers = ['desk', 'door', ''].map((nodeId) => new ViewerProcess(gateway, 'yard', nodeId));
      await Promise.all(viewers.map((viewer) => viewer.sees(5)));
      // What waits for one that does not read takes its second: long enough to see what is said meanwhile.
      await stuckViewer(gateway, 'yard');

      const readiness: string[] = [];
      const asking = (async () => {
        while (readiness.at(-1) !== 'gone') readiness.push(await readinessOf(gateway));
      })();
      await eventually('it is ready', () => readiness.length > 0);
      const began = Date.now();
      expect(await gateway.stop('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(Date.now() - began).toBeLessThan(10_000);
      await asking;

      for (const viewer of viewers) {
        expect((await viewer.process.end()).code, 'the stream was ended by the gateway').toBe(3);
        expect(viewer.end).toMatchObject({ code: Code.UNAVAILABLE, details: expect.stringContaining('drain') });
        expect(inOrder(viewer.frames)).toBe(true);
      }
      for (const viewer of viewers.slice(0, 2)) {
        const byes = viewer.lines.filter(({ type }) => type === 'bye');
        expect(byes).toEqual([{ type: 'bye', reason: 'drain', reconnect: true }]);
      }
      // Ready, then not ready, then gone; never ready again.
      expect(readiness.filter((status, at) => status !== readiness[at - 1])).toEqual([
        '200 ready',
        '503 draining',
        'gone',
      ]);
      await eventually(
        'the upstream connection is closed',
        () => camera.open,
        (open) => open === 0,
      );
    });
  },
);

async function readinessOf({ http }: GatewayProcess): Promise<string> {
  try {
    const response = await fetch(`${http}/readyz`);
    return `${response.status} ${(await response.text()).trim()}`;
  } catch {
    return 'gone';
  }
}

function inOrder(frames: readonly SeenFrame[]): boolean {
  return frames.every(({ seq }, at) => at === 0 || seq > (frames[at - 1] as SeenFrame).seq);
}

function gapsIn(frames: readonly SeenFrame[]): number {
  return frames.reduce((gaps, { seq }, at) => (at === 0 ? 0 : gaps + seq - (frames[at - 1] as SeenFrame).seq - 1), 0);
}

function pathsIn({ id, children }: TreeView): string[] {
  return [id, ...children.flatMap(pathsIn)];
}
