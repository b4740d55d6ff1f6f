/**
 * The supervision tree. Only the rows in sight are asked for, sent and drawn, whatever its size; what was opened and folded
 * goes with the question. The focus is an index and an id, so it survives that its row is not drawn for a while.
 */
import type { TreeRow, TreeRows } from '../../gateway/views.js';
import { openActor, openedActor } from './actor.js';
import { ask } from './ask.js';
import { byId, Keyed, make, setAttribute, setClass, setText, within } from './dom.js';
import { duration, many, nameOf, number, stateOf, toneOf } from './words.js';

const OVERSCAN = 40;
const HANDMADE_MAX = 40;
const SEARCH_MS = 200;

const phone = matchMedia('(max-width: 620px)');
const rowHeight = (): number => (phone.matches ? 32 : 26);

type RowElement = HTMLElement & { row?: TreeRow; index?: number };

const scroller = byId('tree');
const sizer = byId('tree-rows');
const search = byId<HTMLInputElement>('tree-search');
const opened = new Set<string>();
const folded = new Set<string>();
let loaded: TreeRows = { rows: [], total: 0, from: 0 };
let current = { index: 0, id: '' };
let asking: Promise<void> | undefined;
let askAgain = false;
let searching: ReturnType<typeof setTimeout> | undefined;

const rows = new Keyed<readonly [index: number, row: TreeRow], RowElement>(sizer, {
  keyOf: ([, row]) => row.id,
  create: makeRow,
  update: updateRow,
  removed: (element) => {
    // The row goes out of sight, the focus stays in the tree.
    if (element === document.activeElement) scroller.focus({ preventScroll: true });
  },
});

function makeRow(): RowElement {
  const decoration = (name: string): HTMLElement => make('span', { class: name, 'aria-hidden': 'true' });
  const words = ['label mono', 'state', 'mailbox', 'restarts', 'since'].map((name) => make('span', { class: name }));
  const element: RowElement = make(
    'div',
    { class: 'node', role: 'treeitem' },
    decoration('twist'),
    decoration('dot'),
    ...words,
  );
  element.addEventListener('click', (event) => {
    if (!element.row) return;
    focusOn(element);
    if ((event.target as Element).closest('.twist')) toggle(element.row);
    else openActor(element.row.id);
  });
  element.addEventListener('dblclick', () => element.row && toggle(element.row));
  return element;
}

function updateRow(element: RowElement, [index, row]: readonly [number, TreeRow]): void {
  element.row = row;
  element.index = index;
  element.style.transform = `translateY(${index * rowHeight()}px)`;
  element.style.setProperty('--depth', String(Math.min(row.depth, 12)));
  setAttribute(element, 'aria-level', row.depth + 1);
  setAttribute(element, 'aria-posinset', row.position);
  setAttribute(element, 'aria-setsize', row.siblings);
  setAttribute(element, 'tabindex', row.id === current.id ? 0 : -1);
  setAttribute(element, 'aria-selected', row.id === openedActor() ? 'true' : 'false');
  setAttribute(element, 'aria-expanded', row.children > 0 && !finding() ? String(row.open) : undefined);
  setAttribute(element, 'title', row.id);
  setText(within(element, '.twist'), row.children > 0 && !finding() ? '▶' : '');
  setClass(within(element, '.dot'), `dot ${row.strategy ? 'sup' : ''} ${toneOf(row.state)}`);
  setText(within(element, '.label'), finding() ? row.id : nameOf(row.id));
  setText(within(element, '.state'), sayState(row));
  setText(within(element, '.mailbox'), row.mailbox > 0 ? `✉ ${number(row.mailbox)}` : '');
  setText(within(element, '.restarts'), row.restarts > 0 ? `↻ ${number(row.restarts)}` : '');
  setText(within(element, '.since'), duration(Date.now() - row.startedAtMs));
}

function sayState({ strategy, state, children }: TreeRow): string {
  if (!strategy || state !== 'running') return stateOf(state);
  return children > 0 ? `${strategy} · ${number(children)}` : strategy;
}

const finding = (): boolean => search.value.trim() !== '';

/** Shows what is in sight. One question at a time; what has changed meanwhile is one more. */
export async function showTree(): Promise<void> {
  if (asking) {
    askAgain = true;
    return asking;
  }
  asking = load();
  try {
    await asking;
  } finally {
    asking = undefined;
  }
  if (!askAgain) return;
  askAgain = false;
  await showTree();
}

function range(): { readonly from: number; readonly limit: number } {
  const height = rowHeight();
  const from = Math.max(0, Math.floor(scroller.scrollTop / height) - OVERSCAN);
  return { from, limit: Math.ceil(scroller.clientHeight / height) + 2 * OVERSCAN };
}

async function load(): Promise<void> {
  const { from, limit } = range();
  const query = new URLSearchParams({ rows: String(from), limit: String(limit) });
  if (finding()) query.set('find', search.value.trim());
  for (const id of [...opened].slice(-HANDMADE_MAX)) query.append('open', id);
  for (const id of [...folded].slice(-HANDMADE_MAX)) query.append('fold', id);
  loaded = await ask<TreeRows>(`api/tree?${query}`);
  draw();
}

function draw(): void {
  const { total, from, rows: list } = loaded;
  sizer.style.height = `${total * rowHeight()}px`;
  const at = list.findIndex(({ id }) => id === current.id);
  const [first] = list;
  if (at >= 0) current.index = from + at;
  else if (first && (current.id === '' || from === 0)) current = { index: from, id: first.id };
  rows.show(list.map((row, place): readonly [number, TreeRow] => [from + place, row]));
  setText(byId('tree-count'), finding() ? `${number(total)} found` : many(total, 'row'));
  byId('tree-none').hidden = total > 0;
}

function toggle({ id, open, children }: TreeRow): void {
  if (children === 0 || finding()) return;
  const [from, to] = open ? [opened, folded] : [folded, opened];
  from.delete(id);
  to.add(id);
  void showTree();
}

function focusOn(element: RowElement): void {
  const before = rows.get(current.id);
  if (before) setAttribute(before, 'tabindex', -1);
  current = { index: element.index ?? 0, id: element.row?.id ?? '' };
  setAttribute(element, 'tabindex', 0);
  element.focus({ preventScroll: true });
}

async function moveTo(index: number): Promise<void> {
  if (index < 0 || index >= loaded.total) return;
  const height = rowHeight();
  const top = index * height;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top + height > scroller.scrollTop + scroller.clientHeight)
    scroller.scrollTop = top + height - scroller.clientHeight;
  if (!loaded.rows[index - loaded.from]) await showTree();
  const row = loaded.rows[index - loaded.from];
  const element = row && rows.get(row.id);
  if (element) focusOn(element);
}

function pressed(event: KeyboardEvent): void {
  const row = loaded.rows[current.index - loaded.from];
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const page = Math.max(1, Math.floor(scroller.clientHeight / rowHeight()) - 1);
  const last = loaded.total - 1;
  const { index } = current;
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: Math.min(last, index + page),
    PageUp: Math.max(0, index - page),
    Home: 0,
    End: last,
  };
  const goal = moves[event.key];
  if (goal !== undefined) void moveTo(goal);
  else if (!row) return;
  else if (event.key === 'ArrowRight' && row.open) void moveTo(index + 1);
  else if (event.key === 'ArrowRight') toggle(row);
  else if (event.key === 'ArrowLeft' && row.open) toggle(row);
  else if (event.key === 'ArrowLeft') void moveTo(row.parent ?? index);
  else if (event.key === 'Enter' || event.key === ' ') openActor(row.id);
  else return;
  event.preventDefault();
}

export function setUpTree(): void {
  scroller.addEventListener('keydown', pressed);
  scroller.addEventListener(
    'scroll',
    () => {
      const { from, limit } = range();
      const missing = from < loaded.from || from + limit - OVERSCAN > loaded.from + loaded.rows.length;
      if (missing && loaded.rows.length < loaded.total) void showTree().catch(() => {});
    },
    { passive: true },
  );
  search.addEventListener('input', () => {
    clearTimeout(searching);
    searching = setTimeout(() => {
      scroller.scrollTop = 0;
      current = { index: 0, id: '' };
      void showTree().catch(() => {});
    }, SEARCH_MS);
  });
  search.addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowDown' || key === 'Enter') void moveTo(0);
  });
}
