/**
 * How old the data is at each layer that it passes, and what that says. A connection proves nothing: a camera may be connected
 * and send no pictures, a viewer may be connected and take none, and each is a state of its own, not a kind of health.
 */

/** `not_connected`, `connected_no_data`, or `flowing`. */
export type DataState = 'not_connected' | 'connected_no_data' | 'flowing';

/** Ages are in milliseconds since something passed there last; absent where nothing has yet. */
export interface DataAges {
  readonly state: DataState;
  /** Something came from the source: a picture for a camera, a frame for a viewer, a word for an uplink. */
  readonly inMs?: number;
  /** Something went on from here: a frame to the audience of a camera, to the wire of a viewer. */
  readonly outMs?: number;
}

/** When something passed, by one monotonic clock; `undefined` where nothing has yet. */
export interface Passed {
  readonly inAtMs?: number | undefined;
  readonly outAtMs?: number | undefined;
}

/** A moment that is kept as a number from the beginning, which is not a number until something has passed. */
export function momentOf(atMs: number): number | undefined {
  return Number.isNaN(atMs) ? undefined : atMs;
}

export function dataAges(nowMs: number, state: DataState, { inAtMs, outAtMs }: Passed): DataAges {
  const age = (atMs: number): number => Math.max(0, Math.round(nowMs - atMs));
  return {
    state,
    ...(inAtMs === undefined ? {} : { inMs: age(inAtMs) }),
    ...(outAtMs === undefined ? {} : { outMs: age(outAtMs) }),
  };
}

/** The state of a link that is looked after by somebody who notices silence. */
export function linkState(connected: boolean, delivers: boolean): DataState {
  if (!connected) return 'not_connected';
  return delivers ? 'flowing' : 'connected_no_data';
}

/** The state of somebody who is connected, by when data passed last: older than the limit is no data. */
export function stateByAge(nowMs: number, atMs: number | undefined, limitMs: number): DataState {
  return atMs !== undefined && nowMs - atMs <= limitMs ? 'flowing' : 'connected_no_data';
}

/** Several at one glance: how many are in each state. */
export function countStates(views: Iterable<{ readonly data?: DataAges }>): Readonly<Record<DataState, number>> {
  const counts = { not_connected: 0, connected_no_data: 0, flowing: 0 };
  for (const { data } of views) if (data) counts[data.state] += 1;
  return counts;
}

/** Nothing for so long is no data, where nobody has set another limit. */
export const SILENT_MS = 5_000;
