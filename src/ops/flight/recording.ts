/**
 * A flight as a file: a line of JSON for each thing that happened, in the words of XState's inspection as the optional peer
 * `@statelyai/inspect` writes them, so that whoever reads those can replay it. The actor is introduced with its chart, then
 * each event and the state that it led to, then its end. Earlier lives under the same path come first. What the gateway told
 * meanwhile and afterwards stands between them, as events that an actor of the name `chronicle` took from this one.
 *
 * Of what an event carried only what `said.ts` lets through was recorded, and nothing of what a context held.
 */
import type { AnyActorRef } from 'xstate';
import type { GatewayEvent } from '../../gateway/views.js';
import { chartOf, definitionOf } from '../inspector/lines.js';
import type { Flight, FlightStep } from './recorder.js';

const VERSION = '1';
/** The session that takes what was told; no actor's path is a single word below a root of the same name. */
const CHRONICLE = 'chronicle';

interface Timed {
  readonly atMs: number;
  readonly lines: readonly object[];
}

/** @param toldOf what was told about a life, in its order. */
export function recording(
  lives: readonly Flight[],
  toldOf: (life: Flight) => readonly GatewayEvent[] = () => [],
): string {
  return lives
    .flatMap((life) => linesOf(life, toldOf(life)))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}

function linesOf(life: Flight, told: readonly GatewayEvent[]): readonly object[] {
  const { path, startedAtMs, logic, parentPath, lost, steps, end } = life;
  const sessionId = `${path}@${startedAtMs}`;
  const rootId = path.split('/', 1)[0];
  let lines = 0;
  const at = (atMs: number): object => {
    lines += 1;
    return { rootId, sessionId, createdAt: String(atMs), id: `${sessionId}#${lines}`, _version: VERSION };
  };
  const [first] = steps;
  const chart = chartOf({ logic } as unknown as AnyActorRef);
  const actor = {
    type: '@xstate.actor',
    ...at(startedAtMs),
    name: path.slice(path.lastIndexOf('/') + 1),
    parentId: parentPath,
    lost,
    definition: chartText(chart),
    snapshot: { status: 'active', value: first?.value, context: {} },
  };
  const happened = steps.map(({ atMs, event, data, value }: FlightStep): Timed => {
    const snapshot = { status: 'active', value, context: {} };
    return {
      atMs,
      lines: [
        { type: '@xstate.event', ...at(atMs), sourceId: undefined, event: { ...data, type: event } },
        { type: '@xstate.snapshot', ...at(atMs), event: { type: event }, snapshot },
      ],
    };
  });
  if (end) {
    const { value } = steps.at(-1) ?? {};
    const snapshot = { status: 'stopped', value, context: {}, output: end.reason };
    const last = { type: '@xstate.snapshot', ...at(end.atMs), event: { type: '' }, snapshot };
    happened.push({ atMs: end.atMs, lines: [last] });
  }
  if (told.length === 0) return [actor, ...happened.flatMap(({ lines: own }) => own)];
  const chronicle = { type: '@xstate.actor', ...at(startedAtMs), sessionId: CHRONICLE, name: CHRONICLE };
  const notes = told.map(({ atMs, type, actor: whom, reason, detail }): Timed => {
    const event = { type, actor: whom, reason, ...detail };
    return { atMs, lines: [{ type: '@xstate.event', ...at(atMs), sessionId: CHRONICLE, sourceId: sessionId, event }] };
  });
  return [actor, chronicle, ...inOrder(happened, notes).flatMap(({ lines: own }) => own)];
}

/** By time; what was told in the same millisecond comes after the step that it is about. */
function inOrder(happened: readonly Timed[], notes: readonly Timed[]): readonly Timed[] {
  return [...happened, ...notes].sort((a, b) => a.atMs - b.atMs);
}

/** A chart as it is written, as JSON; undefined for an actor that has none. */
export function chartText(config: object | undefined): string | undefined {
  return config && JSON.stringify(definitionOf(config), withoutFunctions);
}

/** Guards and actions written in a chart are code; who replays draws their names. */
function withoutFunctions(_key: string, value: unknown): unknown {
  return typeof value === 'function' ? `[function ${value.name}]` : value;
}
