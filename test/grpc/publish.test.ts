/** Devices that publish what they see, over the wire, into a running gateway. */
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { GatewayHostOptions, SluiceGateway } from '../../src/create-gateway.js';
import type { FrameContent } from '../../src/grpc/frame-codec.js';
import { clientOf, frameInbox } from './harness.js';
import { device } from './publishing-device.js';
import { rawClient, statusOf } from './raw-calls.js';
import { runGateway } from './running-gateway.js';

const PUSHED: GatewayHostOptions = { cameras: [{ id: 'door', source: 'push:', staleMs: 60_000 }] };

const textOf = ({ picture }: FrameContent): string => picture.toString();

/** Everything of a device and its viewers is gone; the gateway is as it was. */
async function nobody(gateway: SluiceGateway): Promise<void> {
  await expect
    .poll(() => gateway.resources())
    .toMatchObject({ clients: 0, client_streams: 0, streams: 0, sessions: 0, viewers: 0, orphans: 0 });
}

async function viewer(address: string, gateway: SluiceGateway) {
  const before = gateway.resources().viewers;
  const inbox = frameInbox();
  const stream = clientOf(address).watch({ cameraId: 'door' }, inbox.listener);
  await expect.poll(() => gateway.resources().viewers).toBe(before + 1);
  return { inbox, cancel: () => stream.cancel() };
}

const stateOf = (gateway: SluiceGateway): string | undefined => gateway.cameras.views()[0]?.state;

describe('a device that publishes while somebody watches', () => {
  it('is seen byte for byte, numbered by the gateway, in its own time, and told how it went', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const watching = await viewer(address, gateway);
    const camera = device(address, { nodeId: 'door-1' });
    await camera.send({
      cameraId: 'door',
      seq: 7_000,
      timestampMs: 1_234,
      contentType: 'image/png',
      picture: Buffer.from('one'),
    });
    expect(await watching.inbox.next()).toEqual({
      cameraId: 'door',
      seq: 1,
      timestampMs: 1_234,
      contentType: 'image/png',
      key: true,
      picture: Buffer.from('one'),
    });
    // Once it has named its camera it need not again. What it does not say is the gateway's: the time, and what a picture is.
    await camera.send({ picture: Buffer.from('two') });
    const second = await watching.inbox.next();
    expect(second).toMatchObject({ cameraId: 'door', seq: 2, contentType: 'image/jpeg', key: true });
    expect(second.timestampMs).toBeGreaterThan(1_600_000_000_000);
    expect(gateway.resources()).toMatchObject({ clients: 2, streams: 2, viewers: 1 });
    expect(await camera.summary()).toEqual({ frames: 2, bytes: 6, dropped: 0 });
    watching.cancel();
    await nobody(gateway);
  });

  it('keeps its numbers going over its own end and the next one', async () => {
    const { gateway, address } = await runGateway({
      cameras: [{ id: 'door', source: 'push:', retry: { delayMs: 10, slowMs: 10, slowMaxMs: 10 } }],
    });
    const watching = await viewer(address, gateway);
    for (const turn of [1, 2, 3]) {
      const camera = device(address);
      await camera.say(`frame ${turn}`);
      expect(await watching.inbox.next()).toMatchObject({ seq: turn });
      await camera.summary();
    }
    expect(gateway.cameras.views()).toMatchObject([{ viewers: 1, frames: 3, source: 'push:' }]);
  });

  it('goes on at its own speed beside a viewer that reads nothing, who alone loses frames', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const fast = await viewer(address, gateway);
    const slow = clientOf(address, { windowBytes: 65_535 }).watch({ cameraId: 'door' }, frameInbox().listener);
    slow.pause();
    await expect.poll(() => gateway.resources().viewers).toBe(2);
    const camera = device(address);
    const picture = Buffer.alloc(200_000, 7);
    for (let turn = 1; turn <= 60; turn += 1) {
      await camera.send({ cameraId: 'door', picture });
      expect(await fast.inbox.next()).toMatchObject({ seq: turn });
    }
    expect(await camera.summary()).toEqual({ frames: 60, bytes: 12_000_000, dropped: 0 });
  });
});

describe('a device that publishes while nobody watches', () => {
  it('is never held up; the newest frame waits for whoever comes, and all others are counted as dropped', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const camera = device(address);
    for (let turn = 1; turn <= 50; turn += 1) await camera.say(`frame ${turn}`);
    // It is let in, and its frames have come.
    await expect.poll(() => gateway.resources().streams).toBe(1);
    expect(stateOf(gateway)).toBe('idle');
    const watching = await viewer(address, gateway);
    const first = await watching.inbox.next();
    expect(first.seq).toBe(1);
    const missed = Number(textOf(first).split(' ')[1]) - 1;
    // Frames that were still on their way when the viewer came follow in order.
    for (let turn = missed + 2; turn <= 50; turn += 1)
      expect(textOf(await watching.inbox.next())).toBe(`frame ${turn}`);
    expect(await camera.summary()).toEqual({ frames: 50, bytes: 441 - 50, dropped: missed });
  });

  it('is told that every frame was dropped, the one that was kept included', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const camera = device(address);
    for (let turn = 0; turn < 5; turn += 1) await camera.say('unseen');
    // A frame without data is a sign of life and counts nowhere.
    await camera.send({});
    expect(await camera.summary()).toEqual({ frames: 5, bytes: 30, dropped: 5 });
    await nobody(gateway);
  });

  it('has those above the rate of its camera counted too', async () => {
    const { address } = await runGateway({ cameras: [{ id: 'door', source: 'push:', onDemand: false, fps: 0.001 }] });
    const camera = device(address);
    for (let turn = 0; turn < 5; turn += 1) await camera.say('frame');
    expect(await camera.summary()).toEqual({ frames: 5, bytes: 25, dropped: 4 });
  });
});

describe('two devices for one camera', () => {
  it('are never both taken: the later has the place, the earlier is ABORTED superseded, and viewers notice nothing', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const told: unknown[] = [];
    gateway.on('publisher.superseded', ({ detail }) => told.push(detail));
    const watching = await viewer(address, gateway);
    const first = device(address);
    await first.say('first');
    expect(textOf(await watching.inbox.next())).toBe('first');
    const second = device(address);
    await second.say('second');
    expect(await first.inbox.ended).toMatchObject({
      code: Code.ABORTED,
      details: 'superseded: another publisher of camera "door" took the place',
    });
    await first.say('too late');
    await second.say('third');
    expect([textOf(await watching.inbox.next()), textOf(await watching.inbox.next())]).toEqual(['second', 'third']);
    expect(told).toEqual([{ camera: 'door' }]);
    expect(gateway.cameras.views()).toMatchObject([{ state: 'live', frames: 3, attempts: 1 }]);
    expect(await second.summary()).toEqual({ frames: 2, bytes: 11, dropped: 0 });
  });
});

describe('a device that is refused', () => {
  const refusals: readonly (readonly [string, Partial<FrameContent>, Code, RegExp])[] = [
    ['an unknown camera', { cameraId: 'roof' }, Code.NOT_FOUND, /^camera_not_found: .*"roof"/],
    [
      'a camera with a source of its own',
      { cameraId: 'clip' },
      Code.INVALID_ARGUMENT,
      /^invalid_argument: camera_id: .*push:.*"clip"/,
    ],
    ['no camera', {}, Code.INVALID_ARGUMENT, /^invalid_argument: frame\.camera_id of the first frame/],
  ];
  it.each(refusals)(
    'for %s is told the field or the thing, and makes nobody a client',
    async (_what, frame, code, words) => {
      const { gateway, address } = await runGateway({
        cameras: [
          { id: 'door', source: 'push:' },
          { id: 'clip', source: 'clip:' },
        ],
      });
      const camera = device(address);
      void camera.send({ ...frame, picture: Buffer.from('x') });
      expect(await camera.inbox.ended).toMatchObject({ code, details: expect.stringMatching(words) });
      expect(gateway.resources()).toMatchObject({ clients: 0, sessions: 0, streams: 0 });
    },
  );

  it('for saying nothing at all is asked for its first frame', async () => {
    const { address } = await runGateway(PUSHED);
    await expect(device(address).summary()).rejects.toThrow(/invalid_argument: frame\.camera_id of the first frame/);
  });

  it('may publish for one camera only, and not turn to another under way', async () => {
    const token = 'a-token-of-the-door';
    const { gateway, address } = await runGateway({
      grpc: { port: 0, auth: { tokens: [{ token, may: ['publish:door'] }] } },
      cameras: ['door', 'roof'].map((id) => ({ id, source: 'push:' })),
    });
    const camera = device(address, { token });
    await camera.say('one');
    await expect.poll(() => gateway.resources().streams).toBe(1);
    void camera.send({ cameraId: 'roof', picture: Buffer.from('x') });
    expect((await camera.inbox.ended).code).toBe(Code.INVALID_ARGUMENT);
    const again = device(address, { token });
    await again.say('one');
    expect(await again.summary()).toMatchObject({ frames: 1 });
  });

  it('in the middle for another camera ends there', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const camera = device(address);
    await camera.say('mine');
    await expect.poll(() => gateway.resources().streams).toBe(1);
    void camera.send({ cameraId: 'roof', picture: Buffer.from('x') });
    expect(await camera.inbox.ended).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: 'invalid_argument: frame.camera_id must be "door" or empty, but was "roof"',
    });
    await nobody(gateway);
  });

  it('sends what is no frame', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const same = (bytes: Buffer): Buffer => bytes;
    const call = rawClient(address).makeBidiStreamRequest('/sluice.v1.Gateway/Publish', same, same);
    call.write(Buffer.from([0x2a, 0xff]));
    expect(await statusOf(call.resume())).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/^invalid_argument: frame: cut off/),
    });
    await nobody(gateway);
  });

  it('has as many streams as it may have', async () => {
    const { gateway, address } = await runGateway({ ...PUSHED, limits: { streamsPerClient: 1 } });
    const first = device(address, { nodeId: 'edge-1' });
    await first.say('one');
    await expect.poll(() => gateway.resources().streams).toBe(1);
    const second = device(address, { nodeId: 'edge-1' });
    void second.say('two');
    expect(await second.inbox.ended).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      details: expect.stringMatching(/^max_streams_reached: .*"edge-1"/),
    });
    // Who was refused took nobody's place.
    await first.say('three');
    expect(await first.summary()).toMatchObject({ frames: 2 });
  });
});

describe('a device that goes', () => {
  it('by cancel leaves nothing, and its viewers wait for it to come back', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const watching = await viewer(address, gateway);
    const camera = device(address);
    await camera.say('one');
    await watching.inbox.next();
    camera.cancel();
    expect((await camera.inbox.ended).code).toBe(Code.CANCELLED);
    await expect.poll(() => stateOf(gateway)).toBe('backingOff');
    expect(gateway.resources()).toMatchObject({ streams: 1, viewers: 1 });
    // The newcomer does not sit out the pause that nobody needs any more.
    await device(address).say('two');
    expect(await watching.inbox.next()).toMatchObject({ seq: 2 });
  });

  it('by deadline is told so', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const camera = device(address, { deadlineMs: 400 });
    await camera.say('one');
    expect((await camera.inbox.ended).code).toBe(Code.DEADLINE_EXCEEDED);
    await nobody(gateway);
  });

  it('in silence ends with inactivity', async () => {
    const { gateway, address } = await runGateway({ ...PUSHED, session: { inactivityMs: 300 } });
    const camera = device(address);
    await camera.say('one');
    expect(await camera.inbox.ended).toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
      details: expect.stringMatching(/^inactivity: /),
    });
    await nobody(gateway);
  });

  it('because the gateway drains is told to come back', async () => {
    const { gateway, address } = await runGateway(PUSHED);
    const camera = device(address);
    await camera.say('one');
    await expect.poll(() => gateway.resources().streams).toBe(1);
    await gateway.stop();
    expect(await camera.inbox.ended).toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/^draining: /),
    });
  });
});
