/**
 * The buckets. One that exists is opened with the settings it has, whatever was asked for, and NATS says nothing; so they are
 * compared, and a difference that matters is refused by name.
 */
import type { JetStreamClient, JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import type { KV, KvOptions } from '@nats-io/kv';
import { BUCKETS, type Bucket } from '../engine.js';
import { type NatsOptions, tellsExpiry } from './nats-options.js';
import type { NatsPackages } from './nats-packages.js';

/** How long the mark of a forgotten lease stays, for watchers that lag. */
const MARKER_MS = 60_000;
const NANOS_IN_MS = 1_000_000;

export async function openBuckets(
  { jetstream: { StorageType }, kv: { Kvm } }: NatsPackages,
  client: JetStreamClient,
  manager: JetStreamManager,
  options: NatsOptions & { readonly ttlMs: number },
  version: string,
): Promise<Readonly<Record<Bucket, KV>>> {
  const kvm = new Kvm(client);
  const storage = options.storage === 'memory' ? StorageType.Memory : StorageType.File;
  const open = async (bucket: Bucket): Promise<KV> => {
    const name = `${options.prefix}-${bucket}`;
    const leases = bucket === 'nodes';
    const wanted: Partial<KvOptions> = {
      history: 1,
      replicas: options.replicas,
      storage,
      // A follower may answer a direct get with what was true before: owners are read from the leader.
      allow_direct: false,
      ...(leases ? { ttl: options.ttlMs } : {}),
      ...(leases && tellsExpiry(version) ? { markerTTL: MARKER_MS } : {}),
    };
    let kv: KV;
    try {
      kv = await kvm.create(name, wanted);
    } catch (cause) {
      throw new Error(`cluster.nats: the bucket "${name}" cannot be opened: ${(cause as Error).message}`, { cause });
    }
    const { config } = await manager.streams.info(`KV_${name}`);
    const fault = settingsFault(name, config, {
      num_replicas: options.replicas,
      storage,
      max_age: leases ? options.ttlMs * NANOS_IN_MS : 0,
    });
    if (fault !== undefined) throw new Error(fault);
    return kv;
  };
  const opened = await Promise.all(BUCKETS.map(async (bucket) => [bucket, await open(bucket)] as const));
  return Object.fromEntries(opened) as Record<Bucket, KV>;
}

function settingsFault(
  name: string,
  config: StreamConfig,
  wanted: Pick<StreamConfig, 'num_replicas' | 'storage' | 'max_age'>,
): string | undefined {
  const line = (what: string, expected: unknown, got: unknown): string =>
    `cluster.nats: the bucket "${name}" exists with ${what} ${String(got)}, expected ${String(expected)}; change the configuration or the bucket`;
  if (config.num_replicas !== wanted.num_replicas) return line('replicas', wanted.num_replicas, config.num_replicas);
  if (config.storage !== wanted.storage) return line('storage', wanted.storage, config.storage);
  if (config.max_age !== wanted.max_age) {
    return line('a time to live of (ms)', wanted.max_age / NANOS_IN_MS, config.max_age / NANOS_IN_MS);
  }
  if (config.allow_direct) return line('allow_direct', false, true);
  return undefined;
}
