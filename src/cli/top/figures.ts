/** The figures of the header: what a gateway holds now, and how fast things happen, from what was seen of it lately. */
import type { Resources } from '../../gateway/views.js';
import { type Counters, lateness99 } from './exposition.js';

/** What was seen at one time. */
export interface Sample {
  readonly atMs: number;
  readonly resources: Resources;
  /** Undefined where the gateway gives no metrics. */
  readonly counters: Counters | undefined;
}

/** For scripts as well (`--once --json`): null is unknown. */
export interface Figures {
  readonly uptimeSeconds: number;
  readonly actors: number;
  readonly clients: number;
  readonly streams: number;
  readonly messagesPerSecond: number | null;
  readonly dropsPerSecond: number | null;
  /** In the last minute, or since the first look where that is less. */
  readonly restartsPerMinute: number | null;
  readonly reconnectsPerMinute: number | null;
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** In 99 of 100 turns at most so late. */
  readonly eventLoopLateMs: number | null;
  /** 0 idle, 1 never idle. */
  readonly eventLoopUse: number;
  readonly orphans: number;
  /** What has come to 85 % of its limit. */
  readonly nearLimit: readonly NearLimit[];
}

export interface NearLimit {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
}

const WINDOW_MS = 60_000;
const NEAR = 0.85;

/** Figures of a gateway whose limits are counted for all of it; others are per client or per camera. */
const LIMITED = ['clients', 'cameras', 'calls', 'channels', 'services'] as const;

/** The samples that are still of use when `sample` has come. */
export function remembered(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const [last] = samples.slice(-1);
  // A gateway that was started again counts from nothing.
  if (last && sample.resources.uptimeSeconds < last.resources.uptimeSeconds) return [sample];
  return [...samples.filter(({ atMs }) => sample.atMs - atMs <= WINDOW_MS), sample];
}

/** @param samples the oldest first, at least one. */
export function figuresOf(samples: readonly Sample[]): Figures {
  const now = samples.at(-1) as Sample;
  const { resources, counters } = now;
  const perSecond = (of: (counters: Counters) => number): number | null => {
    const before = samples.at(-2);
    if (!counters || !before?.counters || now.atMs <= before.atMs) return null;
    return (Math.max(0, of(counters) - of(before.counters)) * 1_000) / (now.atMs - before.atMs);
  };
  const oldest = samples.length > 1 ? samples[0] : undefined;
  const lately = (of: (counters: Counters) => number): number | null =>
    counters && oldest?.counters ? Math.max(0, of(counters) - of(oldest.counters)) : null;
  const lateSeconds = counters && lateness99(oldest?.counters, counters);
  return {
    uptimeSeconds: resources.uptimeSeconds,
    actors: resources.actors.total,
    clients: resources.clients,
    streams: resources.streams,
    messagesPerSecond: perSecond(({ frames }) => frames),
    dropsPerSecond: perSecond(({ drops }) => drops),
    restartsPerMinute: lately(({ restarts }) => restarts),
    reconnectsPerMinute: lately(({ reconnects }) => reconnects),
    heapBytes: resources.memory.heapUsed,
    rssBytes: resources.memory.rss,
    eventLoopLateMs: lateSeconds === undefined ? null : lateSeconds * 1_000,
    eventLoopUse: resources.eventLoop.utilization,
    orphans: resources.orphans,
    nearLimit: LIMITED.flatMap((name) => {
      const limit = resources.limits[name];
      const used = resources[name];
      return limit !== undefined && limit > 0 && used >= limit * NEAR ? [{ name, used, limit }] : [];
    }),
  };
}
