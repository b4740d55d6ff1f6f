/**
 * A chart without a runtime: what it does is the list of its steps, each with the state it led to, the effects it names
 * and the timers it sets. Nothing runs.
 */
import { type AnyStateMachine, type EventFromLogic, type InputFrom, initialTransition, transition } from 'xstate';
import { stateText } from '../../src/gateway/body.js';

export interface Step {
  /** The state as dotted text. */
  readonly state: string;
  /** The effects of this step by name, in order. */
  readonly effects: readonly string[];
  /** The timers that this step sets, in milliseconds. */
  readonly timers: Readonly<Record<string, number>>;
  /** Names of the timers that this step takes back. */
  readonly cancelled: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: each chart has a context of its own.
  readonly context: any;
  readonly output: unknown;
}

/** The steps of a chart: the first is its beginning, then one for each event. `after:linger` is the delay of that name. */
export function steps<M extends AnyStateMachine>(
  machine: M,
  input: InputFrom<M>,
  events: readonly (EventFromLogic<M> | `after:${string}`)[] = [],
): readonly Step[] {
  let [snapshot, actions] = initialTransition(machine, ...([input] as never));
  const taken = [stepOf(snapshot, actions)];
  for (const event of events) {
    const given = typeof event === 'string' ? delayEvent(snapshot, (event as string).slice('after:'.length)) : event;
    [snapshot, actions] = transition(machine, snapshot, given as EventFromLogic<M>);
    taken.push(stepOf(snapshot, actions));
  }
  return taken;
}

export function lastStep<M extends AnyStateMachine>(...walk: Parameters<typeof steps<M>>): Step {
  return steps(...walk).at(-1) as Step;
}

/** The event by which XState tells a chart that a delay is over; a delay that is not pending is a mistake of the test. */
function delayEvent(snapshot: unknown, name: string): { readonly type: string } {
  const pending = (snapshot as { _nodes: { ownEvents: string[] }[] })._nodes.flatMap(({ ownEvents }) => ownEvents);
  const type = pending.find((event) => delayName(event) === name);
  if (type === undefined) throw new Error(`the delay "${name}" is not pending; pending are: ${pending.join(', ')}`);
  return { type };
}

function delayName(event: string): string | undefined {
  return /^xstate\.after\.(\w+)\./.exec(event)?.[1];
}

function stepOf(snapshot: unknown, actions: readonly { readonly type: string; readonly params?: unknown }[]): Step {
  const { value, context, output } = snapshot as { value: unknown; context: unknown; output: unknown };
  const timers: Record<string, number> = {};
  const cancelled: string[] = [];
  for (const { type, params } of actions) {
    const { delay, id, sendId } = (params ?? {}) as { delay?: number; id?: string; sendId?: string };
    if (type === 'xstate.raise' && delay !== undefined) timers[delayName(id ?? '') ?? ''] = delay;
    if (type === 'xstate.cancel') cancelled.push(delayName(sendId ?? (params as string)) ?? '');
  }
  const effects = actions.map(({ type }) => type).filter((type) => !type.startsWith('xstate.'));
  return { state: stateText(value), effects, timers, cancelled, context, output };
}
