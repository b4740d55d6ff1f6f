import { describe, expect, it } from 'vitest';
import { COURIER_SHUTDOWN_MS, Courier, courierLogic } from '../../src/gateway/courier.js';
import { Place } from '../../src/gateway/place.js';
import { type Application, assertNoLeaks, startApplication, VirtualClock } from '../../src/otp/index.js';

async function withCourier(): Promise<{ app: Application; courier: Courier; clock: VirtualClock }> {
  const place = new Place();
  const clock = new VirtualClock();
  const children = [{ id: 'courier', shutdown: COURIER_SHUTDOWN_MS, start: place.starts(courierLogic) }];
  const app = await startApplication('top', { children }, { clock });
  return { app, courier: new Courier(place), clock };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('a courier', () => {
  it('is not hurt by an errand that fails', async () => {
    const { app, courier } = await withCourier();
    courier.carry(() => Promise.reject(new Error('no answer')));
    await settle();
    expect(courier.carry(() => Promise.resolve())).toBe(true);
    await app.stop();
    assertNoLeaks(app.system);
  });

  it('ends when what is under way has come to its end', async () => {
    const { app, courier } = await withCourier();
    let arrive = (): void => {};
    courier.carry(() => new Promise((resolve) => (arrive = resolve)));
    let stopped = false;
    const stopping = app.stop().then(() => (stopped = true));
    await settle();
    expect(stopped).toBe(false);
    arrive();
    await stopping;
    assertNoLeaks(app.system);
  });

  it('aborts what is under way when its time is over', async () => {
    const { app, courier, clock } = await withCourier();
    let aborted = false;
    courier.carry(
      (signal) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            aborted = true;
            resolve();
          }),
        ),
    );
    const stopping = app.stop();
    await settle();
    clock.advance(COURIER_SHUTDOWN_MS);
    await stopping;
    expect(aborted).toBe(true);
    expect(courier.carry(() => Promise.resolve())).toBe(false);
    assertNoLeaks(app.system);
  });
});
