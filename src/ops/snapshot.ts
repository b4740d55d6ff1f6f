/** One picture of a camera. It opens an on-demand camera and waits for the first frame, within a limit. */
import { answer } from './answer.js';
import type { Exchange } from './exchange.js';
import { pictureType, wantsHeadOnly } from './live-view.js';
import { wholeNumber } from './paging.js';

const WAIT_MS = 10_000;
const WAIT_MS_MAX = 60_000;

export async function snapshot({ req, res, gateway, params, query }: Exchange): Promise<void> {
  const frame = await gateway.snapshot(params[0] ?? '', wholeNumber(query, 'timeoutMs', WAIT_MS, 1, WAIT_MS_MAX));
  if (res.destroyed) return;
  res.setHeader('X-Seq', frame.seq);
  res.setHeader('X-Timestamp', Math.trunc(frame.timestampMs));
  answer(res, 200, pictureType(frame), wantsHeadOnly(req) ? '' : frame.picture);
}
