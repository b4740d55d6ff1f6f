/** The figures that `/health` and `/system-resources` give. */
import { statfs } from 'node:fs/promises';
import type { Gateway } from '../gateway/gateway.js';

/** One glance: how it stands, who it is, and how many there are of everything. */
export function health(gateway: Gateway, ready: boolean): Readonly<Record<string, unknown>> {
  const { memory, actors, limits, cpu, eventLoop, uptimeSeconds, ...counts } = gateway.resources();
  return {
    status: gateway.draining ? 'draining' : ready ? 'ok' : 'starting',
    node: gateway.options.node.id,
    realm: gateway.options.node.realm,
    uptimeSeconds,
    actors: actors.total,
    ...counts,
    rssBytes: memory.rss,
    eventLoopUtilization: eventLoop.utilization,
  };
}

/** Everything held, and the disk under the working directory, in bytes. */
export async function systemResources(gateway: Gateway): Promise<Readonly<Record<string, unknown>>> {
  return { ...gateway.resources(), disk: await disk() };
}

async function disk(): Promise<{ readonly free: number; readonly total: number } | null> {
  try {
    const { bavail, blocks, bsize } = await statfs('.');
    return { free: bavail * bsize, total: blocks * bsize };
  } catch {
    // A working directory that has been removed under us has no disk to speak of; the other figures stand.
    return null;
  }
}
