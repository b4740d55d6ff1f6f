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
    // Its look at the event loop, a hundred a second by default, would cost more than all else here; ours is
    // `sluice_event_loop_lag_seconds`.
    collectDefaultMetrics({ register: figures, prefix: 'sluice_', eventLoopMonitoringPrecision: 1_000 });
  }
  return figures;
}
