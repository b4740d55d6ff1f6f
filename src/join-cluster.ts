/** What the configuration says of the cluster, as an actor for the tree; nothing where this gateway is alone. */
import { ClusterActor } from './cluster/cluster-actor.js';
import type { Engine } from './cluster/engine.js';
import { openNatsEngine } from './cluster/nats/nats-engine.js';
import { openNatsMedia } from './cluster/nats/nats-media.js';
import type { ClusterNote } from './cluster/node-parts.js';
import { cameraKeys } from './configuration/camera-keys.js';
import type { Configuration } from './configuration.js';
import type { CameraOptions } from './gateway/options.js';
import type { Clock } from './otp/clock.js';

export interface JoinParts {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly random: () => number;
  /** An engine of the host's own: for several gateways in one process. */
  readonly engine?: (() => Promise<Engine>) | undefined;
  readonly note: (type: ClusterNote, detail: Readonly<Record<string, unknown>>) => void;
}

export function joinCluster({ configuration, clock, random, engine, note }: JoinParts): ClusterActor | undefined {
  const { cluster, node } = configuration;
  const { nats, ttlMs, marginMs, renewMs, silenceMs, answerMs } = cluster;
  const there = nats === undefined ? undefined : { ...cluster, servers: nats.split(','), node: node.id };
  const open = engine ?? (there && (() => openNatsEngine(there)));
  if (!open) return undefined;
  const options = { ttlMs, marginMs, renewMs, silenceMs, answerMs };
  return new ClusterActor({
    name: node.id,
    openEngine: open,
    ...(there && !engine ? { openMedia: () => openNatsMedia(there) } : {}),
    farCamera: (id) => cameraKeys.parse({ id, source: `node:${encodeURIComponent(id)}` }) as CameraOptions,
    clock,
    random,
    options,
    note,
  });
}
