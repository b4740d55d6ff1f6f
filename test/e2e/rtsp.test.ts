/** A gateway before a camera that speaks RTSP, through a real ffmpeg, and what becomes of that ffmpeg. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { configurationFile } from './configuration-file.js';
import { eventually } from './eventually.js';
import { type GatewayProcess, serve } from './gateway-process.js';
import { childrenOf, isAlive, RtspCamera, rtspIsThere } from './rtsp-camera.js';
import { ViewerProcess } from './viewer-process.js';

async function gatewayOf(source: string, more: object = {}): Promise<GatewayProcess> {
  return serve(
    '--config',
    configurationFile(JSON.stringify({ cameras: [{ id: 'yard', source, ...more }] }), 'sluice.json'),
  );
}

/** Counts the gateway's children until the test is over. @returns the most that there were at once. */
function watchChildren({ process: { pid } }: GatewayProcess): () => number {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, childrenOf(pid).length);
  }, 20);
  onTestFinished(() => clearInterval(timer));
  return () => most;
}

const isIn = (state: string) => (camera: { readonly state: string }) => camera.state === state;

describe.skipIf(!rtspIsThere)('a gateway before an RTSP camera (needs: ffmpeg, the RTSP server of GStreamer)', () => {
  it('S1-31 has no ffmpeg before somebody watches, one for all who do, and none when they have left', async () => {
    const camera = await RtspCamera.start();
    const gateway = await gatewayOf(camera.url(), { lingerMs: 200 });
    expect(childrenOf(gateway.process.pid)).toEqual([]);
    const [first, last] = [new ViewerProcess(gateway, 'yard'), new ViewerProcess(gateway, 'yard')];
    const seen = await Promise.all([first.sees(10), last.sees(10)]);
    expect(seen.flat().every(({ whole }) => whole)).toBe(true);
    expect(childrenOf(gateway.process.pid)).toHaveLength(1);
    expect(await gateway.camera('yard')).toMatchObject({ state: 'live', source: camera.url(), attempts: 1 });
    await first.leave();
    await last.sees(last.frames.length + 5);
    expect(childrenOf(gateway.process.pid), 'one viewer has left, the other watches').toHaveLength(1);
    await last.leave();
    await eventually('ffmpeg is gone', () => childrenOf(gateway.process.pid).length === 0);
    await eventually('the camera is let go', () => camera.open === 0);
    expect(await eventually('idle', () => gateway.camera('yard'), isIn('idle'))).toMatchObject({ attempts: 1 });
    expect(await gateway.resources()).toMatchObject({ workers: 0, orphans: 0 });
    expect(camera).toMatchObject({ opened: 1, openMost: 1 });
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });

  it('S0-31 backs off while the camera is dead and is live again with it, with never two of ffmpeg', async () => {
    const camera = await RtspCamera.start();
    const gateway = await gatewayOf(camera.url());
    const most = watchChildren(gateway);
    const viewer = new ViewerProcess(gateway, 'yard');
    await viewer.sees(5);
    await camera.fail();
    await eventually('it backs off', () => gateway.camera('yard'), isIn('backingOff'));
    await eventually(
      'several tries',
      () => gateway.camera('yard'),
      ({ attempts }) => attempts >= 4,
    );
    expect(await gateway.camera('yard')).toMatchObject({ lastError: expect.stringContaining('Connection refused') });
    await camera.recover();
    await eventually('it is live', () => gateway.camera('yard'), isIn('live'));
    await viewer.sees(viewer.frames.length + 10);
    expect(most()).toBe(1);
    expect(camera.openMost).toBe(1);
    expect(await viewer.leave()).toBe(0);
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    expect(childrenOf(gateway.process.pid)).toEqual([]);
  });

  it('S0-28 is stale while the camera stands still, kills that ffmpeg and tries anew', async () => {
    const camera = await RtspCamera.start();
    const gateway = await gatewayOf(camera.url(), { staleMs: 500, firstFrameMs: 3_000 });
    const most = watchChildren(gateway);
    const viewer = new ViewerProcess(gateway, 'yard');
    await viewer.sees(5);
    const [before] = childrenOf(gateway.process.pid) as [number];
    camera.freeze();
    await eventually('it is stale', () => gateway.camera('yard'), isIn('stale'));
    expect(isAlive(before), 'stale is not yet given up').toBe(true);
    await eventually('that ffmpeg is gone', () => !isAlive(before));
    camera.thaw();
    await eventually('it is live', () => gateway.camera('yard'), isIn('live'));
    await viewer.sees(viewer.frames.length + 5);
    expect(most()).toBe(1);
    expect(await viewer.leave()).toBe(0);
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  });

  it('gives up at refused credentials, and shows none anywhere', async () => {
    const camera = await RtspCamera.start({ user: 'admin', password: 'r1ght' });
    const gateway = await gatewayOf(camera.url('/camera', { user: 'admin', password: 's3cret' }));
    const viewer = new ViewerProcess(gateway, 'yard');
    const failed = await eventually('it has failed', () => gateway.camera('yard'), isIn('failed'));
    expect(failed).toMatchObject({
      attempts: 1,
      source: camera.url('/camera', undefined).replace(/\/\/.*@/, '//'),
      lastError: expect.stringMatching(/^rtsp:\/\/127\.0\.0\.1:\d+\/camera: credentials refused \(status 401\)/),
    });
    await viewer.process.end();
    const said = JSON.stringify([failed, await gateway.events(), await gateway.tree()]);
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    expect(said + gateway.process.stdout + gateway.process.stderr).not.toMatch(/s3cret|admin:/);
  });

  it('is let in with the right ones', async () => {
    const camera = await RtspCamera.start({ user: 'admin', password: 'r1ght' });
    const gateway = await gatewayOf(camera.url());
    const viewer = new ViewerProcess(gateway, 'yard');
    await viewer.sees(3);
    await viewer.leave();
    await gateway.stop();
  });

  it('tries a path again that is not there', async () => {
    const camera = await RtspCamera.start();
    const gateway = await gatewayOf(camera.url('/other'));
    const viewer = new ViewerProcess(gateway, 'yard');
    const { lastError } = await eventually(
      'it has tried again',
      () => gateway.camera('yard'),
      ({ attempts }) => attempts >= 2,
    );
    expect(lastError).toContain('404 Not Found');
    expect(camera.openMost).toBe(1);
    await viewer.leave();
    await gateway.stop();
  });

  it.each(['flows', 'stands still'])(
    'S1-28 takes its ffmpeg with it when it is killed while the camera %s',
    async (how) => {
      const camera = await RtspCamera.start();
      const gateway = await gatewayOf(camera.url(), { staleMs: 500, firstFrameMs: 60_000 });
      const viewer = new ViewerProcess(gateway, 'yard');
      await viewer.sees(3);
      const [child] = childrenOf(gateway.process.pid) as [number];
      if (how === 'stands still') {
        camera.freeze();
        await eventually('no picture comes any more', () => gateway.camera('yard'), isIn('stale'));
      }
      gateway.process.signal('SIGKILL');
      await gateway.process.end();
      // Long before ffmpeg itself gives up on a silent camera.
      await eventually('ffmpeg is gone', () => !isAlive(child), Boolean, 3_000);
    },
  );
});
