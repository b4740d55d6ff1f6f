import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
