import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../src/gateway/gateway-error.js';
import { frameInbox, serve } from './harness.js';
import { frame, RecordedGateway } from './recorded-gateway.js';

async function watching(request: object = { cameraId: 'front' }, gateway = new RecordedGateway(), options = {}) {
  const harness = await serve(gateway.asGateway());
  const inbox = frameInbox();
  const stream = harness.client().watch(request, inbox.listener, options);
  return { gateway, harness, inbox, stream };
}

describe('a viewer', () => {
  it('gets the frames as the gateway encoded them, in order', async () => {
    const { gateway, inbox } = await watching();
    await inbox.opened;
    const frames = [frame(1), frame(2, 300_000), frame(3)];
    for (const one of frames) {
      await new Promise<void>((resolve, reject) => {
        gateway.frames?.write(one, (error) => (error ? reject(error) : resolve()));
      });
    }
    for (const { message: _message, ...content } of frames) expect(await inbox.next()).toEqual(content);
  });

  it('learns that it is in before the first frame', async () => {
    const { inbox } = await watching();
    await inbox.opened;
  });

  it('is attached to the client that its metadata names', async () => {
    const { gateway, inbox } = await watching(
      { cameraId: 'front', maxFps: 2.5, overflow: 'latest' },
      new RecordedGateway(),
      { nodeId: 'edge-1' },
    );
    await inbox.opened;
    expect(gateway.watched).toEqual([
      { request: { cameraId: 'front', maxFps: 2.5, overflow: 'latest' }, nodeId: 'edge-1' },
    ]);
  });

  it('leaves what it does not ask for to the camera, and has no client unless it names one', async () => {
    const { gateway, inbox } = await watching();
    await inbox.opened;
    expect(gateway.watched).toEqual([{ request: { cameraId: 'front' }, nodeId: undefined }]);
  });

  it.each([
    ['no camera', { cameraId: '' }, /^invalid_argument: camera_id /],
    ['a negative rate', { cameraId: 'front', maxFps: -1 }, /^invalid_argument: max_fps .* was -1$/],
    ['a rate that is no number', { cameraId: 'front', maxFps: Number.NaN }, /^invalid_argument: max_fps .* was NaN$/],
    ['an endless rate', { cameraId: 'front', maxFps: Infinity }, /^invalid_argument: max_fps .* was Infinity$/],
    [
      'an unknown policy',
      { cameraId: 'front', overflow: 'drop' },
      /^invalid_argument: overflow .*latest.* was "drop"$/,
    ],
  ])('is refused for %s, by the name of the field', async (_what, request, details) => {
    const { gateway, inbox } = await watching(request);
    expect(await inbox.ended).toMatchObject({ code: Code.INVALID_ARGUMENT, details: expect.stringMatching(details) });
    expect(gateway.told).toEqual([]);
  });

  it('of a camera that does not exist gets NOT_FOUND', async () => {
    const gateway = new RecordedGateway();
    gateway.admission = () => Promise.reject(new GatewayError('camera_not_found', 'there is no camera "back"'));
    const { inbox } = await watching({ cameraId: 'back' }, gateway);
    expect(await inbox.ended).toMatchObject({
      code: Code.NOT_FOUND,
      details: 'camera_not_found: there is no camera "back"',
    });
  });

  it('that cancels is told as such, once', async () => {
    const { gateway, inbox, stream } = await watching();
    await inbox.opened;
    stream.cancel();
    await gateway.hears('cancelled');
    expect(gateway.told).toEqual(['watch', 'watching', 'cancelled']);
  });

  it('whose deadline passes is told as such', async () => {
    const { gateway, inbox } = await watching({ cameraId: 'front' }, new RecordedGateway(), { deadlineMs: 300 });
    expect((await inbox.ended).code).toBe(Code.DEADLINE_EXCEEDED);
    await gateway.hears('watching');
    await vi.waitFor(() => expect(gateway.told).toHaveLength(3));
    // Client and server run the same deadline; whoever is first decides what the server sees.
    expect(['deadline exceeded', 'cancelled']).toContain(gateway.told[2]);
  });

  it('that the gateway ends gets the reason as its status, after the last frame', async () => {
    const { gateway, inbox } = await watching();
    await inbox.opened;
    gateway.frames?.write(frame(1), () => {});
    gateway.frames?.end({ shutdown: 'drain' });
    gateway.frames?.end('normal');
    expect((await inbox.next()).seq).toBe(1);
    const status = await inbox.ended;
    expect(status).toMatchObject({ code: Code.UNAVAILABLE, details: expect.stringMatching(/^draining: /) });
    expect(status.metadata.get('grpc-retry-pushback-ms')).toEqual(['1000']);
    expect(gateway.told).toEqual(['watch', 'watching']);
  });
});

describe('a viewer that does not read', () => {
  async function stuffed() {
    const all = await watching();
    await all.inbox.opened;
    all.stream.pause();
    let taken = 0;
    const write = (): void =>
      all.gateway.frames?.write(frame(taken + 1, 1024 * 1024), (error) => {
        if (error) return;
        taken++;
        write();
      });
    write();
    await untilStill(() => taken);
    return { ...all, taken: () => taken };
  }

  it('is given what its window holds, and no more until that is taken', async () => {
    const { inbox, stream, taken } = await stuffed();
    const takenWhilePaused = taken();
    expect(takenWhilePaused).toBeLessThan(40);
    stream.resume();
    while (taken() < takenWhilePaused + 20) await inbox.next();
  });

  it('and is ended for it loses its call, although no status reaches it', async () => {
    const { gateway, harness, inbox } = await stuffed();
    gateway.frames?.end({ shutdown: 'slow_consumer' });
    expect((await inbox.ended).code).toBe(Code.RESOURCE_EXHAUSTED);
    // Nothing is left of it: a stop has nothing to wait for.
    await harness.server.stop(60_000);
  });
});

describe('a camera served to another gateway', () => {
  async function produce(cameraId: string | undefined, gateway: RecordedGateway) {
    const { client } = await serve(gateway.asGateway());
    const inbox = frameInbox();
    client().produceCameraStream(cameraId, inbox.listener, { nodeId: 'other' });
    return inbox;
  }

  it('is the only one there is', async () => {
    const gateway = new RecordedGateway();
    const inbox = await produce(undefined, gateway);
    await inbox.opened;
    gateway.frames?.write(frame(1), () => {});
    expect(await inbox.next()).toMatchObject({ cameraId: 'front', seq: 1 });
    expect(gateway.watched).toEqual([{ request: { cameraId: 'front' }, nodeId: 'other' }]);
  });

  it('has to be named where there are several', async () => {
    const gateway = new RecordedGateway();
    gateway.setCamera('back', 'live');
    const inbox = await produce(undefined, gateway);
    expect(await inbox.ended).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: 'invalid_argument: the metadata x-camera-id must name one of 2 cameras, but was absent',
    });
  });

  it('is the one that is named', async () => {
    const gateway = new RecordedGateway();
    gateway.setCamera('back', 'live');
    const inbox = await produce('back', gateway);
    await inbox.opened;
    expect(gateway.watched[0]?.request).toEqual({ cameraId: 'back' });
  });

  it('is NOT_FOUND where there is none', async () => {
    const gateway = new RecordedGateway();
    gateway.cameraList = [];
    const inbox = await produce(undefined, gateway);
    expect(await inbox.ended).toMatchObject({
      code: Code.NOT_FOUND,
      details: expect.stringMatching(/^camera_not_found: /),
    });
  });
});

/** Resolves when `count` has not changed for a while: the wire is full. */
async function untilStill(count: () => number): Promise<void> {
  for (let before = -1; count() !== before; ) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
