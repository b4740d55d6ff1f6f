import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CameraOptions } from '../../src/gateway/options.js';
import { HeldSource } from './paths/held-source.js';
import { WholeGateway } from './whole-gateway.js';

let whole: WholeGateway;

beforeEach(async () => {
  whole = await WholeGateway.start({
    cameras: [
      { id: 'front', source: 'clip:' },
      { id: 'back', source: 'clip:' },
    ],
  });
});

afterEach(() => whole.stop());

/** The camera that has this id now; there is none while it waits. */
const camera = (id: string) => whole.gateway.cameras.all().find((each) => each.id === id);

describe('a camera that crashes again and again', () => {
  it('never spends the restarts of all cameras, and the other cameras see nothing of it', async () => {
    const other = camera('back');
    const beganMs = whole.clock.now();
    for (let crash = 0; crash < 130; crash += 1) {
      camera('front')?.process.crash(new Error('simulated'));
      await whole.settle();
      if (!camera('front')) await whole.pass(10_000);
    }
    expect(camera('front')?.process.alive).toBe(true);
    expect(camera('back')).toBe(other);
    expect(whole.clock.now()).toBeGreaterThan(beganMs);
  });

  it('is back soon after the first crash', async () => {
    camera('front')?.process.crash(new Error('simulated'));
    await whole.pass(50);
    expect(camera('front')?.process.alive).toBe(true);
  });
});

describe('cameras whose supervisor crashes', () => {
  it('refuse to be put up and taken away until they are back, with a reason that says so', async () => {
    const removed = whole.gateway.cameras.remove('front');
    const [options] = whole.gateway.live.options.cameras;
    const added = whole.gateway.cameras.add({ ...(options as CameraOptions), id: 'side' });
    const answers = Promise.allSettled([removed, added]);
    await whole.killIfThere('sluice/cameras');
    const reason = { code: 'draining', retryAfterMs: 100 };
    expect(await answers).toMatchObject([{ reason }, { reason }]);
  });

  it('are started anew at once, and open a source only when it has been given back', async () => {
    const source = new HeldSource();
    const held = await WholeGateway.start(
      { cameras: [{ id: 'front', source: 'held:', onDemand: false, connectMs: 60_000 }] },
      { sources: () => source },
    );
    const crash = async (): Promise<void> => {
      await held.killIfThere('sluice/cameras');
      await held.settle();
    };
    await crash();
    await crash();
    expect(held.live.cameras().map(({ state }) => state)).toEqual(['opening']);
    expect(source.attempts).toHaveLength(1);
    source.attempts[0]?.finish();
    await held.pass(1);
    expect(source.attempts).toHaveLength(2);
    const stopped = held.stop();
    await held.settle();
    source.attempts[1]?.finish();
    await stopped;
  });
});
