/**
 * What may never be, looked at while it runs: things whose owner has ended, actors without a supervisor, tables that
 * disagree. Each look is a walk over all actors and all holdings, so it is for whoever asks and not for a timer.
 */
import type { System } from '../otp/system.js';
import { orphans } from './structure.js';
import type { InvariantView, LeaksView } from './views.js';

/** Holdings that are listed; the ones whose owner has ended come first, then the largest. */
const HOLDINGS_MAX = 200;
const ORPHANS_MAX = 100;

/** @param faults what the client manager finds wrong in its own tables. */
export function leaksOf(system: System, faults: readonly string[]): LeaksView {
  const living = new Set<string>();
  let watchers = 0;
  for (const process of system.processes) {
    living.add(process.path);
    watchers += process.watchers?.size ?? 0;
  }
  const holdings = system.census.holdings().map((holding) => ({ ...holding, alive: living.has(holding.owner) }));
  const ownerless = holdings.filter(({ alive }) => !alive);
  const lost = system.root ? orphans(system.root).map(({ path }) => path) : [];
  const invariants: InvariantView[] = [
    invariant('every actor has a supervisor', lost),
    invariant(
      'what is held has an owner that lives',
      ownerless.map(({ owner, kind, count }) => `${count} ${kind} of ${owner}`),
    ),
    invariant('the tables of clients and streams agree', faults),
    invariant(
      'every monitor has its target',
      system.monitors === watchers ? [] : [`${system.monitors} monitors are counted, ${watchers} stand at a target`],
    ),
  ];
  holdings.sort((a, b) => Number(a.alive) - Number(b.alive) || b.count - a.count || (a.owner < b.owner ? -1 : 1));
  return {
    census: system.census.totals(),
    holdings: holdings.slice(0, HOLDINGS_MAX),
    holdingsTotal: holdings.length,
    orphans: lost.slice(0, ORPHANS_MAX),
    invariants,
  };
}

function invariant(name: string, broken: readonly string[]): InvariantView {
  return { name, holds: broken.length === 0, broken: broken.slice(0, ORPHANS_MAX) };
}
