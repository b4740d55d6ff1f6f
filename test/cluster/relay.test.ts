/** A camera of one gateway watched at another: in memory, and on a real NATS server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/cluster/engine.js';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import type { SluiceGateway } from '../../src/create-gateway.js';
import type { SourceListener } from '../../src/gateway/frame-source.js';
import { createGatewayClient } from '../../src/grpc/client.js';
import { realClock } from '../../src/otp/clock.js';
import { NatsServer, natsMissing } from './nats-server.js';
import { type Pair, startPair, Visit } from './two-gateways.js';

const FRAME_BYTES = 20_000;
const FRAME_MS = 10;

const until = async (what: () => unknown): Promise<void> => {
  for (let n = 0; n < 2_000; n += 1) {
    if (what()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`it has not come: ${what}`);
};

/** The door's camera: a picture every 10 ms, each with its number in it, while it is open. */
class Door {
  openings = 0;
  pictures = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly listeners = new Set<SourceListener>();

  readonly driver = () => ({
    kind: 'door',
    label: 'door:',
    open: (listener: SourceListener) => {
      this.openings += 1;
      this.listeners.add(listener);
      this.#timer ??= setInterval(() => this.#tick(), FRAME_MS);
      return {
        close: async () => {
          this.listeners.delete(listener);
          if (this.listeners.size > 0) return;
          clearInterval(this.#timer);
          this.#timer = undefined;
        },
      };
    },
  });

  #tick(): void {
    this.pictures += 1;
    const data = Buffer.alloc(FRAME_BYTES);
    data.writeUInt32BE(this.pictures);
    for (const listener of this.listeners) listener.picture({ contentType: 'image/jpeg', data });
  }
}

class Watch {
  readonly numbers: number[] = [];
  ended: string | undefined;
  readonly #client;

  constructor(gateway: SluiceGateway, cameraId = 'door', nodeId?: string) {
    this.#client = createGatewayClient(gateway.addresses.grpc as string);
    this.#client.watch(
      { cameraId },
      {
        message: ({ picture }) => void this.numbers.push(picture.readUInt32BE(0)),
        ended: ({ details }) => {
          this.ended = details;
        },
      },
      { nodeId },
    );
  }

  close(): void {
    this.#client.close();
  }
}

const missing = natsMissing();

describe.each([
  ['in memory', undefined],
  [`on NATS${missing === undefined ? '' : `: ${missing}`}`, missing ?? ''],
])('a camera of another gateway, %s', (_name, nats) => {
  describe.skipIf(nats)('watched here', () => {
    let server: NatsServer | undefined;
    let hub: MemoryHub | undefined;
    let door: Door;
    let pair: Pair;
    let north: SluiceGateway;
    let south: SluiceGateway;
    let prefixes = 0;
    const engines = new Map<string, Engine>();
    const watches: Watch[] = [];
    const watch = (gateway: SluiceGateway, cameraId?: string, nodeId?: string): Watch => {
      const one = new Watch(gateway, cameraId, nodeId);
      watches.push(one);
      return one;
    };

    beforeAll(async () => {
      if (nats === '') server = await NatsServer.start();
    });
    afterAll(() => server?.remove());

    beforeEach(async () => {
      door = new Door();
      prefixes += 1;
      hub = nats === undefined ? new MemoryHub({ clock: realClock, ttlMs: 12_000 }) : undefined;
      const engine = hub
        ? (node: string) => async () => {
            const opened = (hub as MemoryHub).connect();
            engines.set(node, opened);
            return opened;
          }
        : undefined;
      const cameras = [{ id: 'door', source: 'door://x', lingerMs: 100 }];
      pair = await startPair(
        engine,
        {
          drivers: { 'door:': door.driver },
          ...(server ? { cluster: { nats: server.url, prefix: `relay-${prefixes}` } } : {}),
        },
        { south: { cameras } },
      );
      [north, south] = pair.gateways;
      await until(() => south.cluster && north.neighbours.includes('south') && south.neighbours.includes('north'));
      await until(() => pair.views[0]?.()?.members.some(({ id, cameras }) => id === 'south' && cameras === 1));
    });

    afterEach(async () => {
      for (const one of watches.splice(0)) one.close();
      await pair.stop();
      hub?.close();
      expect(north.census()).toEqual({});
      expect(south.census()).toEqual({});
      expect(door.listeners.size).toBe(0);
    });

    it('comes picture by picture, in order, whole, and crosses once however many watch', async () => {
      const here = [watch(north), watch(north), watch(north)];
      await until(() => here.every(({ numbers }) => numbers.length >= 50));
      for (const { numbers } of here) {
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        expect(new Set(numbers).size).toBe(numbers.length);
      }
      expect(door.openings).toBe(1);
      expect(south.cameras.get('door').viewers, 'one for each watching node').toBe(1);
      expect(north.cameras.get('door').viewers).toBe(3);
      const relays = pair.views[1]?.()?.relays ?? [];
      expect(relays).toMatchObject([{ camera: 'door', node: 'north' }]);
      expect(relays[0]?.sent).toBeLessThanOrEqual(door.pictures);
      // What it has from there it does not offer on.
      expect(south.cameras.views().map(({ id, source }) => [id, source])).toEqual([['door', 'door:']]);
      expect(north.cameras.views()).toMatchObject([{ id: 'door', source: 'node:door' }]);
    });

    it('is closed there when nobody watches here any more', async () => {
      const one = watch(north);
      await until(() => one.numbers.length > 5);
      one.close();
      await until(() => door.listeners.size === 0 && south.cameras.get('door').viewers === 0);
    });

    it('S4-25 goes on for a user who switches to the other gateway and back', async () => {
      const visits: Visit[] = [];
      let before: Watch | undefined;
      for (const [n, gateway] of [north, south, north].entries()) {
        const visit = new Visit(gateway, 'ada', n + 1);
        visits.push(visit);
        await visit.welcomed;
        const now = watch(gateway, 'door', 'ada');
        await until(() => now.numbers.length > 5);
        await until(() => before === undefined || before.ended !== undefined);
        before = now;
      }
      expect(before?.ended).toBeUndefined();
      for (const visit of visits) visit.close();
    });

    it('is not found where no gateway has it', async () => {
      const lost = watch(north, 'nowhere');
      await until(() => lost.ended !== undefined);
      expect(lost.ended).toMatch(/^camera_not_found/);
    });

    it('is gone when its gateway drains: its viewers wait here, and nothing is left of the relay', async () => {
      const one = watch(north);
      await until(() => one.numbers.length > 5);
      await south.stop({ deadlineMs: 500 });
      await until(
        () =>
          ['slow', 'backing_off', 'retrying', 'opening'].some((state) =>
            north.cameras.views()[0]?.state.includes(state),
          ) || north.cameras.views()[0]?.lastError,
      );
      expect(one.ended).toBeUndefined();
      expect(north.cameras.views()[0]?.lastError).toMatch(/gone|ended|no other gateway/);
    });
  });
});
