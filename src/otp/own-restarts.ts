/** What a child's own spec says of its restarts: whether one is wanted, how many, and after which wait. Not in OTP. */
import type { Child } from './child-table.js';
import type { Process } from './process.js';
import type { RestartBackoff } from './restart-backoff.js';

/** A guard that throws is reported, and counts as yes. */
export function restartWanted({ system }: Process, { spec, previous, restarts, failure }: Child): boolean {
  if (!spec.restartIf) return true;
  try {
    return spec.restartIf(previous ?? 'shutdown', { restarts, failure });
  } catch (error) {
    system.emit({ type: 'listener.failed', error });
    return true;
  }
}

/** Counts a restart against the child's own budget. True when that was one too many. */
export function ownBudgetSpent(supervisor: Process, child: Child): boolean {
  const { system } = supervisor;
  if (!child.budget || child.budget.allows(system.clock.now())) return false;
  const reason = child.previous ?? 'shutdown';
  system.emit({ type: 'child.gaveUp', supervisor, childId: child.spec.id, reason });
  return true;
}

/** Asked while its state still says whether the last one lived. */
export function nextWaitMs({ system }: Process, child: Child, backoff: RestartBackoff): number {
  // One whose retry failed has not lived.
  const livedMs = child.state === 'restarting' ? 0 : system.clock.now() - child.startedAtMs;
  return backoff.nextMs(livedMs);
}

/** Lets it wait. Stopping it, or restarting it with a sibling, makes the wait void. */
export function waitToRestart(supervisor: Process, child: Child, waitMs: number): void {
  const { system, scope, ref } = supervisor;
  const waiting = scope.timer(waitMs, () => system.post(ref, { type: 'child.waited', child, waiting } as never));
  child.waiting = waiting;
  const reason = child.previous ?? 'shutdown';
  system.emit({ type: 'child.backingOff', supervisor, childId: child.spec.id, waitMs, reason });
}
