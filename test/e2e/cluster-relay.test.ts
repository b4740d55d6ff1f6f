/** A camera of one gateway watched at two others over a real NATS server; one of these stands still, and dies. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createGatewayClient } from '../../src/grpc/client.js';
import { NatsServer, natsMissing } from '../cluster/nats-server.js';
import { ClusterGateway } from './cluster-gateways.js';
import { eventually } from './eventually.js';

const missing = natsMissing();
const CAMERA = 'cameras: [{ id: door, source: "clip:", lingerMs: 200 }]';

class Watching {
  readonly seqs: number[] = [];
  longestGapMs = 0;
  ended: string | undefined;
  #lastMs = 0;

  constructor(gateway: ClusterGateway) {
    const client = createGatewayClient(gateway.addresses.grpc);
    onTestFinished(() => client.close());
    client.watch(
      { cameraId: 'door' },
      {
        message: ({ seq }) => {
          const nowMs = performance.now();
          if (this.#lastMs > 0) this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.#lastMs);
          this.#lastMs = nowMs;
          this.seqs.push(seq);
        },
        ended: ({ details }) => {
          this.ended = details;
        },
      },
    );
  }

  sees(count: number): Promise<unknown> {
    const wanted = this.seqs.length + count;
    return eventually(`${wanted} frames`, () => this.seqs.length >= wanted);
  }
}

describe.skipIf(missing)(`a camera watched at two other gateways${missing === undefined ? '' : `: ${missing}`}`, () => {
  let server: NatsServer;

  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.remove());

  it('goes on at the one while the other stands still and dies, and ends at neither when its own gateway is replaced', async () => {
    const owner = await ClusterGateway.start('owner', server, 'relay', CAMERA);
    const [north, west] = await Promise.all([
      ClusterGateway.start('north', server, 'relay'),
      ClusterGateway.start('west', server, 'relay'),
    ]);
    await Promise.all([owner, north, west].map((gateway) => gateway.sees(3)));
    await eventually('the offer is known', async () => {
      const { status } = await fetch(`${north.process.http}/cameras/door/snapshot.jpg`);
      return status === 200;
    });
    const [there, stuck] = [new Watching(north), new Watching(west)];
    await there.sees(20);
    await stuck.sees(20);
    there.longestGapMs = 0;
    const before = there.seqs.length;
    west.process.process.signal('SIGSTOP');
    await sleep(4_000);
    const { relays } = await owner.view();
    console.log(
      `longest gap at the other one: ${there.longestGapMs.toFixed(0)} ms in ${there.seqs.length - before} frames; ${JSON.stringify(relays)}`,
    );
    expect(there.seqs.length - before).toBeGreaterThan(20);
    expect(there.longestGapMs, 'it did not stand still with the other').toBeLessThan(3_500);
    const seen = there.seqs.slice(before);
    expect(seen, 'none is missing').toEqual(seen.map((_, at) => (seen[0] as number) + at));
    // Stopped for longer than the silence: it is taken for gone, and nothing is sent for it any more.
    await eventually(
      'one relay is left',
      () => owner.view(),
      (view) => view.relays.length === 1 && view.relays[0]?.node === 'north',
    );
    west.process.process.signal('SIGCONT');
    await west.is('up');
    await stuck.sees(20);
    expect(stuck.ended).toBeUndefined();

    // Killed for good.
    west.process.process.signal('SIGKILL');
    await there.sees(10);

    // A rolling restart of the owner: its camera comes from the next one that has it.
    const second = await ClusterGateway.start('second', server, 'relay', CAMERA);
    await second.sees(3);
    owner.process.process.signal('SIGTERM');
    expect(await owner.process.process.end()).toEqual({ code: 0, signal: null });
    await there.sees(20);
    expect(there.ended).toBeUndefined();
    expect((await second.view()).relays).toMatchObject([{ camera: 'door', node: 'north' }]);
  });
});
