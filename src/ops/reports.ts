/** The figures that `/health` and `/system-resources` give. */
import { statfs } from 'node:fs/promises';
import { countStates } from '../gateway/data-age.js';
import type { Gateway } from '../gateway/gateway.js';

/** So many cameras are named, and the others counted. */
const LISTED_MAX = 100;

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
    data: dataHealth(gateway),
  };
}

/** Who has data and who is merely connected, and the oldest that is said to flow. */
function dataHealth(gateway: Gateway): Readonly<Record<string, unknown>> {
  const [cameras, streams] = [gateway.cameras(), gateway.streams()];
  const ages = cameras.flatMap(({ data }) => (data?.state === 'flowing' ? (data.inMs ?? []) : []));
  return {
    cameras: countStates(cameras),
    streams: countStates(streams),
    oldestMs: ages.length > 0 ? Math.max(...ages) : null,
    noData: cameras.flatMap(({ id, data }) => (data?.state === 'connected_no_data' ? id : [])).slice(0, LISTED_MAX),
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
