/** `GET /api/actors/:id/flight`: the recording as a file, or with `?form=steps` as one object to be shown step by step. */
import { GatewayError } from '../../gateway/gateway-error.js';
import { answer, answerJson } from '../answer.js';
import type { Exchange } from '../exchange.js';
import { HttpError } from '../http-error.js';
import { recording } from './recording.js';
import { toldOf } from './told.js';

export function flight({ res, gateway, params: [id = ''], query, flights }: Exchange): void {
  if (!flights) throw new HttpError(404, 'not_found', 'flight: this handler was given no recorder');
  const form = query.get('form') ?? 'file';
  if (form !== 'file' && form !== 'steps') throw new HttpError(400, 'invalid_argument', 'form: expected file or steps');
  const lives = flights.flights(id);
  const last = lives.at(-1);
  if (!last) {
    throw new GatewayError('actor_not_found', `actor: nothing is recorded of ${JSON.stringify(id)}`);
  }
  if (form === 'file') {
    answer(
      res,
      200,
      'application/x-ndjson; charset=utf-8',
      recording(lives, (life) => toldOf(gateway, life)),
    );
    return;
  }
  const shown = lives.map(({ kind, startedAtMs, lost, steps, end }) => ({ kind, startedAtMs, lost, steps, end }));
  // The last life is what most want; it stands at the top as well.
  answerJson(res, 200, { id, steps: last.steps, lost: last.lost, lives: shown });
}
