/** What a host has loaded for a camera's frames is given back on every way out. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import type { FrameResource } from '../../src/gateway/frame-resource.js';
import { exit, requestStop } from '../../src/otp/signals.js';

let gateway: SluiceGateway;
beforeEach(async () => {
  gateway = createGateway({
    grpc: { port: 0 },
    http: { port: 0 },
    log: { level: 'silent' },
    cameras: [{ id: 'front', source: 'clip:?fps=100' }],
  });
  await gateway.start();
});
afterEach(async () => {
  await gateway.stop();
  expect(gateway.census()).toEqual({});
});

/** A detector that counts what becomes of it. */
function detector(more: Partial<FrameResource<{ readonly n: number }>> = {}) {
  const seen = { loaded: 0, disposed: [] as number[], frames: 0 };
  const spec: FrameResource<{ readonly n: number }> = {
    kind: 'model',
    load: async () => {
      seen.loaded += 1;
      return { n: seen.loaded };
    },
    process: () => {
      seen.frames += 1;
    },
    dispose: async ({ n }) => {
      await Promise.resolve();
      seen.disposed.push(n);
    },
    ...more,
  };
  return { seen, undo: gateway.cameras.process('front', spec) };
}

const camera = () => gateway.cameras.get('front').process;
const models = () => gateway.census()['model'] ?? 0;

describe('something heavy that a host has loaded for a camera', () => {
  it('S1-10 is loaded once, with the first frame, and counted while it is there', async () => {
    const { seen, undo } = detector();
    expect(seen.loaded).toBe(0);
    await expect.poll(() => seen.frames).toBeGreaterThan(5);
    expect({ loaded: seen.loaded, models: models() }).toEqual({ loaded: 1, models: 1 });
    undo();
    await expect.poll(() => seen.disposed).toEqual([1]);
    expect(models()).toBe(0);
  });

  const exits: readonly (readonly [string, () => unknown])[] = [
    ['is killed', () => exit(camera().ref, 'kill')],
    ['is stopped', () => requestStop(camera(), 'shutdown')],
    ['crashes', () => camera().crash(new Error('of its own'))],
    ['goes with the gateway', () => gateway.stop()],
  ];
  it.each(exits)('S1-10 is disposed of once when the camera %s', async (_how, end) => {
    const { seen } = detector();
    await expect.poll(() => seen.frames).toBeGreaterThan(1);
    await end();
    await expect.poll(() => seen.disposed[0]).toBe(1);
    await gateway.stop();
    // A camera that was started again has loaded it anew, and given that back too.
    expect(seen.disposed).toEqual(Array.from({ length: seen.loaded }, (_, at) => at + 1));
  });

  it('S1-10 is kept through errors, and disposed of after them', async () => {
    let frames = 0;
    const { seen, undo } = detector({
      process: () => {
        frames += 1;
        throw new Error('no such class');
      },
    });
    await expect.poll(() => frames).toBeGreaterThan(3);
    expect(seen.loaded).toBe(1);
    undo();
    await expect.poll(() => seen.disposed).toEqual([1]);
  });

  it('is disposed of when it comes too late: the host has gone while it was being loaded', async () => {
    let loaded: ((model: { readonly n: number }) => void) | undefined;
    const { seen, undo } = detector({
      load: () =>
        new Promise((resolve) => {
          loaded = resolve;
        }),
    });
    await expect.poll(() => loaded).toBeDefined();
    undo();
    expect(models()).toBe(1);
    loaded?.({ n: 7 });
    await expect.poll(() => seen.disposed).toEqual([7]);
    expect({ frames: seen.frames, models: models() }).toEqual({ frames: 0, models: 0 });
  });

  it('is loaded again after it could not be, and holds nothing meanwhile', async () => {
    let tries = 0;
    const { seen } = detector({
      load: () => {
        tries += 1;
        if (tries < 3) throw new Error('no memory');
        return { n: tries };
      },
    });
    await expect.poll(() => seen.frames).toBeGreaterThan(1);
    expect({ tries, models: models() }).toEqual({ tries: 3, models: 1 });
    await gateway.stop();
    expect(seen.disposed).toEqual([3]);
  });

  it('is not disposed of under the frame that it is busy with', async () => {
    const story: string[] = [];
    let done: (() => void) | undefined;
    const { undo } = detector({
      process: () =>
        new Promise<void>((resolve) => {
          done = () => {
            story.push('done');
            resolve();
          };
        }),
      dispose: () => void story.push('disposed'),
    });
    await expect.poll(() => done).toBeDefined();
    undo();
    await new Promise((resolve) => setImmediate(resolve));
    done?.();
    await expect.poll(() => story).toEqual(['done', 'disposed']);
  });

  it('S1-11 lets garbage be collected after it only where that was asked for, and is possible', async () => {
    const before = globalThis.gc;
    const gc = vi.fn();
    try {
      for (const [collectGarbage, exposed, times] of [
        [undefined, gc, 0],
        [true, gc, 1],
        [true, undefined, 1],
      ] as const) {
        (globalThis as { gc?: unknown }).gc = exposed;
        const { seen, undo } = detector(collectGarbage === undefined ? {} : { collectGarbage });
        await expect.poll(() => seen.frames).toBeGreaterThan(1);
        undo();
        await expect.poll(() => seen.disposed).toEqual([1]);
        expect(gc).toHaveBeenCalledTimes(times);
      }
    } finally {
      (globalThis as { gc?: unknown }).gc = before;
    }
  });
});
