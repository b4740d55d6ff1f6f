/**
 * `GET /api/actors/:id/flight`: the recording as a file. `?form=` gives it otherwise: `steps` as one object to be shown step by
 * step, `sequence` the `last=` moments of the last life as a sequence diagram in Mermaid's words, `chart` the actor's chart as it
 * is written with where it stood last, `mermaid` the same as a diagram in which that is marked.
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';
import { activeStates } from '../../gateway/actor-detail.js';
import { stateText } from '../../gateway/body.js';
import { GatewayError } from '../../gateway/gateway-error.js';
import type { GatewayEvent } from '../../gateway/views.js';
import { answer, answerJson } from '../answer.js';
import { chartGraph } from '../diagrams/chart-graph.js';
import { chartMermaid } from '../diagrams/mermaid.js';
import type { Exchange } from '../exchange.js';
import { HttpError } from '../http-error.js';
import { chartOf } from '../inspector/lines.js';
import { wholeNumber } from '../paging.js';
import type { Flight } from './recorder.js';
import { chartText, recording } from './recording.js';
import { mermaidSequence, type SequenceMoment } from './sequence.js';
import { toldOf } from './told.js';

const FORMS = ['file', 'steps', 'sequence', 'chart', 'mermaid'] as const;
const SEQUENCE_DEFAULT = 30;
const MERMAID = 'text/vnd.mermaid; charset=utf-8';

export function flight({ res, gateway, params: [id = ''], query, flights }: Exchange): void {
  if (!flights) throw new HttpError(404, 'not_found', 'flight: this handler was given no recorder');
  const given = query.get('form') ?? 'file';
  const form = FORMS.find((one) => one === given);
  if (!form) throw new HttpError(400, 'invalid_argument', `form: expected ${FORMS.join(', ')}`);
  const lives = flights.flights(id);
  const life = lives.at(-1);
  if (!life) {
    throw new GatewayError('actor_not_found', `actor: nothing is recorded of ${JSON.stringify(id)}`);
  }
  switch (form) {
    case 'file':
      answer(
        res,
        200,
        'application/x-ndjson; charset=utf-8',
        recording(lives, (one) => toldOf(gateway, one)),
      );
      break;
    case 'steps':
      answerJson(res, 200, { id, steps: life.steps, lost: life.lost, lives: lives.map(shown) });
      break;
    case 'sequence': {
      const last = wholeNumber(query, 'last', SEQUENCE_DEFAULT, 1, 1_000);
      answer(res, 200, MERMAID, mermaidSequence(id, momentsOf(life, toldOf(gateway, life)), last));
      break;
    }
    case 'chart': {
      const { value, active } = standing(life);
      const definition = JSON.parse(chartText(chartConfig(life)) ?? 'null') as unknown;
      answerJson(res, 200, { id, kind: life.kind, value, activeStates: active, definition });
      break;
    }
    case 'mermaid': {
      chartConfig(life);
      const { active } = standing(life);
      answer(res, 200, MERMAID, chartMermaid(chartGraph(life.logic as AnyStateMachine), leaves(active)));
      break;
    }
  }
}

/** The last life is what most want; its steps stand at the top as well. */
function shown({ kind, startedAtMs, lost, steps, end }: Flight) {
  return { kind, startedAtMs, lost, steps, end };
}

function chartConfig({ logic, kind }: Flight): object {
  const config = chartOf({ logic } as unknown as AnyActorRef);
  if (config && 'root' in logic) return config;
  throw new HttpError(404, 'not_found', `chart: an actor of the kind ${JSON.stringify(kind)} has none`);
}

/** Where it stands, or stood when it ended. */
function standing({ steps }: Flight): { readonly value: unknown; readonly active: readonly string[] } {
  const { value } = steps.at(-1) ?? {};
  return { value, active: activeStates(value) };
}

function leaves(active: readonly string[]): readonly string[] {
  return active.filter((state) => !active.some((other) => other.startsWith(`${state}.`)));
}

function momentsOf({ steps, end }: Flight, told: readonly GatewayEvent[]): readonly SequenceMoment[] {
  const words = (data: object): string => Object.values(data).map(String).join(' ');
  const moments = [
    ...steps.map(({ atMs, event, value }) => ({ atMs, kind: 'step' as const, event, text: stateText(value) })),
    ...(end ? [{ atMs: end.atMs, kind: 'end' as const, event: '', text: end.reason }] : []),
    ...told.map(({ atMs, type, actor, reason, detail }) => {
      const text = words({ ...(reason === undefined ? {} : { reason }), ...detail });
      return { atMs, kind: 'told' as const, event: type, text, actor };
    }),
  ];
  return moments.sort((a, b) => a.atMs - b.atMs);
}
