/** A gateway with gRPC cameras in another process: one channel, one attempt at a time, and nothing left of any. */
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { clientOf, frameInbox } from '../grpc/harness.js';
import { GrpcCamera } from './grpc-camera.js';
import { CameraGateway, QUICK } from './grpc-gateway.js';

describe('ten cameras of one process', () => {
  it('S0-1 S0-2 S0-3 S0-8 S0-20 share one connection, made for the first; one that closes takes its own call only', async () => {
    const far = await GrpcCamera.start();
    const ids = Array.from({ length: 10 }, (_, index) => `camera-${index}`);
    const gateway = await CameraGateway.start({
      cameras: ids.map((id) => ({ id, source: far.url(id), lingerMs: 0 })),
    });
    expect(far.seen).toMatchObject({ accepted: 0, calls: 0 });
    const watched = ids.map((id) => gateway.watch(id));
    await Promise.all(watched.map(({ more }) => more(3)));
    expect(await far.order({})).toMatchObject({ accepted: 1, calls: 10, live: 10, mostLive: 1 });
    // An open stream is counted on both sides.
    expect(gateway.gateway.channels.views()).toMatchObject([{ target: far.target, leases: 10, calls: 10 }]);
    expect(gateway.gateway.resources()).toMatchObject({ channels: 1, workers: 10 });
    watched[3]?.leave();
    await far.sees(({ live }) => live === 9);
    expect(far.seen).toMatchObject({ cancelled: 1, connections: 1 });
    await Promise.all(watched.filter((_, index) => index !== 3).map(({ more }) => more(2)));
    expect(gateway.gateway.channels.views()).toMatchObject([{ leases: 9, calls: 9 }]);
    // Each has its own, in order and without a gap.
    for (const [index, { texts, seqs }] of watched.entries()) {
      expect(texts).toEqual(seqs.map((_, at) => `camera-${index} ${at + 1}`));
      expect(seqs).toEqual(seqs.map((_, at) => at + 1));
    }
  });

  it('S0-5 S0-24 connect again by themselves after nobody wanted any of them for long', async () => {
    const far = await GrpcCamera.start();
    const gateway = await CameraGateway.start({
      channels: { idleMs: 50 },
      cameras: [{ id: 'front', source: far.url(), lingerMs: 0 }],
    });
    const first = gateway.watch();
    await first.more();
    first.leave();
    await far.sees(({ live, connections }) => live === 0 && connections === 0);
    await gateway.watch().more();
    expect(await far.order({})).toMatchObject({ accepted: 2, calls: 2, live: 1, mostLive: 1 });
  });
});

describe('a gRPC camera on demand', () => {
  it('S0-35 S0-33 S0-22 S0-23 has a source while it is wanted, and none before and after', async () => {
    const far = await GrpcCamera.start();
    const { gateway, state, watch } = await over(far, { lingerMs: 0 });
    const { cameras } = gateway;
    const absent = (): void => {
      expect(gateway.resources()).toMatchObject({ workers: 0 });
      expect(gateway.channels.counts).toMatchObject({ leases: 0, calls: 0 });
      expect(cameras.isCameraConnected('front')).toBe(false);
    };
    absent();
    const timers = gateway.resources().timers;
    const watched = watch();
    expect(cameras.isCameraConnected('front')).toBe(false);
    await watched.more();
    expect(cameras.isCameraConnected('front')).toBe(true);
    expect(gateway.resources()).toMatchObject({ workers: 1, viewers: 1 });
    watched.leave();
    await far.sees(({ live, cancelled }) => live === 0 && cancelled === 1);
    await expect.poll(state).toBe('idle');
    absent();
    // The channel waits for the next use, and that is all.
    expect(gateway.resources().timers).toBe(timers + 1);
    expect(cameras.isCameraConnected('nobody')).toBe(false);
  });

  it('S0-27 S0-25 ends its stream at the camera when the gateway stops', async () => {
    const far = await GrpcCamera.start();
    const { gateway, watch } = await over(far);
    await watch().more();
    await gateway.stop();
    await far.sees(({ live, connections }) => live === 0 && connections === 0);
    expect(far.seen).toMatchObject({ calls: 1, cancelled: 1 });
  });
});

describe('a gRPC camera that refuses', () => {
  it('S0-9 S0-10 S0-12 S0-16 is tried three times half a second apart, and a third that succeeds disconnects nobody', async () => {
    const far = await GrpcCamera.start();
    await far.fault('UNAVAILABLE', 2);
    const { gateway, watch, happened, events } = await over(far, { retry: {} });
    const watched = watch();
    await watched.more(2);
    await happened('camera.retrying', 2);
    expect(events('camera.retrying')).toMatchObject([
      { reason: `${far.url()}: UNAVAILABLE: no, nobody`, detail: { camera: 'front', attempt: 1, delayMs: 500 } },
      { detail: { attempt: 2, delayMs: 500 } },
    ]);
    expect(events('camera.disconnected')).toEqual([]);
    expect(await far.order({})).toMatchObject({ calls: 3, live: 1, mostLive: 1 });
    expect(gateway.cameras.views()).toMatchObject([{ attempts: 3, state: 'live' }]);
  });

  it('S0-13 S0-31 disconnects once when its tries are spent, with nothing left of any, and is tried on slowly', async () => {
    const far = await GrpcCamera.start();
    await far.fault('UNAVAILABLE', 6);
    const left: unknown[] = [];
    const { gateway, watch, happened, events } = await over(far, { retry: { attempts: 3, ...QUICK } }, ({ type }) => {
      if (type !== 'camera.retrying' && type !== 'camera.disconnected') return;
      const { leases, calls } = gateway.channels.counts ?? {};
      left.push({ leases, calls, workers: gateway.resources().workers });
    });
    const watched = watch();
    await watched.more();
    await happened('camera.retrying', 6);
    expect(events('camera.disconnected')).toHaveLength(1);
    expect(events('camera.disconnected')).toMatchObject([{ detail: { attempt: 3 } }]);
    expect(events('camera.retrying').map(({ detail }) => detail?.['delayMs'])).toEqual([20, 20, 40, 80, 80, 80]);
    expect(left).toEqual(Array(7).fill({ leases: 0, calls: 0, workers: 0 }));
    // Whoever watched is still there.
    expect(gateway.cameras.views()).toMatchObject([{ state: 'live', viewers: 1, attempts: 7 }]);
    expect(far.seen.mostLive).toBe(1);
  });

  it('S0-6 as unauthenticated is tried again with other credentials, which no log shows', async () => {
    const far = await GrpcCamera.start();
    await far.fault('UNAUTHENTICATED');
    const gateway = await CameraGateway.start({
      cameras: [{ id: 'front', source: far.url(), retry: QUICK }],
      grpcCameras: { credentials: ({ refused }) => (refused ? 'fresh-s3cret' : 'stale-s3cret') },
    });
    await gateway.watch().more();
    expect(far.seen).toMatchObject({ calls: 2, tokens: ['Bearer stale-s3cret', 'Bearer fresh-s3cret'] });
    expect(JSON.stringify([gateway.log, gateway.gateway.cameras.views()])).not.toContain('s3cret');
  });

  it('S0-12 S0-13 for good is not tried again, is disconnected once, and its viewers are told', async () => {
    const far = await GrpcCamera.start();
    await far.fault('NOT_FOUND', 9);
    const { address, state, gateway, events } = await over(far, { retry: QUICK });
    const inbox = frameInbox();
    clientOf(address).watch({ cameraId: 'front' }, inbox.listener);
    expect(await inbox.ended).toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/^source_failed: /),
    });
    expect(state()).toBe('failed');
    expect(events('camera.disconnected')).toMatchObject([
      { detail: { camera: 'front', attempt: 1 }, reason: expect.any(String) },
    ]);
    expect(events('camera.retrying')).toEqual([]);
    expect(await far.order({})).toMatchObject({ calls: 1, live: 0 });
    expect(gateway.resources()).toMatchObject({ workers: 0, viewers: 0 });
    expect(gateway.channels.counts).toMatchObject({ leases: 0, calls: 0 });
  });

  it('S0-16 is not tried any more when nobody wants it', async () => {
    const far = await GrpcCamera.start();
    await far.fault('UNAVAILABLE', 1_000);
    const { watch, happened, state } = await over(far, { retry: { attempts: 1, delayMs: 5, slowMs: 5, slowMaxMs: 5 } });
    const { leave } = watch();
    await happened('camera.retrying', 5);
    leave();
    await expect.poll(state).toBe('idle');
    const { calls } = await far.order({});
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await far.order({})).toMatchObject({ calls, live: 0 });
  });
});

type CameraKeys = NonNullable<NonNullable<Parameters<typeof CameraGateway.start>[0]['cameras']>[number]>;

/** A gateway with the camera `front` of this server, whose events are kept. */
async function over(
  far: GrpcCamera,
  keys: Partial<CameraKeys> = {},
  onEvent?: Parameters<CameraGateway['keepEvents']>[0],
) {
  const gateway = await CameraGateway.start({ cameras: [{ id: 'front', source: far.url(), ...keys }] });
  gateway.keepEvents(onEvent);
  return {
    gateway: gateway.gateway,
    address: gateway.address,
    log: gateway.log,
    state: () => gateway.state(),
    watch: () => gateway.watch(),
    happened: (type: string, count?: number) => gateway.happened(type, count),
    events: (type: string) => gateway.events(type),
  };
}
