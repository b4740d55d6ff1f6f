/** Three real nats-servers on loopback that hold one JetStream together; each may be killed and come back with its folder. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../src/cluster/engine.js';
import { type NatsEngineOptions, openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import { freePort, NatsServer } from './nats-server.js';

/** How long the three may take to agree on who leads. */
const ELECTION_MS = 30_000;

export interface Place {
  /** Default: loopback. */
  readonly address?: string;
  readonly namespace?: string;
}

export async function startNatsCluster(places: readonly Place[] = [{}, {}, {}]): Promise<readonly NatsServer[]> {
  const listen = await Promise.all(
    places.map(async ({ address = '127.0.0.1' }) => `nats://${address}:${await freePort()}`),
  );
  return Promise.all(
    places.map((place, at) =>
      NatsServer.start({
        ...place,
        args: [
          '-n',
          `n${at + 1}`,
          '--cluster_name',
          'sluice',
          '--cluster',
          listen[at] as string,
          '--routes',
          listen.join(','),
        ],
      }),
    ),
  );
}

/** Opens an engine as soon as the servers have a leader. */
export async function openWhenLed(options: NatsEngineOptions): Promise<Engine> {
  const giveUpAtMs = performance.now() + ELECTION_MS;
  for (;;) {
    try {
      return await openNatsEngine(options);
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
      await sleep(250);
    }
  }
}
