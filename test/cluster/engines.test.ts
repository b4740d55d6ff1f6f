import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { realClock } from '../../src/otp/clock.js';
import { LEASE_MS } from './asking.js';
import { engineContract } from './engine-contract.js';
import { SimulatedEngine } from './simulated-engine.js';
import { SimulatedStore } from './simulated-store.js';
import { Dice, Network, Timeline } from './simulated-world.js';

engineContract('memory', async () => {
  const hub = new MemoryHub({ clock: realClock, ttlMs: LEASE_MS });
  const [a, b] = [hub.connect(), hub.connect()];
  return {
    a,
    b,
    pass: (ms) => sleep(ms).then(() => {}),
    close: async () => {
      await a.close();
      await b.close();
      hub.close();
    },
  };
});

engineContract('simulated', async () => {
  const dice = new Dice(1);
  const timeline = new Timeline(dice);
  const store = new SimulatedStore(timeline, new Network(timeline, dice, 0), dice, LEASE_MS);
  const open = (name: string): SimulatedEngine => new SimulatedEngine(name, store, (fn) => fn(), 500, {});
  return {
    a: open('a'),
    b: open('b'),
    pass: async (ms) => void timeline.run(timeline.nowMs + ms),
    close: async () => {},
  };
});
