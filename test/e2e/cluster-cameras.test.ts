/**
 * A camera that two gateways are configured with, on a real NATS server; the camera is the example of the documentation, in a process
 * of its own, and tells who reads it. The gateway that reads it is killed, or stands still and comes back.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { compareTokens, parseToken, type Token } from '../../src/cluster/token.js';
import { NatsServer, natsMissing } from '../cluster/nats-server.js';
import { root } from '../house/source-files.js';
import { ClusterGateway } from './cluster-gateways.js';
import { eventually } from './eventually.js';
import { HeldWay } from './held-way.js';
import { TestProcess } from './processes.js';
import { ViewerProcess } from './viewer-process.js';

const missing = natsMissing();

interface Said {
  readonly what: string;
  readonly token: Token;
}

/** The camera, and what it says of those who read it. */
class Device {
  readonly process: TestProcess;
  address = '';

  constructor() {
    const fault = inject('buildFault');
    if (fault) throw new Error(fault);
    const script = join(root, 'examples/apps/camera-device.mjs');
    this.process = new TestProcess('env', ['PORT=0', process.execPath, script], { cwd: root });
  }

  async started(): Promise<this> {
    this.address = (await this.process.printed(/^listening on (\S+)$/m))[1] as string;
    return this;
  }

  get said(): readonly Said[] {
    return [...this.process.stdout.matchAll(/^(reading|ended|refused) camera\.door (\d+\.\d+)/gm)].map(
      ([, what, token]) => ({ what: what as string, token: parseToken(token as string) as Token }),
    );
  }

  async has(what: string, count: number): Promise<void> {
    await eventually(
      `${count} times ${what} at the camera`,
      () => this.said,
      (said) => said.filter((one) => one.what === what).length >= count,
    );
  }

  /** Nobody began before the one before had ended, and each under a higher token. */
  expectOneAtATime(): void {
    const turns = this.said.filter(({ what }) => what !== 'refused');
    for (const [at, { what, token }] of turns.entries()) {
      expect(what, JSON.stringify(turns)).toBe(at % 2 === 0 ? 'reading' : 'ended');
      if (what === 'ended') expect(token).toEqual(turns[at - 1]?.token);
    }
    const begun = turns.filter(({ what }) => what === 'reading').map(({ token }) => token);
    for (const [at, token] of begun.slice(1).entries()) {
      expect(compareTokens(token, begun[at] as Token)).toBeGreaterThan(0);
    }
  }
}

const camera = (address: string): string =>
  `cameras: [{ id: door, source: "grpc://${address}/door", lingerMs: 0, retry: { delayMs: 100, slowMs: 200, slowMaxMs: 400 } }]`;

describe.skipIf(missing)(`a camera of two gateways on NATS${missing === undefined ? '' : `: ${missing}`}`, () => {
  let server: NatsServer;
  let prefixes = 0;

  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.remove());

  const start = async (ways: { readonly north: string; readonly south: string }) => {
    prefixes += 1;
    const prefix = `cameras-${prefixes}`;
    const [north, south] = await Promise.all([
      ClusterGateway.start('north', server, prefix, camera(ways.north)),
      ClusterGateway.start('south', server, prefix, camera(ways.south)),
    ]);
    await Promise.all([north.sees(2), south.sees(2)]);
    return { north, south };
  };
  const sourceAt = async (gateway: ClusterGateway): Promise<string> => (await gateway.process.camera('door')).source;

  it('is read by one, and by the other when that one is killed: never by two, and each time under a higher token', async () => {
    const device = await new Device().started();
    const { north, south } = await start({ north: device.address, south: device.address });
    const here = new ViewerProcess(north.process, 'door');
    await here.sees(5);
    const there = new ViewerProcess(south.process, 'door');
    await there.sees(20);
    expect(device.said.map(({ what }) => what)).toEqual(['reading']);
    expect(await sourceAt(south)).toBe(`grpc://${device.address}/door (from north)`);

    north.process.process.signal('SIGKILL');
    await device.has('ended', 1);
    await device.has('reading', 2);
    await there.sees(there.frames.length + 10);
    expect(there.end).toBeUndefined();
    expect(await sourceAt(south)).toBe(`grpc://${device.address}/door`);

    // One that comes back finds it held.
    device.expectOneAtATime();
    await there.leave();
    await device.has('ended', 2);
    expect((await south.view()).keys, 'given back with the source').toBe(0);
  });

  it('read by one that stands still, is read by the other after its lease; what the first had said arrives late and is refused', async () => {
    const device = await new Device().started();
    const way = await HeldWay.to(device.address);
    const { north, south } = await start({ north: way.address, south: device.address });
    // Its connection stands; the next call is on its way for long.
    const first = new ViewerProcess(north.process, 'door');
    await first.sees(3);
    await first.leave();
    await device.has('ended', 1);
    way.hold();
    const here = new ViewerProcess(north.process, 'door');
    await eventually('its call is on its way', () => way.waiting > 0);
    await eventually(
      'it holds the camera',
      () => north.view(),
      ({ keys }) => keys === 1,
    );
    north.process.process.signal('SIGSTOP');

    const there = new ViewerProcess(south.process, 'door');
    await there.sees(10);
    expect(device.said.map(({ what }) => what)).toEqual(['reading', 'ended', 'reading']);
    way.release();
    await device.has('refused', 1);
    north.process.process.signal('SIGCONT');
    await north.is('up');
    await here.sees(10);
    expect(await sourceAt(north)).toBe(`grpc://${way.address}/door (from south)`);
    expect(await north.eventTypes()).toContain('cluster.fenced');
    expect([here.end, there.end]).toEqual([undefined, undefined]);
    device.expectOneAtATime();
    const stale = device.said.filter(({ what }) => what === 'refused');
    const current = device.said.filter(({ what }) => what === 'reading').at(-1)?.token as Token;
    expect(stale).toHaveLength(1);
    for (const { token } of stale) expect(compareTokens(token, current)).toBeLessThan(0);
  });

  it('read by one that stands still in the midst of it, is read by the other only, and from there when the first is back', async () => {
    const device = await new Device().started();
    const { north, south } = await start({ north: device.address, south: device.address });
    const here = new ViewerProcess(north.process, 'door');
    const there = new ViewerProcess(south.process, 'door');
    await Promise.all([here.sees(5), there.sees(5)]);
    const [holder, other] = (await sourceAt(north)).endsWith('door') ? [north, south] : [south, north];
    const [held, seen] = holder === north ? [here, there] : [there, here];
    holder.process.process.signal('SIGSTOP');
    await device.has('reading', 2);
    await seen.sees(seen.frames.length + 10);
    holder.process.process.signal('SIGCONT');
    await holder.is('up');
    await held.sees(held.frames.length + 10);
    expect(await sourceAt(holder)).toMatch(new RegExp(`from ${other.node}\\)$`));
    device.expectOneAtATime();
  });
});
