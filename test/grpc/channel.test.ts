/** Upstream channels as they are on the wire: what counts is what the other side sees. */
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGateway } from '../../src/create-gateway.js';
import { GrpcConnector } from '../../src/grpc/channel.js';
import { frozenPeer, mutePeer, nobody, peer, realPool, watch } from './channel-peers.js';

describe('ten cameras of one target', () => {
  it('S0-1 S0-2 S0-3 share one TCP connection, made at the first use', async () => {
    const { channels } = await realPool();
    const { target, accepted, streams } = await peer();
    expect(accepted.value).toBe(0);
    const leases = await Promise.all(Array.from({ length: 10 }, () => channels.acquire(target)));
    await Promise.all(leases.map(watch));
    await streams.becomes(10);
    expect(accepted.value).toBe(1);
    expect(channels.counts).toMatchObject({ open: 1, leases: 10, calls: 10 });
  });

  it('S0-20 S0-8 lose one stream, and not the channel, when one camera closes', async () => {
    const { channels } = await realPool();
    const { target, sockets, streams } = await peer();
    const leases = await Promise.all(Array.from({ length: 10 }, () => channels.acquire(target)));
    const watching = await Promise.all(leases.map(watch));
    leases[3]?.release();
    expect(await watching[3]?.ended).toBe(Code.CANCELLED);
    await streams.becomes(9);
    expect(sockets.value).toBe(1);
    expect(channels.counts).toMatchObject({ leases: 9, calls: 9 });
  });

  it('S0-1 have two connections where their options differ', async () => {
    const { channels } = await realPool();
    const { target, accepted } = await peer();
    await Promise.all([
      channels.acquire(target),
      channels.acquire(target, { channel: { windowBytes: 65_536 } }),
      channels.acquire(target),
    ]);
    expect(accepted.value).toBe(2);
  });
});

describe('a channel that is closed', () => {
  it('S0-25 D-11 ends its streams at the server first, and its socket is gone', async () => {
    const { channels } = await realPool({ closeMs: 50 });
    const { target, sockets, streams } = await peer();
    const lease = await channels.acquire(target);
    const { ended } = await watch(lease);
    await channels.close(target);
    expect(await ended).toBe(Code.CANCELLED);
    await streams.becomes(0);
    await sockets.becomes(0);
    expect(channels.counts).toMatchObject({ open: 0, calls: 0, forced: 1 });
  });

  it('S0-24 is replaced by a fresh one for the next who opens', async () => {
    const { channels } = await realPool();
    const { target, sockets, accepted } = await peer();
    const old = await channels.acquire(target);
    await channels.close(target);
    const fresh = await channels.acquire(target);
    await watch(fresh);
    expect(() => old.channel).toThrow('it is being shut');
    expect(accepted.value).toBe(2);
    await sockets.becomes(1);
  });
});

describe('channels that are opened and shut in a hurry', () => {
  it('S0-18 leave no socket behind, whatever came first', async () => {
    const { channels, app } = await realPool({ channelsMax: 2, waitMs: 5_000 });
    const peers = await Promise.all(Array.from({ length: 4 }, peer));
    const busy = async (turn: number): Promise<void> => {
      const { target } = peers[turn % peers.length] as (typeof peers)[number];
      try {
        using lease = await channels.acquire(target);
        if (turn % 3 === 0) await watch(lease);
        if (turn % 7 === 0) await channels.close(target);
      } catch (error) {
        // Shut by another while it was being made, or between being given and being used: said, and not hung.
        expect(error).toMatchObject({ code: 'channel_failed' });
      }
    };
    await Promise.all(Array.from({ length: 200 }, (_, turn) => busy(turn)));
    expect(channels.counts).toMatchObject({ leases: 0, calls: 0, waiting: 0 });
    await app.stop();
    await Promise.all(peers.map(({ sockets }) => sockets.becomes(0)));
    await Promise.all(peers.map(({ streams }) => streams.becomes(0)));
  });
});

describe('a limit of three channels', () => {
  it('S3-19 D-5 L7 M-M21 M-M22 evicts the least recently used idle one, and its socket closes', async () => {
    const { channels } = await realPool({ channelsMax: 3 });
    const [a, b, c, d] = [await peer(), await peer(), await peer(), await peer()];
    const inUse = await channels.acquire(a.target);
    await watch(inUse);
    for (const { target } of [b, c, b]) (await channels.acquire(target)).release();
    expect([a, b, c].map(({ sockets }) => sockets.value)).toEqual([1, 1, 1]);
    const fourth = await channels.acquire(d.target);
    await watch(fourth);
    await c.sockets.becomes(0);
    expect([a, b, d].map(({ sockets }) => sockets.value)).toEqual([1, 1, 1]);
    expect(channels.counts).toMatchObject({ open: 3, evictions: 1 });
  });

  it('D-5 refuses the fourth when all three are in use', async () => {
    const { channels } = await realPool({ channelsMax: 3 });
    for (const { target } of [await peer(), await peer(), await peer()]) await channels.acquire(target);
    await expect(channels.acquire((await peer()).target)).rejects.toMatchObject({ code: 'channels_busy' });
  });
});

describe('a peer that is not there', () => {
  it('M-M17 M-M18 is an error: a target that is none, and one where nobody listens', async () => {
    const { channels } = await realPool();
    await expect(channels.acquire('nonsense')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'target: expected host:port, got "nonsense"',
    });
    await expect(channels.acquire(await nobody())).rejects.toMatchObject({ code: 'channel_failed' });
    expect(channels.counts?.open).toBe(0);
  });

  it('D-6 L9 ends by the connect deadline when it takes TCP and is mute, while others connect', async () => {
    const { channels } = await realPool({ connectMs: 300 });
    const [mute, good] = [await mutePeer(), await peer()];
    let muteIsOver = false;
    const asked = channels.acquire(mute.target).catch((error: Error) => {
      muteIsOver = true;
      return error.message;
    });
    await mute.sockets.becomes(1);
    await watch(await channels.acquire(good.target));
    expect(muteIsOver).toBe(false);
    expect(await asked).toBe(`channel to ${mute.target}: no answer within 300 ms`);
    await mute.sockets.becomes(0);
    expect(channels.views().map(({ target }) => target)).toEqual([good.target]);
  });

  it('S0-19 is left by force when it froze after its greeting and hears no goodbye', async () => {
    const { channels } = await realPool({ closeMs: 50 });
    const frozen = await frozenPeer();
    const lease = await channels.acquire(frozen.target);
    const watching = watch(lease);
    await channels.close(frozen.target);
    await (await watching).ended;
    await frozen.sockets.becomes(0);
    expect(channels.counts).toMatchObject({ open: 0, calls: 0 });
  });

  it('S0-24 is left in order when it drains: nobody new comes, and a stream ends as the peer ends it', async () => {
    const { channels } = await realPool();
    const draining = await peer();
    const lease = await channels.acquire(draining.target);
    const { ended } = await watch(lease);
    const lost = new Promise((resolve) => lease.lost.addEventListener('abort', resolve));
    draining.drain();
    await lost;
    expect(channels.views()).toMatchObject([{ state: 'closing', calls: 1 }]);
    expect(draining.streams.value).toBe(1);
    draining.finish();
    expect(await ended).toBe(Code.OK);
    await draining.sockets.becomes(0);
    expect(channels.views()).toEqual([]);
  });

  it('M-M9 M-M19 leaves the pool: five are killed, and it is empty', async () => {
    const { channels } = await realPool();
    const peers = await Promise.all(Array.from({ length: 5 }, peer));
    const leases = await Promise.all(peers.map(({ target }) => channels.acquire(target)));
    const watching = await Promise.all(leases.map(watch));
    const lost = leases.map(({ lost: signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)));
    await Promise.all(peers.map(({ kill }) => kill()));
    await Promise.all(lost);
    expect(await Promise.all(watching.map(({ ended }) => ended))).toEqual(Array(5).fill(Code.UNAVAILABLE));
    await expect.poll(() => channels.counts).toMatchObject({ open: 0, calls: 0 });
  });
});

describe('a channel made for streams', () => {
  it('S0-7 S0-4 says its keepalive, and leaves idling and retrying to those who know better', () => {
    const connector = new GrpcConnector({ keepalive: { timeMs: 30_000, timeoutMs: 5_000 } });
    const silent = { ready: () => {}, failed: () => {}, lost: () => {} };
    const options = (own?: object) => {
      const channel = connector.open('127.0.0.1:1', own, silent);
      onTestFinished(() => channel.close());
      return channel.options;
    };
    expect(options()).toMatchObject({
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 5_000,
      'grpc.enable_retries': 0,
      'grpc.client_idle_timeout_ms': 2 ** 31 - 1,
    });
    expect(options({ keepalive: { timeMs: 300_000, timeoutMs: 20_000 } })).toMatchObject({
      'grpc.keepalive_time_ms': 300_000,
      'grpc.keepalive_timeout_ms': 20_000,
    });
  });

  it('S0-4 S0-5 is closed when nobody has used it for its idle time, and comes back by itself', async () => {
    const { channels } = await realPool({ idleMs: 100 });
    const { target, sockets, accepted } = await peer();
    (await channels.acquire(target)).release();
    await sockets.becomes(0);
    await watch(await channels.acquire(target));
    expect(accepted.value).toBe(2);
  });
});

describe('a gateway with channels', () => {
  it('I-zero lists them, and leaves none of them behind when it stops', async () => {
    const { target, sockets, streams } = await peer();
    const gateway = createGateway({
      grpc: { port: 0 },
      http: { port: 0 },
      log: { level: 'silent' },
      channels: { closeMs: 50 },
    });
    await gateway.start();
    const lease = await gateway.channels.acquire(target);
    await watch(lease);
    const answer = await fetch(`${gateway.addresses.http}/api/channels`);
    expect(await answer.json()).toEqual({
      channels: [
        { id: `${target}#1`, target, state: 'busy', leases: 1, calls: 1, waiting: 0, ageMs: expect.any(Number) },
      ],
    });
    expect(gateway.census()).toMatchObject({ channel: 1 });
    expect(gateway.resources().channels).toBe(1);
    await gateway.stop();
    await streams.becomes(0);
    await sockets.becomes(0);
    expect(gateway.census()).toEqual({});
    expect(lease.open).toBe(false);
  });
});
