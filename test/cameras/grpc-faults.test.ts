/** Faults of gRPC cameras that no status tells: frozen, mute, gone dark, unsteady; and a host that fails at their frames. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { GrpcCamera } from './grpc-camera.js';
import { CameraGateway, QUICK } from './grpc-gateway.js';

describe('a gRPC camera that stops showing', () => {
  it('S0-28 is stale while its stream is open without frames, then closed and opened again', async () => {
    const far = await GrpcCamera.start();
    await far.fault('one');
    const gateway = await CameraGateway.start({
      cameras: [{ id: 'front', source: far.url(), staleMs: 300, firstFrameMs: 600, retry: QUICK }],
    });
    gateway.keepEvents();
    const watched = gateway.watch();
    await watched.more();
    await expect.poll(() => gateway.state(), { interval: 10 }).toBe('stale');
    expect(gateway.gateway.cameras.isCameraConnected('front')).toBe(true);
    await watched.more(2);
    expect(gateway.events('camera.retrying')).toMatchObject([{ reason: 'no picture for 300 ms' }]);
    expect(await far.order({})).toMatchObject({ calls: 2, cancelled: 1, live: 1, mostLive: 1 });
    expect(watched.seqs.slice(0, 3)).toEqual([1, 2, 3]);
  });

  it('S0-28 S0-11 because its process is frozen is opened again when it thaws, and never twice at once', async () => {
    const far = await GrpcCamera.start();
    const gateway = await CameraGateway.start({
      channels: { connectMs: 300 },
      cameras: [{ id: 'front', source: far.url(), staleMs: 100, connectMs: 300, firstFrameMs: 200, retry: QUICK }],
    });
    gateway.keepEvents();
    const watched = gateway.watch();
    await watched.more();
    far.signal('SIGSTOP');
    await gateway.happened('camera.disconnected');
    expect(gateway.gateway.cameras.isCameraConnected('front')).toBe(false);
    far.signal('SIGCONT');
    await watched.more();
    expect(gateway.gateway.cameras.isCameraConnected('front')).toBe(true);
    // The attempts that a frozen camera never took up are as good as none.
    const seen = await far.sees(({ live, connections }) => live === 1 && connections === 1);
    expect(seen.mostLive).toBe(1);
    expect(seen.cancelled).toBe(seen.calls - 1);
  });

  it('S0-11 because the network between swallows everything leaves nothing on either side', async () => {
    const far = await GrpcCamera.start();
    const gateway = await CameraGateway.start({
      channels: { connectMs: 200 },
      cameras: [{ id: 'front', source: far.url(), staleMs: 100, firstFrameMs: 100, retry: QUICK }],
    });
    gateway.keepEvents();
    const watched = gateway.watch();
    await watched.more();
    await far.order({ dark: true });
    await gateway.happened('camera.disconnected');
    await far.order({ dark: false });
    await watched.more();
    const seen = await far.sees(({ live, connections }) => live === 1 && connections === 1);
    expect(seen.mostLive).toBe(1);
    expect(gateway.gateway.channels.counts).toMatchObject({ open: 1, leases: 1, calls: 1 });
  });
});

describe('a gRPC camera that accepts and never speaks', () => {
  it('S0-11 is given its time for a first frame, and its call is cancelled before the next', async () => {
    const far = await GrpcCamera.start();
    await far.fault('mute', 2);
    const gateway = await CameraGateway.start({
      cameras: [{ id: 'front', source: far.url(), firstFrameMs: 500, retry: QUICK }],
    });
    gateway.keepEvents();
    await gateway.watch().more();
    expect(gateway.events('camera.retrying').map(({ reason }) => reason)).toEqual(
      Array(2).fill('no first picture within 500 ms'),
    );
    expect(await far.order({})).toMatchObject({ calls: 3, cancelled: 2, live: 1, mostLive: 1, accepted: 1 });
  });
});

describe('a gRPC camera whose process dies', () => {
  it('S0-17 S0-24 is found again on its next life, over a new channel', async () => {
    const far = await GrpcCamera.start();
    const gateway = await CameraGateway.start({
      cameras: [{ id: 'front', source: far.url(), retry: QUICK }],
    });
    gateway.keepEvents();
    const watched = gateway.watch();
    await watched.more();
    await far.kill();
    await gateway.happened('camera.disconnected');
    expect(gateway.gateway.channels.counts).toMatchObject({ leases: 0, calls: 0 });
    const port = Number(far.target.split(':')[1]);
    const again = await GrpcCamera.start(port);
    await watched.more();
    expect(again.seen.mostLive).toBe(1);
  });
});

describe('a gRPC camera on an unsteady connection', () => {
  it('S0-30 S0-31 S0-15 leaves, after a hundred ends of every kind, what was there before the first', async () => {
    const far = await GrpcCamera.start();
    await far.order({ everyMs: 1 });
    const gateway = await CameraGateway.start({
      cameras: [
        { id: 'front', source: far.url(), lingerMs: 0, retry: { attempts: 3, delayMs: 2, slowMs: 2, slowMaxMs: 4 } },
      ],
    });
    const { gateway: running } = gateway;
    const figures = () => {
      const { workers, timers, viewers, streams, actors, monitors, orphans } = running.resources();
      const { leases, calls } = running.channels.counts ?? {};
      return { workers, viewers, streams, actors: actors.total, monitors, orphans, leases, calls, timers };
    };
    const before = figures();
    const faults = ['UNAVAILABLE', 'end', 'endLater', 'reset', 'garbage', 'UNAUTHENTICATED'];
    let retries = 0;
    let overlap = 0;
    gateway.keepEvents(({ type }) => {
      if (type !== 'camera.retrying') return;
      retries += 1;
      const { leases, calls, workers } = figures();
      if (leases || calls || workers) overlap += 1;
      void far.fault(faults[retries % faults.length] as string);
    });
    await far.fault('reset');
    const watched = gateway.watch();
    await gateway.until(() => retries >= 100);
    watched.leave();
    await far.sees(({ live }) => live === 0);
    await expect.poll(() => gateway.state()).toBe('idle');
    // An idle channel, where one is left, has a timer of its own.
    await expect.poll(() => ({ ...figures(), timers: 0 })).toEqual({ ...before, timers: 0 });
    expect(figures().timers).toBeLessThanOrEqual(before.timers + 1);
    expect(overlap).toBe(0);
    expect(far.seen.mostLive).toBe(1);
    // In order over all of it: numbers rise by one, whichever attempt they came from.
    expect(watched.seqs).toEqual(watched.seqs.map((_, index) => index + 1));
  });
});

describe("a host's function that sees every frame", () => {
  it('S0-26 S0-34 may fail: it is logged with the camera, and the frames go on, also for others', async () => {
    const far = await GrpcCamera.start();
    const gateway = await CameraGateway.start({ cameras: [{ id: 'front', source: far.url() }] });
    gateway.keepEvents();
    const tried: number[] = [];
    const undo = gateway.gateway.cameras.process('front', async ({ seq }) => {
      tried.push(seq);
      if (seq % 3 === 0) throw new Error(`cannot see ${seq}`);
      if (seq % 3 === 1) await Promise.reject(new TypeError('no model'));
    });
    onTestFinished(undo);
    const other = gateway.watch();
    await other.more(10);
    undo();
    expect(tried.slice(0, 9)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(other.seqs.slice(0, 9)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(gateway.state()).toBe('live');
    // Said at once, and then not for each: a function that is simply wrong does not fill the log.
    const lines = gateway.log.filter(({ msg }) => msg === 'frame.failed');
    expect(lines[0]).toMatchObject({ camera: 'front', seq: 1, failures: 1, reason: 'TypeError: no model', level: 40 });
    expect(lines.length).toBeLessThan(tried.length / 2);
  });

  it('S0-26 may be slow: frames are dropped before it, the oldest first, and delay nobody', async () => {
    const far = await GrpcCamera.start();
    const gateway = await CameraGateway.start({ cameras: [{ id: 'front', source: far.url(), queueFrames: 2 }] });
    const seen: number[] = [];
    let finish: () => void = () => {};
    let ended: AbortSignal | undefined;
    const undo = gateway.gateway.cameras.process('front', ({ seq }, signal) => {
      seen.push(seq);
      ended = signal;
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    const other = gateway.watch();
    await other.more(20);
    expect(seen).toEqual([1]);
    finish();
    await gateway.until(() => seen.length === 2);
    // The two that wait are the newest.
    expect(seen[1]).toBeGreaterThan(15);
    expect(ended?.aborted).toBe(false);
    undo();
    expect(ended?.aborted).toBe(true);
    finish();
    other.leave();
  });
});

describe('what is logged of a gRPC camera', () => {
  it('S0-34 S0-17 is its retries, the end of them, and its closing, by its name', async () => {
    const far = await GrpcCamera.start();
    await far.fault('UNAVAILABLE', 2);
    const gateway = await CameraGateway.start({
      cameras: [{ id: 'front', source: far.url(), lingerMs: 0, retry: { attempts: 2, ...QUICK } }],
    });
    gateway.keepEvents();
    const watched = gateway.watch();
    await watched.more();
    watched.leave();
    await gateway.happened('camera.closed', 3);
    const lines = gateway.log.filter(({ msg }) => String(msg).startsWith('camera.'));
    const reason = `${far.url()}: UNAVAILABLE: no, nobody`;
    const front = { camera: 'front', kind: 'camera', actor: 'sluice/cameras/camera:front' };
    expect(lines).toMatchObject([
      { ...front, msg: 'camera.closed', attempt: 1, level: 30 },
      { ...front, msg: 'camera.retrying', attempt: 1, delayMs: 20, reason, level: 40 },
      { ...front, msg: 'camera.closed', attempt: 2 },
      { ...front, msg: 'camera.disconnected', attempt: 2, reason, level: 40 },
      { ...front, msg: 'camera.retrying', attempt: 2, delayMs: 40, reason },
      { ...front, msg: 'camera.closed', attempt: 3 },
    ]);
  });
});
