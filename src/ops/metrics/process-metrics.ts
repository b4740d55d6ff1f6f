/**
 * Figures of the Node process (CPU, memory, garbage collection, handles), which prom-client measures itself. They are the
 * process's and not a gateway's, so there is one set of them however many gateways there are. It is made when it is first
 * asked for: from then on Node keeps account of each garbage collection.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';

let figures: Registry | undefined;

export function processFigures(): Registry {
  if (!figures) {
    figures = new Registry();
    collectDefaultMetrics({ register: figures, prefix: 'sluice_' });
  }
  return figures;
}
