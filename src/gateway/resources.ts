/** The gateway's own figures, read where they are kept. Nothing here keeps any. */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { System } from '../otp/system.js';
import type { Cameras } from './cameras.js';
import type { Channel } from './channel.js';
import type { Channels } from './channels.js';
import type { ClientManager } from './client-manager.js';
import type { GatewayOptions } from './options.js';
import type { Rooms } from './rooms.js';
import type { Sessions } from './sessions.js';
import { orphans } from './structure.js';
import type { Switchboard } from './switchboard.js';
import type { ClusterView, Resources } from './views.js';

/** Whose things are counted. */
export interface CountedParts {
  readonly options: GatewayOptions;
  readonly system: System;
  readonly manager: ClientManager;
  readonly sessions: Sessions;
  readonly cameraTable: Cameras;
  readonly rooms: Rooms;
  readonly board: Switchboard;
  readonly channels: Pick<Channels<Channel>, 'counts' | 'views' | 'evict'>;
  /** Absent where this gateway is alone. */
  readonly cluster?: (() => ClusterView) | undefined;
}

/** What is known to the gateway that is running and to none of its parts. */
export interface RunningFigures {
  /** Viewers over HTTP. */
  readonly views: number;
  readonly startedAtMs: number;
  /** Since when the event loop's use is measured. */
  readonly loopSince: EventLoopUtilization;
}

export function resourcesOf(parts: CountedParts, { views, startedAtMs, loopSince }: RunningFigures): Resources {
  const { system, manager, sessions, cameraTable, rooms, board, channels, options } = parts;
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const { user, system: kernel } = process.cpuUsage();
  const byKind: Record<string, number> = {};
  for (const { kind } of system.processes) byKind[kind] = (byKind[kind] ?? 0) + 1;
  const { clients, clientStreams, streams } = manager.counts;
  const { census } = system;
  const recordings = cameraTable.recorders.totals;
  const cluster = parts.cluster?.();
  const unowned = system.root ? orphans(system.root).length : 0;
  return {
    memory: { rss, heapUsed, external, arrayBuffers },
    cpu: { userMs: user / 1_000, systemMs: kernel / 1_000 },
    eventLoop: { utilization: performance.eventLoopUtilization(loopSince).utilization },
    actors: { total: system.processes.size, byKind },
    clients,
    client_streams: clientStreams,
    streams: streams + views + rooms.openStreams,
    sessions: sessions.size,
    rooms: rooms.size,
    cameras: cameraTable.size,
    viewers: cameraTable.viewers,
    services: board.services.counts.services,
    calls: board.calls.size,
    topics: board.topics.counts.subscriptions,
    channels: channels.counts?.open ?? 0,
    workers: census.count('source') + census.count('child_process') + census.count('recorder'),
    monitors: system.monitors,
    timers: census.count('timer') + system.chartTimers(),
    handles: process.getActiveResourcesInfo().length,
    orphans: unowned + manager.faults().length,
    ...(recordings ? { recordings } : {}),
    limits: { ...options.limits },
    uptimeSeconds: (system.clock.now() - startedAtMs) / 1_000,
    ...(cluster ? { cluster: clusterFigures(cluster) } : {}),
  };
}

function clusterFigures({ members, keys }: ClusterView): NonNullable<Resources['cluster']> {
  return { members: members.length, suspects: members.filter(({ state }) => state === 'suspect').length, keys };
}
