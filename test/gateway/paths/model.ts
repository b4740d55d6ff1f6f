/**
 * Everything that a chart says can happen: each state that can be reached (value and context), the shortest way to it, and
 * what each event does there. Made by `xstate/graph`, the maintained successor of `@xstate/test`, from the charts that
 * `machines/` exports.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { getAdjacencyMap, getShortestPaths } from 'xstate/graph';
import { stateText } from '../../../src/gateway/body.js';

export interface ModelEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ModelStep {
  readonly event: ModelEvent;
  readonly state: AnyMachineSnapshot;
  /** The event changes nothing: neither the state nor its context. */
  readonly ignored: boolean;
}

export interface ModelState {
  readonly title: string;
  readonly way: readonly ModelStep[];
  /** What each event does here: every event that the chart names, and every delay that is pending. */
  readonly next: readonly ModelStep[];
}

export interface ModelOptions {
  readonly input: unknown;
  /** Every event that the chart names; several of one type where what they carry matters. */
  readonly events: readonly ModelEvent[];
}

/** Far more than any chart here has; a counter without a bound fails by it instead of never ending. */
const TRAVERSAL_MAX = 100_000;

export function modelOf(machine: AnyStateMachine, { input, events }: ModelOptions): readonly ModelState[] {
  const options = {
    input,
    limit: TRAVERSAL_MAX,
    events: (snapshot: AnyMachineSnapshot) => [...events, ...pendingDelays(snapshot)],
  };
  const ways = new Map<string, readonly ModelStep[]>();
  for (const { steps, state } of getShortestPaths(machine, options as never)) {
    const way: ModelStep[] = steps.slice(1).map(({ event, state: reached }) => ({
      event: event as ModelEvent,
      state: reached as AnyMachineSnapshot,
      ignored: false,
    }));
    ways.set(keyOf(state as AnyMachineSnapshot), way);
  }
  const nodes = Object.values(getAdjacencyMap(machine, options as never)) as unknown as AdjacencyNode[];
  return nodes.map(({ state, transitions }) => {
    const key = keyOf(state);
    const way = ways.get(key);
    if (!way) throw new Error(`no way leads to ${key}`);
    const names = way.map(({ event }) => nameOf(event));
    return {
      title: `${stateText(state.value)} by ${names.length === 0 ? 'its beginning' : names.join(' → ')}`,
      way,
      next: Object.values(transitions).map(({ event, state: reached }) => ({
        event,
        state: reached,
        ignored: keyOf(reached) === key,
      })),
    };
  });
}

/** The event types that the chart names, its delays left out. */
export function eventTypesOf(machine: AnyStateMachine): readonly string[] {
  return (machine.events as string[]).filter((type) => !isDelay(type)).sort();
}

export function isDelay(type: string): boolean {
  return type.startsWith('xstate.after.');
}

/** A delay by its name, anything else by its type. */
export function nameOf({ type }: ModelEvent): string {
  return isDelay(type) ? `after ${type.split('.')[2]}` : type;
}

interface AdjacencyNode {
  readonly state: AnyMachineSnapshot;
  readonly transitions: Readonly<Record<string, { readonly event: ModelEvent; readonly state: AnyMachineSnapshot }>>;
}

function pendingDelays(snapshot: AnyMachineSnapshot): readonly ModelEvent[] {
  return snapshot._nodes
    .flatMap((node) => node.ownEvents as string[])
    .filter(isDelay)
    .map((type) => ({ type }));
}

function keyOf({ value, context }: AnyMachineSnapshot): string {
  return JSON.stringify({ value, context });
}
