/** A camera that several gateways are configured with: one of them reads it, the others have it from there. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/cluster/engine.js';
import { MemoryHub } from '../../src/cluster/memory-engine.js';
import { writeRecord } from '../../src/cluster/record.js';
import { compareTokens, NO_TOKEN } from '../../src/cluster/token.js';
import { createGateway, type SluiceGateway } from '../../src/create-gateway.js';
import { createGatewayClient } from '../../src/grpc/client.js';
import { realClock } from '../../src/otp/clock.js';
import { SharedDoor } from './shared-door.js';

/** Quick tries. */
const DOOR = {
  id: 'door',
  source: 'door://x',
  lingerMs: 50,
  retry: { delayMs: 20, slowMs: 50, slowMaxMs: 50 },
};
/** So quick that what a lease's end takes fits a test. */
const TIMES = { ttlMs: 1_000, marginMs: 200, renewMs: 100, silenceMs: 600 };

const until = async (what: () => unknown): Promise<void> => {
  for (let n = 0; n < 2_000; n += 1) {
    if (what()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`it has not come: ${what}`);
};

class Watch {
  readonly numbers: number[] = [];
  ended: string | undefined;
  readonly #client;

  constructor(gateway: SluiceGateway) {
    this.#client = createGatewayClient(gateway.addresses.grpc as string);
    this.#client.watch(
      { cameraId: 'door' },
      {
        message: ({ picture }) => void this.numbers.push(picture.readUInt32BE(0)),
        ended: ({ details }) => {
          this.ended = details;
        },
      },
    );
  }

  /** So many more. */
  async sees(count: number): Promise<void> {
    const wanted = this.numbers.length + count;
    await until(() => this.numbers.length >= wanted);
  }

  close(): void {
    this.#client.close();
  }
}

describe('a camera that two gateways are configured with, and a third is not', () => {
  let hub: MemoryHub;
  let door: SharedDoor;
  let gateways: readonly SluiceGateway[];
  let [north, south, west]: SluiceGateway[] = [];
  const watches: Watch[] = [];
  const watch = (gateway: SluiceGateway | undefined): Watch => {
    const one = new Watch(gateway as SluiceGateway);
    watches.push(one);
    return one;
  };
  const make = (id: string, cameras: readonly (typeof DOOR)[]): SluiceGateway =>
    createGateway({
      node: { id },
      grpc: { port: 0 },
      http: { port: 0 },
      logger: pino({ level: 'silent' }),
      cluster: TIMES,
      cameras: [...cameras],
      drivers: { 'door:': door.driver(id) },
      engine: async () => hub.connect(),
    });
  const source = (gateway: SluiceGateway | undefined): string | undefined => gateway?.cameras.views()[0]?.source;

  /** Somebody else writes its lease: the next renewal is refused. */
  const takeLease = async (node: string): Promise<void> => {
    const engine = hub.connect();
    const entry = await new Promise<Entry | undefined>((resolve) =>
      engine.get('nodes', node, (answer) => resolve(answer.type === 'read' ? answer.entry : undefined)),
    );
    const lease = writeRecord({ inc: 1, addr: 'somebody else' });
    await new Promise<unknown>((resolve) => engine.cas('nodes', node, lease, entry?.rev ?? 0, resolve));
    await engine.close();
  };

  beforeEach(async () => {
    hub = new MemoryHub({ clock: realClock, ttlMs: TIMES.ttlMs });
    door = new SharedDoor();
    gateways = [make('north', [DOOR]), make('south', [DOOR]), make('west', [])];
    [north, south, west] = gateways;
    await Promise.all(gateways.map((gateway) => gateway.start()));
    const offered = ({ clusterView }: SluiceGateway): boolean =>
      clusterView()?.members.filter(({ cameras }) => cameras === 1).length === 2;
    await until(() => gateways.every((gateway) => gateway.neighbours.length === 2 && offered(gateway)));
  });

  afterEach(async () => {
    for (const one of watches.splice(0)) one.close();
    await Promise.all(gateways.map((gateway) => gateway.stop({ deadlineMs: 1_000 })));
    hub.close();
    for (const gateway of gateways) expect(gateway.census()).toEqual({});
    expect(door.readers).toEqual([]);
    expect(door.most, 'nobody ever read it beside somebody else').toBe(1);
    const tokens = door.readings.map(({ token = NO_TOKEN }) => token);
    for (const [at, token] of tokens.entries()) {
      expect(compareTokens(token, tokens[at - 1] ?? NO_TOKEN), 'each opening is under a higher token').toBeGreaterThan(
        0,
      );
    }
  });

  it('is read by one of them, and comes from there to the others, once to each', async () => {
    const here = watch(north);
    await here.sees(5);
    const there = [watch(south), watch(south), watch(west)];
    await Promise.all(there.map((one) => one.sees(20)));
    expect(door.readings).toMatchObject([{ by: 'north', key: 'camera.door' }]);
    expect([source(north), source(south), source(west)]).toEqual(['door:', 'door: (from north)', 'node:door']);
    const relays = north?.clusterView()?.relays.map(({ node }) => node);
    expect([...(relays ?? [])].sort()).toEqual(['south', 'west']);
    expect(south?.clusterView()?.relays).toEqual([]);
  });

  it('wanted by all at once, is opened once at a time, and everybody sees it', async () => {
    const all = [watch(north), watch(south), watch(west)];
    await Promise.all(all.map((one) => one.sees(20)));
    expect(door.readers).toHaveLength(1);
  });

  it('is given back when nobody watches any more, and then is whoever wants it next', async () => {
    const first = watch(north);
    await first.sees(5);
    first.close();
    await until(() => door.readers.length === 0 && north?.cluster?.held === 0);
    await watch(south).sees(5);
    expect(door.readings.map(({ by }) => by)).toEqual(['north', 'south']);
  });

  it('is taken by the other when the one that has it drains, after its source is closed', async () => {
    door.closeMs = 50;
    const first = watch(north);
    await first.sees(5);
    const [there, far] = [watch(south), watch(west)];
    await Promise.all([there.sees(5), far.sees(5)]);
    await north?.stop({ deadlineMs: 500 });
    await Promise.all([there.sees(20), far.sees(20)]);
    expect(door.readings.map(({ by }) => by)).toEqual(['north', 'south']);
    expect([there.ended, far.ended]).toEqual([undefined, undefined]);
    expect(source(south)).toBe('door:');
  });

  it('whose gateway has lost its lease is closed there at once, and read by one of them again', async () => {
    const here = watch(north);
    await here.sees(5);
    const there = watch(south);
    await there.sees(5);
    await takeLease('north');
    await until(() => door.readings[0]?.ended);
    await Promise.all([here.sees(20), there.sees(20)]);
    expect(door.readings.length).toBeGreaterThan(1);
    expect([here.ended, there.ended]).toEqual([undefined, undefined]);
  });

  it('whose gateway has vanished is read by the other after the lease has ended and a margin more, and not before', async () => {
    await watch(north).sees(5);
    const there = watch(south);
    await there.sees(5);
    // As if its process stood still: it renews nothing, says nothing, and its source stays open.
    await north?.cluster?.engine.close();
    const beganMs = performance.now();
    await until(() => door.readings.length > 1);
    expect(door.readings[0]?.ended, 'by its own guard').toBe(true);
    expect(performance.now() - beganMs).toBeGreaterThan(TIMES.marginMs);
    await there.sees(10);
    expect(there.ended).toBeUndefined();
  });
});

describe('a camera of a gateway that is alone', () => {
  it('is no key: its source is opened in nobody’s name', async () => {
    const door = new SharedDoor();
    const gateway = createGateway({
      grpc: { port: 0 },
      http: { port: 0 },
      logger: pino({ level: 'silent' }),
      cameras: [DOOR],
      drivers: { 'door:': door.driver('alone') },
    });
    await gateway.start();
    const one = new Watch(gateway);
    await one.sees(5);
    expect(door.readings).toMatchObject([{ by: 'alone', key: undefined, token: undefined }]);
    expect(gateway.cameras.views()[0]?.source).toBe('door:');
    one.close();
    await gateway.stop({ deadlineMs: 1_000 });
    expect(gateway.census()).toEqual({});
  });
});
