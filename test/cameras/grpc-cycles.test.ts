/** A thousand short lives of the gRPC driver: what stays is what was there before. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nobody } from '../grpc/channel-peers.js';
import { type Attempts, attempts } from './grpc-attempts.js';
import { GrpcCamera } from './grpc-camera.js';

const CYCLES = 500;
const AT_ONCE = 10;

/** What the process has open, as the system and Node tell. */
function held(): { fds: number; sockets: number; timers: number } {
  const kinds = process.getActiveResourcesInfo();
  return {
    fds: readdirSync('/proc/self/fd').length,
    sockets: kinds.filter((kind) => /TCP/.test(kind)).length,
    timers: kinds.filter((kind) => kind === 'Timeout').length,
  };
}

async function inTurns(cycle: (turn: number) => Promise<void>): Promise<void> {
  const one = async (first: number): Promise<void> => {
    for (let turn = first; turn < CYCLES; turn += AT_ONCE) await cycle(turn);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, first) => one(first)));
}

async function leavesNothing(cycle: (all: Attempts, turn: number) => Promise<void>): Promise<void> {
  const all = await attempts();
  // What is made once and kept: resolvers, code, the first of everything.
  await cycle(all, 0);
  await all.channels.close('none');
  await all.stop();
  const before = held();
  const again = await attempts();
  await inTurns((turn) => cycle(again, turn));
  expect(again.channels.counts).toMatchObject({ leases: 0, calls: 0, waiting: 0, connecting: 0 });
  await again.stop();
  await expect.poll(() => held(), { timeout: 5_000 }).toEqual(before);
}

describe('a gRPC camera that is opened and closed 500 times', () => {
  it('S0-23 S0-30 S0-31 leaves no call, socket, descriptor or timer, and is one connection all the while', async () => {
    const camera = await GrpcCamera.start();
    let cycles = 0;
    await leavesNothing(async ({ open }, turn) => {
      cycles += 1;
      const { listener, attempt } = open(camera.url(`camera-${turn % AT_ONCE}`));
      await listener.havePictures(1);
      await attempt.close();
    });
    const seen = await camera.sees(({ live, connections }) => live === 0 && connections === 0);
    expect(seen).toMatchObject({ calls: cycles, cancelled: cycles, mostLive: 1, accepted: 2 });
  });
});

describe('a gRPC camera that fails to open 500 times', () => {
  it('S0-21 S0-14 leaves no call, socket, descriptor or timer when it refuses', async () => {
    const camera = await GrpcCamera.start();
    await camera.fault('UNAVAILABLE', CYCLES * 2);
    await leavesNothing(async ({ open }) => {
      const { listener, attempt } = open(camera.url());
      await listener.haveFailed();
      await attempt.close();
    });
    expect(await camera.sees(({ connections }) => connections === 0)).toMatchObject({ live: 0, accepted: 2 });
  });

  it('S0-21 S0-14 leaves nothing when nobody is there', async () => {
    const target = await nobody();
    await leavesNothing(async ({ open }) => {
      const { listener, attempt } = open(`grpc://${target}/front`);
      await listener.haveFailed();
      await attempt.close();
    });
  });
});
