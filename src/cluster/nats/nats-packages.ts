/** NATS's packages are optional peers: loaded at first use, and one clear error where they are absent. */
import type * as JetStream from '@nats-io/jetstream';
import type * as Kv from '@nats-io/kv';
import type * as Transport from '@nats-io/transport-node';

export interface NatsPackages {
  readonly transport: typeof Transport;
  readonly jetstream: typeof JetStream;
  readonly kv: typeof Kv;
}

/** @throws an error that names the packages to install. */
export async function loadNats(): Promise<NatsPackages> {
  try {
    const [transport, jetstream, kv] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/kv'),
    ]);
    return { transport, jetstream, kv };
  } catch (cause) {
    throw new Error(
      'cluster.nats needs the packages @nats-io/transport-node, @nats-io/jetstream and @nats-io/kv: npm install them beside sluice',
      { cause },
    );
  }
}
