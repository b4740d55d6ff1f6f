/** The proof that nothing was left behind. */
import type { System } from './system.js';

/** What a system still holds, by kind; empty when it holds nothing. */
export function leftovers(system: System): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {
    ...system.census.totals(),
    actor: system.processes.size,
    monitor: system.monitors,
    name: system.registry.size,
    chart_timer: system.chartTimers(),
  };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** Throws when a stopped system still holds something, naming kinds and owners. */
export function assertNoLeaks(system: System): void {
  const left = leftovers(system);
  if (Object.keys(left).length === 0) return;
  const owners = system.census.holdings().map(({ kind, owner, count }) => `${count} ${kind} of ${owner}`);
  const actors = [...system.processes].map((process) => process.path);
  throw new Error(`left behind: ${JSON.stringify(left)} (${[...owners, ...actors].join(', ')})`);
}
