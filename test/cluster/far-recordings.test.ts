/** Recordings stay at the gateway that made them: another one says where they are, in one line, and makes nothing of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status as Code } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import type { SluiceGateway } from '../../src/create-gateway.js';
import { createGatewayClient } from '../../src/grpc/client.js';
import { realClock } from '../../src/otp/clock.js';
import { type Pair, startPair } from './two-gateways.js';

const SAYS =
  'not_found: camera "door" is not recorded at this gateway; recordings are played by the gateway that made them: ask "south", which has this camera';

const until = async (what: () => unknown): Promise<void> => {
  for (let n = 0; n < 1_000; n += 1) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`it has not come: ${what}`);
};

describe.each([
  ['is not configured with', false],
  ['is configured with, but does not record', true],
])('recordings of a camera that this gateway %s', (_name, known) => {
  let folder: string;
  let hub: MemoryHub;
  let pair: Pair;
  let north: SluiceGateway;
  let south: SluiceGateway;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-recordings-'));
    hub = new MemoryHub({ clock: realClock, ttlMs: 12_000 });
    const door = { id: 'door', source: 'clip:' };
    const record = { dir: folder, quality: 0, minFreeBytes: 0, segmentSeconds: 1 };
    const own = { north: { cameras: known ? [door] : [] }, south: { cameras: [{ ...door, record }] } };
    pair = await startPair(() => async () => hub.connect(), {}, own);
    [north, south] = pair.gateways;
    await until(() => pair.views[0]?.()?.members.some(({ id, cameras }) => id === 'south' && cameras === 1));
    await until(() => north.neighbours.includes('south'));
  });

  afterEach(async () => {
    await pair.stop();
    hub.close();
    rmSync(folder, { recursive: true, force: true });
    expect(north.census()).toEqual({});
    expect(south.census()).toEqual({});
  });

  const watch = (gateway: SluiceGateway, fromMs: number) =>
    new Promise<{ readonly code: Code; readonly details: string; readonly frames: number }>((resolve) => {
      const client = createGatewayClient(gateway.addresses.grpc as string);
      let frames = 0;
      client.watch(
        { cameraId: 'door', fromMs: BigInt(fromMs), speed: 0 },
        {
          message: () => {
            frames += 1;
          },
          ended: ({ code, details }) => {
            client.close();
            resolve({ code, details, frames });
          },
        },
      );
    });

  it('are refused with the gateway that has them, over gRPC and HTTP; there they are played', async () => {
    const fromMs = Date.now() - 60_000;
    expect(await watch(north, fromMs)).toEqual({ code: Code.NOT_FOUND, details: SAYS, frames: 0 });
    for (const path of ['/api/recordings/door', `/cameras/door/recording.mjpg?from=${fromMs}`]) {
      const response = await fetch(`${north.addresses.http}${path}`);
      expect(response.status).toBe(404);
      expect(await response.text()).toContain(SAYS.replaceAll('"', '\\"'));
    }
    expect(north.cameras.views(), 'nothing was made for it').toHaveLength(known ? 1 : 0);
    expect(north.sessions.size).toBe(0);
    await until(async () => (await watch(south, fromMs)).frames > 0);
  });
});
