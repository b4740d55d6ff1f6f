/** Figures for Prometheus, as the HTTP side sees them: whoever mounts it may have none. */
import { answer } from './answer.js';
import type { Exchange } from './exchange.js';
import { HttpError } from './http-error.js';

export interface MetricsText {
  readonly contentType: string;
  /** Actors that ended more than a minute ago and were not collected; undefined where nobody watches for them. */
  readonly undisposed?: number | undefined;
  text(): Promise<string>;
}

export async function metricsAnswer({ res, metrics }: Exchange): Promise<void> {
  if (!metrics) throw new HttpError(404, 'not_found', 'metrics: this handler was given none');
  answer(res, 200, metrics.contentType, await metrics.text());
}
