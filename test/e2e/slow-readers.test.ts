import { join } from 'node:path';
import { status as Code } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGatewayClient } from '../../src/grpc/client.js';
import { root } from '../house/source-files.js';
import { eventually } from './eventually.js';
import { type GatewayProcess, serve } from './gateway-process.js';
import { TestProcess } from './processes.js';
import { ViewerProcess } from './viewer-process.js';

const FRAMES = 240;
const FPS = 30;
const CROWD = 50;
/** How many frames the reader may be behind before the device waits for it; fewer than its queue holds. */
const LEEWAY = 6;
/** A camera's own: `queueFrames`. */
const QUEUE_FRAMES = 10;
const FRAME_BYTES = 100 * 1024;

async function crowd(gateway: GatewayProcess, prefix: string): Promise<TestProcess> {
  const script = join(root, 'test/e2e/crowd.mjs');
  const crowd = new TestProcess(process.execPath, [script, gateway.grpc, 'wall', String(CROWD), prefix]);
  await crowd.printed(/^open$/m);
  return crowd;
}

/** A device that publishes; resolves when it is known as the camera's. */
async function device(gateway: GatewayProcess) {
  const client = createGatewayClient(gateway.grpc);
  onTestFinished(() => client.close());
  const sink = client.publish({ message: () => {}, ended: () => {} });
  const picture = Buffer.alloc(FRAME_BYTES, 7);
  picture.writeUInt16BE(0xffd8, 0);
  picture.writeUInt16BE(0xffd9, FRAME_BYTES - 2);
  const publish = (): void => sink.send({ cameraId: 'wall', contentType: 'image/jpeg', key: true, picture });
  publish();
  await eventually('the device is known', async () => (await gateway.streams()).some(({ kind }) => kind === 'publish'));
  return publish;
}

describe('a hundred viewers that take nothing, half of them stopped processes, beside one that reads', () => {
  it('cost it no frame, and lose by their policies what is counted exactly', async () => {
    const gateway = await serve('--camera', 'wall=push:');
    const publish = await device(gateway);
    const fast = new ViewerProcess(gateway, 'wall');
    // What named the camera is its first frame, with or without a viewer; the crowd comes after it.
    await eventually('the camera has a frame', async () => (await gateway.camera('wall')).frames === 1);
    const still = await crowd(gateway, 'still');
    const stopped = await crowd(gateway, 'stopped');
    await eventually(
      'everybody watches',
      () => gateway.resources(),
      ({ viewers }) => viewers === 2 * CROWD + 1,
    );

    publish();
    await fast.sees(1);
    stopped.signal('SIGSTOP');
    onTestFinished(() => stopped.signal('SIGCONT'));
    const before = (await gateway.resources()).memory.rss;
    for (let frame = 1; frame < FRAMES; frame += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1000 / FPS));
      // A machine too busy to run the reader says nothing about the gateway.
      await fast.sees(frame - LEEWAY);
      publish();
    }
    const all = Array.from({ length: FRAMES }, (_, at) => at + 2);
    await eventually('the reader has the last frame', () => fast.frames.at(-1)?.seq === all.at(-1));
    expect(fast.frames.slice(-FRAMES).map(({ seq }) => seq)).toEqual(all);
    expect((await gateway.camera('wall')).frames).toBe(FRAMES + 1);

    // The queues of all are bounded; what they share they share by reference.
    const grownBy = (await gateway.resources()).memory.rss - before;
    expect(grownBy).toBeLessThan(2 * CROWD * QUEUE_FRAMES * FRAME_BYTES);

    const streams = (await gateway.streams()).filter(({ nodeId }) => /^(still|stopped)-/.test(nodeId));
    const policyOf = (nodeId: string): string => nodeId.split('-')[1] as string;
    expect(new Set(streams.map(({ nodeId }) => policyOf(nodeId)))).toEqual(
      new Set(['block', 'drop_newest', 'drop_oldest', 'latest']),
    );
    for (const policy of ['block', 'drop_newest', 'drop_oldest', 'latest']) {
      const viewers = streams.filter(({ nodeId }) => policyOf(nodeId) === policy);
      expect(viewers, policy).toHaveLength((2 * CROWD) / 5);
      for (const { nodeId, sent, queued, drops, state } of viewers) {
        const about = `${nodeId}: ${sent} sent, ${queued} queued, ${drops} dropped, ${state}`;
        const IN_FLIGHT = 1;
        const accounted = sent + queued + drops + IN_FLIGHT;
        if (policy === 'block') expect(drops, about).toBe(0);
        else expect(accounted, about).toBe(FRAMES);
        expect(queued, about).toBe(policy === 'latest' ? 1 : QUEUE_FRAMES);
        expect(state, about).toMatch(/paused|stalled/);
      }
    }

    // Those that asked for it are gone, and were told why as far as they could hear it.
    const ended = still.stdout.split('\n').filter((line) => line.startsWith('{'));
    expect(ended).toHaveLength(CROWD / 5);
    for (const line of ended) expect(JSON.parse(line)).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    stopped.signal('SIGCONT');
    stopped.signal('SIGKILL');
    still.signal('SIGKILL');
    expect(await fast.leave()).toBe(0);
    await gateway.stop();
  });
});
