/**
 * The supervision tree as a list of rows, cut to the part that somebody looks at. A tree of ten thousand actors is walked,
 * but only the rows asked for are read and sent: a walked actor costs a look at its children, a sent one its whole view.
 */
import type { Process } from '../otp/process.js';
import { childrenOf, supervisorOptionsOf } from '../otp/supervisor.js';
import { actorView, stateOf } from './structure.js';
import type { TreeQuery, TreeRow, TreeRows } from './views.js';

/** Above this depth a supervisor is open unless it is named among the folded. */
const OPEN_DEPTH = 3;
/** A supervisor with more children than this is folded unless it is named among the opened. */
const OPEN_CHILDREN_MAX = 200;

export function treeRows(root: Process, query: TreeQuery): TreeRows {
  return query.find === '' ? walkedRows(root, query) : foundRows(root, query);
}

function walkedRows(root: Process, { from, limit, opened, folded }: TreeQuery): TreeRows {
  const rows: TreeRow[] = [];
  let total = 0;
  // Asked of supervisors with children only: a path is put together when it is asked for.
  const isOpen = ({ path }: Process, depth: number, children: number): boolean =>
    opened.has(path) || (opensByItself(depth, children) && !folded.has(path));
  const walk = (process: Process, depth: number, position: number, siblings: number, parent?: number): void => {
    const children = livingChildren(process);
    const open = children.length > 0 && isOpen(process, depth, children.length);
    const wanted = total >= from && total < from + limit;
    const place = { depth, position, siblings, children: children.length, open };
    if (wanted) rows.push({ ...row(process, place), ...(parent === undefined ? {} : { parent }) });
    const own = total;
    total += 1;
    if (!open) return;
    for (const [at, child] of children.entries()) walk(child, depth + 1, at + 1, children.length, own);
  };
  walk(root, 0, 1, 1);
  return { rows, total, from };
}

function opensByItself(depth: number, children: number): boolean {
  return depth < OPEN_DEPTH && children <= OPEN_CHILDREN_MAX;
}

/** Whoever has the text in its path, its kind or its state: a flat list. */
function foundRows(root: Process, { from, limit, find }: TreeQuery): TreeRows {
  const found: Process[] = [];
  for (const process of root.system.processes) if (mentions(process, find)) found.push(process);
  const rows = found.slice(from, from + limit).map((process, at) =>
    row(process, {
      depth: 0,
      position: from + at + 1,
      siblings: found.length,
      children: livingChildren(process).length,
      open: false,
    }),
  );
  return { rows, total: found.length, from };
}

/** Whether a text stands in an actor's path, kind or state, whatever its case. */
export function mentions(process: Process, text: string): boolean {
  const wanted = text.toLowerCase();
  const has = (word: string): boolean => word.toLowerCase().includes(wanted);
  return has(process.path) || has(process.kind) || has(stateOf(process));
}

function livingChildren({ ref }: Process): readonly Process[] {
  const children = childrenOf(ref);
  if (children.length === 0) return NOBODY;
  const living: Process[] = [];
  for (const { process } of children) if (process) living.push(process);
  return living;
}

const NOBODY: readonly Process[] = [];

function row(process: Process, place: Pick<TreeRow, 'depth' | 'position' | 'siblings' | 'children' | 'open'>): TreeRow {
  const options = supervisorOptionsOf(process.ref);
  return { ...actorView(process), ...(options ? { strategy: options.strategy } : {}), ...place };
}
