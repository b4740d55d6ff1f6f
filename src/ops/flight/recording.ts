/**
 * A flight as a file: a line of JSON for each thing that happened, in the words of XState's inspection as the optional peer
 * `@statelyai/inspect` writes them, so that whoever reads those can replay it. The actor is introduced with its chart, then
 * each event and the state that it led to, then its end. Earlier lives under the same path come first.
 *
 * What an event carried and what a context held was never recorded: there is nothing secret in the file.
 */
import type { AnyActorRef } from 'xstate';
import { chartOf, definitionOf } from '../inspector/lines.js';
import type { Flight, FlightStep } from './recorder.js';

const VERSION = '1';

export function recording(lives: readonly Flight[]): string {
  return lives
    .flatMap(linesOf)
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}

function linesOf({ path, startedAtMs, logic, parentPath, steps, end }: Flight): readonly object[] {
  const sessionId = `${path}@${startedAtMs}`;
  const rootId = path.split('/', 1)[0];
  let lines = 0;
  const at = (atMs: number): object => {
    lines += 1;
    return { rootId, sessionId, createdAt: String(atMs), id: `${sessionId}#${lines}`, _version: VERSION };
  };
  const [first] = steps;
  const chart = definitionOf(chartOf({ logic } as unknown as AnyActorRef));
  const actor = {
    type: '@xstate.actor',
    ...at(startedAtMs),
    name: path.slice(path.lastIndexOf('/') + 1),
    parentId: parentPath,
    definition: chart && JSON.stringify(chart, withoutFunctions),
    snapshot: { status: 'active', value: first?.value, context: {} },
  };
  const happened = steps.flatMap(({ atMs, event, value }: FlightStep) => [
    { type: '@xstate.event', ...at(atMs), sourceId: undefined, event: { type: event } },
    {
      type: '@xstate.snapshot',
      ...at(atMs),
      event: { type: event },
      snapshot: { status: 'active', value, context: {} },
    },
  ]);
  if (!end) return [actor, ...happened];
  const { value } = steps.at(-1) ?? {};
  const snapshot = { status: 'stopped', value, context: {}, output: end.reason };
  return [actor, ...happened, { type: '@xstate.snapshot', ...at(end.atMs), event: { type: '' }, snapshot }];
}

/** Guards and actions written in a chart are code; who replays draws their names. */
function withoutFunctions(_key: string, value: unknown): unknown {
  return typeof value === 'function' ? `[function ${value.name}]` : value;
}
