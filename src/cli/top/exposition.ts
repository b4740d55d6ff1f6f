/**
 * What of `/metrics` is shown: counters whose growth is a rate, and the histogram of the event loop's lateness. A gateway that
 * has none of them, or a handler that was given no metrics, is no failure: the figures are unknown then.
 */

export interface Counters {
  readonly frames: number;
  readonly drops: number;
  readonly restarts: number;
  readonly reconnects: number;
  /** How often the event loop was at most so late, by seconds; ascending, cumulative, the last one is infinity. */
  readonly lateness: readonly (readonly [seconds: number, times: number])[];
}

const SERIES = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;

/** Sums each family over its labels. */
export function countersOf(exposition: string): Counters {
  const sums = new Map<string, number>();
  const lateness: (readonly [number, number])[] = [];
  for (const line of exposition.split('\n')) {
    const [, name, labels = '', value] = SERIES.exec(line) ?? [];
    if (name === undefined || line.startsWith('#')) continue;
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
    const le = name === 'sluice_event_loop_lag_seconds_bucket' ? /le="([^"]+)"/.exec(labels)?.[1] : undefined;
    if (le !== undefined) lateness.push([le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), Number(value)]);
  }
  return {
    frames: sums.get('sluice_stream_frames_total') ?? 0,
    drops: sums.get('sluice_stream_drops_total') ?? 0,
    restarts: sums.get('sluice_actor_restarts_total') ?? 0,
    reconnects: sums.get('sluice_reconnects_total') ?? 0,
    lateness: lateness.sort(([a], [b]) => a - b),
  };
}

/** At most so late the event loop was in 99 of 100 turns between the two; undefined where nothing was measured. */
export function lateness99(earlier: Counters | undefined, now: Counters): number | undefined {
  const before = new Map(earlier?.lateness);
  const grown = now.lateness.map(([seconds, times]) => [seconds, times - (before.get(seconds) ?? 0)] as const);
  const all = grown.at(-1)?.[1] ?? 0;
  if (all <= 0) return undefined;
  return grown.find(([, times]) => times >= all * 0.99)?.[0];
}
