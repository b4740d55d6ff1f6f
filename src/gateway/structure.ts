/** The supervision tree as plain data, read from the living processes. */
import type { Process } from '../otp/process.js';
import { childrenOf, supervisorOptionsOf } from '../otp/supervisor.js';
import { stateText } from './body.js';
import type { ActorView, TreeView } from './views.js';

export function actorView(process: Process): ActorView {
  return {
    id: process.path,
    kind: process.kind,
    state: stateOf(process),
    restarts: process.restarts,
    startedAtMs: process.startedAtMs,
    holds: process.holds,
    monitors: process.watchers?.size ?? 0,
    mailbox: process.mailbox?.waiting ?? 0,
  };
}

export function treeView(process: Process): TreeView {
  const options = supervisorOptionsOf(process.ref);
  const children = childrenOf(process.ref).flatMap((child) => (child.process ? [treeView(child.process)] : []));
  return { ...actorView(process), ...(options ? { strategy: options.strategy } : {}), children };
}

export function stateOf(process: Process): string {
  const { value } = process.ref.getSnapshot() as { value?: unknown };
  return stateText(value);
}

/** Living processes whose supervisor does not know them: must be none. */
export function orphans(root: Process): readonly Process[] {
  const known = new Set<Process>();
  const walk = (process: Process): void => {
    known.add(process);
    for (const child of childrenOf(process.ref)) if (child.process) walk(child.process);
  };
  walk(root);
  // Those whose end a supervisor has asked for and awaits are no longer among its children. Parents come before children.
  for (const process of root.system.processes)
    if (process.detached && process.parent && known.has(process.parent)) walk(process);
  return [...root.system.processes].filter((process) => process.alive && !known.has(process));
}
