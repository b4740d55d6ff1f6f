/** The gRPC driver against a camera server in another process: what an attempt reports, and what it leaves. */
import { describe, expect, it } from 'vitest';
import { sourceFactory } from '../../src/cameras/index.js';
import { grpcCameraDrivers } from '../../src/grpc/camera-source.js';
import { realClock } from '../../src/otp/clock.js';
import { frozenPeer, mutePeer, nobody } from '../grpc/channel-peers.js';
import { attempts } from './grpc-attempts.js';
import { GrpcCamera } from './grpc-camera.js';
import { RecordingListener } from './listener.js';

describe('an attempt at a gRPC camera', () => {
  it('S0-32 S0-36 S0-35 brings its frames in order, as they were sent, until it is closed', async () => {
    const camera = await GrpcCamera.start();
    const { open, channels } = await attempts();
    const { listener, attempt } = open(camera.url());
    expect(listener.story).toEqual([]);
    await listener.havePictures(20);
    expect(listener.story[0]).toBe('opened');
    expect(listener.pictures.slice(0, 20).map(({ data }) => data.toString())).toEqual(
      Array.from({ length: 20 }, (_, index) => `front ${index + 1}`),
    );
    expect(listener.pictures[0]).toMatchObject({ contentType: 'image/jpeg', key: true });
    await attempt.close();
    const told = listener.story.length;
    expect(channels.counts).toMatchObject({ open: 1, leases: 0, calls: 0 });
    await camera.sees(({ cancelled, live }) => cancelled === 1 && live === 0);
    expect(listener.story).toHaveLength(told);
  });

  it('of a URL without a path asks for the only camera of the peer', async () => {
    const camera = await GrpcCamera.start();
    const { open } = await attempts();
    const { listener } = open(`grpc://${camera.target}`);
    await listener.havePictures(1);
    expect(listener.pictures[0]?.data.toString()).toBe('only 1');
  });

  it.each([
    ['UNAVAILABLE', false],
    ['INTERNAL', false],
    ['RESOURCE_EXHAUSTED', false],
    ['DEADLINE_EXCEEDED', false],
    ['ABORTED', false],
    ['UNAUTHENTICATED', false],
    ['INVALID_ARGUMENT', true],
    ['NOT_FOUND', true],
    ['PERMISSION_DENIED', true],
    ['UNIMPLEMENTED', true],
  ])('S0-12 that is answered %s has failed, finally: %s', async (code, final) => {
    const camera = await GrpcCamera.start();
    const { open, channels } = await attempts();
    await camera.fault(code);
    const { listener } = open(camera.url());
    const error = await listener.haveFailed();
    expect(error).toMatchObject({ final, message: `${camera.url()}: ${code}: no, nobody` });
    await expect.poll(() => channels.counts).toMatchObject({ leases: 0, calls: 0 });
    expect(listener.story).toEqual(['opened', 'failed']);
  });

  it('S0-12 is judged by the host where it has a judgement', async () => {
    const camera = await GrpcCamera.start();
    const { open } = await attempts();
    await camera.fault('NOT_FOUND', 2);
    const lenient = open(camera.url(), { retriable: ({ details }) => (details === 'no, nobody' ? true : undefined) });
    expect((await lenient.listener.haveFailed()).final).toBe(false);
    const silent = open(camera.url(), { retriable: () => undefined });
    expect((await silent.listener.haveFailed()).final).toBe(true);
  });

  it.each([
    ['end', /: the stream ended$/, 0],
    ['endLater', /: the stream ended$/, 2],
    // A reset overtakes what was sent before it.
    ['reset', /: UNAVAILABLE: /, 0],
    ['garbage', /: INTERNAL: .*cut off/, 1],
  ])('has failed when the camera does this: %s', async (fault, words, pictures) => {
    const camera = await GrpcCamera.start();
    const { open, channels } = await attempts();
    await camera.fault(fault);
    const { listener } = open(camera.url());
    const error = await listener.haveFailed();
    expect(error.message).toMatch(words);
    expect(error.final).toBe(false);
    expect(listener.pictures.length).toBeGreaterThanOrEqual(pictures);
    expect(listener.story.filter((what) => what === 'failed')).toHaveLength(1);
    await camera.sees(({ live }) => live === 0);
    await expect.poll(() => channels.counts).toMatchObject({ leases: 0, calls: 0 });
  });

  it('has failed when nobody is there, and when somebody is who says nothing', async () => {
    const { open, channels } = await attempts({ connectMs: 200 });
    const mute = await mutePeer();
    for (const target of [await nobody(), mute.target]) {
      const { listener } = open(`grpc://${target}/front`);
      const error = await listener.haveFailed();
      expect(error.final).toBe(false);
      expect(error.message).toMatch(new RegExp(`^grpc://${target}/front: channel to ${target}: `));
      expect(listener.story).toEqual(['failed']);
    }
    expect(channels.counts).toMatchObject({ open: 0, leases: 0 });
    await mute.sockets.becomes(0);
  });
});

describe('closing an attempt at a gRPC camera', () => {
  it('S0-22 S0-27 cancels its call, so that the camera stops producing; twice is once', async () => {
    const camera = await GrpcCamera.start();
    const { open } = await attempts();
    const { listener, attempt } = open(camera.url());
    await listener.havePictures(2);
    await Promise.all([attempt.close(), attempt.close()]);
    await attempt.close();
    expect(await camera.sees(({ live }) => live === 0)).toMatchObject({ calls: 1, cancelled: 1 });
    expect(listener.story).not.toContain('failed');
  });

  it('S0-10 stands on the wire before the next call does: the camera never has two', async () => {
    const camera = await GrpcCamera.start();
    const { open } = await attempts();
    for (let turn = 0; turn < 100; turn += 1) {
      const { listener, attempt } = open(camera.url());
      // Before there is anything, with the call open, in the middle of its frames.
      if (turn % 3 === 1) await listener.haveOpened();
      if (turn % 3 === 2) await listener.havePictures(1);
      await attempt.close();
    }
    const { calls, mostLive, accepted } = await camera.sees(
      ({ calls, cancelled }) => calls === cancelled && calls >= 66,
    );
    expect({ mostLive, accepted }).toEqual({ mostLive: 1, accepted: 1 });
    expect(calls).toBeLessThanOrEqual(100);
  });

  it.each([
    ['before it has a channel, while others want the same one', async () => (await mutePeer()).target],
    ['at a peer that froze after its greeting', async () => (await frozenPeer()).target],
  ])('S0-21 comes to an end %s', async (_when, target) => {
    const { open, channels } = await attempts();
    const url = `grpc://${await target()}/front`;
    const [first, second] = [open(url), open(url)];
    await first.attempt.close();
    await second.attempt.close();
    expect(channels.counts).toMatchObject({ leases: 0, calls: 0, waiting: 0 });
    expect(first.listener.story).not.toContain('failed');
  });

  it('S0-11 is told to a camera that was frozen before it sees the next call, which has a connection of its own', async () => {
    const camera = await GrpcCamera.start();
    const { open, channels } = await attempts();
    const { listener, attempt } = open(camera.url());
    await listener.havePictures(1);
    camera.signal('SIGSTOP');
    await attempt.close();
    const next = open(camera.url());
    camera.signal('SIGCONT');
    await next.listener.havePictures(1);
    expect(await camera.sees(({ cancelled, live }) => cancelled === 1 && live === 1)).toMatchObject({
      calls: 2,
      mostLive: 1,
      accepted: 2,
    });
    expect(channels.views()).toHaveLength(1);
  });
});

describe('the credentials of a gRPC camera', () => {
  it('are the token of its URL, which nothing shows, whatever the camera says of it', async () => {
    const camera = await GrpcCamera.start();
    const { open } = await attempts();
    await camera.fault('UNAUTHENTICATED');
    const { listener } = open(camera.url('front', 's3cret%2Fword'));
    expect(await listener.haveFailed()).toMatchObject({
      final: false,
      message: `grpc://${camera.target}/front: UNAUTHENTICATED: no, Bearer ***`,
    });
    expect(camera.seen.tokens).toEqual(['Bearer s3cret/word']);
  });

  it('S0-6 are asked of the host anew for each attempt, who is told when the last were refused', async () => {
    const camera = await GrpcCamera.start();
    const { channels } = await attempts();
    const asked: object[] = [];
    const tokens = ['old', 'new', 'newer'];
    const drivers = grpcCameraDrivers(channels, {
      credentials: async ({ signal, ...wanted }) => {
        asked.push(wanted);
        return tokens.shift();
      },
    });
    const source = sourceFactory(camera.url(), drivers);
    const attempt = () => {
      const listener = new RecordingListener();
      return { listener, attempt: source.open(listener, { clock: realClock }) };
    };
    await camera.fault('UNAUTHENTICATED');
    await attempt().listener.haveFailed();
    const second = attempt();
    await second.listener.havePictures(1);
    await second.attempt.close();
    const third = attempt();
    await third.listener.havePictures(1);
    await third.attempt.close();
    const wanted = { target: camera.target, camera: 'front' };
    expect(asked).toEqual([
      { ...wanted, refused: false },
      { ...wanted, refused: true },
      { ...wanted, refused: false },
    ]);
    expect(camera.seen.tokens).toEqual(['Bearer old', 'Bearer new', 'Bearer newer']);
  });

  it('that cannot be had are a failed attempt; that never come do not hold its end', async () => {
    const camera = await GrpcCamera.start();
    const { open } = await attempts();
    const failing = open(camera.url(), { credentials: () => Promise.reject(new Error('the vault is shut')) });
    expect(await failing.listener.haveFailed()).toMatchObject({
      final: false,
      message: `${camera.url()}: the vault is shut`,
    });
    const endless = open(camera.url(), { credentials: () => new Promise(() => {}) });
    await endless.attempt.close();
    expect(endless.listener.story).toEqual([]);
    expect(camera.seen.calls).toBe(0);
  });
});
