/** How NATS is reached. */
export interface NatsOptions {
  /** Tried in this order, so the nearest first. */
  readonly servers: readonly string[];
  /** Begins the names of buckets and subjects; gateways of one prefix share what they own. */
  readonly prefix: string;
  /** Copies of each record: 1, or 3 and 5 with as many servers. */
  readonly replicas: number;
  readonly storage: 'file' | 'memory';
  /** Added to the stream's time of creation; raised by an operator after a restore. */
  readonly eraBump: number;
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  readonly token?: string | undefined;
  /** Path of a credentials file (JWT and nkey). */
  readonly creds?: string | undefined;
  /** Path of an nkey's seed. */
  readonly nkey?: string | undefined;
  /** Paths of PEM files. */
  readonly tls?:
    | { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }
    | undefined;
}

/** Older servers can lose a whole stream when they crash (fixed in 2.10.23). */
export const NATS_MINIMUM = [2, 10, 23] as const;
/** From here on the end of a lease is told by the engine. */
const NATS_RECOMMENDED = [2, 12, 0] as const;

/** What is wrong with this version of the server; undefined when nothing is. */
export function versionFault(version: string): string | undefined {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  if (!parts) return `cluster.nats: expected a server that tells its version, got "${version.slice(0, 40)}"`;
  if (!below(parts, NATS_MINIMUM)) return undefined;
  return `cluster.nats: expected a NATS server of at least ${NATS_MINIMUM.join('.')} (${NATS_RECOMMENDED.join('.')} or later is recommended), got ${version}`;
}

/** Whether the server tells the end of a lease; below, nodes ask. */
export function tellsExpiry(version: string): boolean {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  return parts !== undefined && !below(parts, [2, 11, 0]);
}

function below(version: readonly number[], limit: readonly number[]): boolean {
  for (const [index, part] of limit.entries()) {
    const own = version[index] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}
