/** Three real nats-servers on loopback that hold one JetStream together; each may be killed and come back with its folder. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../src/cluster/engine.js';
import { type NatsEngineOptions, openNatsEngine } from '../../src/cluster/nats/nats-engine.js';
import { freePort, NatsServer } from './nats-server.js';

/** How long the three may take to agree on who leads. */
const ELECTION_MS = 30_000;

export async function startNatsCluster(size = 3): Promise<readonly NatsServer[]> {
  const ports = await Promise.all(Array.from({ length: size }, freePort));
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(',');
  return Promise.all(
    ports.map((port, at) =>
      NatsServer.start({
        args: [
          '-n',
          `n${at + 1}`,
          '--cluster_name',
          'sluice',
          '--cluster',
          `nats://127.0.0.1:${port}`,
          '--routes',
          routes,
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
