/**
 * What `sluice top` shows and what a key changes of it, as plain data: no terminal and no network. Whoever runs it asks the
 * gateway for what `wanted` says, and draws what `draw.ts` makes of it.
 *
 * `q` sorts by queue, as `m`, `r` and `a` sort by memory, restarts and age; so quitting is `Q`, or Ctrl-C.
 */
import type { RankSort } from '../../gateway/views.js';

export type View = 'actors' | 'tree' | 'clients' | 'streams' | 'events';

export interface Screen {
  readonly view: View;
  readonly sort: RankSort;
  readonly filter: string;
  /** The row that is chosen, by the id of what stands in it; undefined: the first. */
  readonly chosen: string | undefined;
  /** The actor that was entered. */
  readonly inside: string | undefined;
  readonly paused: boolean;
  readonly intervalMs: number;
  /** What the keys are for now: orders, the text of a filter, or an answer to a question. */
  readonly keys: 'orders' | 'filter' | 'question';
  readonly help: boolean;
  /** The last thing that has to be said: what failed, what was done. */
  readonly notice: string;
}

/** What a key means beyond the screen. */
export type Order =
  | { readonly type: 'quit' }
  | { readonly type: 'look' }
  | { readonly type: 'stop'; readonly id: string };

export interface Key {
  readonly text: string;
  readonly name?: 'up' | 'down' | 'pageUp' | 'pageDown' | 'enter' | 'escape' | 'backspace' | undefined;
}

/** What the screen shows now, as far as keys need it. */
export interface Shown {
  /** The ids of the rows, in order. */
  readonly ids: readonly string[];
  /** Rows on one page. */
  readonly page: number;
  readonly mayAct: boolean;
}

export const INTERVALS_MS = [250, 500, 1_000, 2_000, 5_000, 10_000, 30_000] as const;

export const firstScreen: Screen = {
  view: 'actors',
  sort: 'memory',
  filter: '',
  chosen: undefined,
  inside: undefined,
  paused: false,
  intervalMs: 2_000,
  keys: 'orders',
  help: false,
  notice: '',
};

const SORTS: Readonly<Record<string, RankSort>> = { m: 'memory', q: 'mailbox', r: 'restarts', a: 'age' };
const VIEWS: Readonly<Record<string, View>> = { t: 'tree', c: 'clients', s: 'streams', e: 'events' };
const FILTER_MAX = 60;

export function pressed(screen: Screen, key: Key, shown: Shown): readonly [Screen, Order?] {
  if (screen.keys === 'filter') return typed(screen, key);
  if (screen.keys === 'question') return answered(screen, key, shown);
  const { text } = key;
  if (text === 'Q') return [screen, { type: 'quit' }];
  const quiet = { ...screen, notice: '', help: false };
  if (text === '?') return [{ ...quiet, help: !screen.help }];
  if (SORTS[text]) return [{ ...top(quiet), view: 'actors', sort: SORTS[text] }, { type: 'look' }];
  // The same key again leads back to the actors.
  const view = VIEWS[text];
  if (view) return [{ ...top(quiet), view: screen.view === view ? 'actors' : view }, { type: 'look' }];
  if (text === 'p')
    return screen.paused ? [{ ...quiet, paused: false }, { type: 'look' }] : [{ ...quiet, paused: true }];
  if (text === '+' || text === '-') return [paced(quiet, text === '+' ? 1 : -1), { type: 'look' }];
  if (text === '/') return [{ ...quiet, inside: undefined, keys: 'filter' }];
  if (text === 'k') return [asking(quiet, shown)];
  return moved(quiet, key, shown);
}

function top(screen: Screen): Screen {
  return { ...screen, chosen: undefined, inside: undefined };
}

/** Longer with `+`. */
function paced(screen: Screen, by: 1 | -1): Screen {
  const at = INTERVALS_MS.findIndex((ms) => ms >= screen.intervalMs);
  const intervalMs = INTERVALS_MS[Math.min(INTERVALS_MS.length - 1, Math.max(0, at + by))] ?? screen.intervalMs;
  return { ...screen, intervalMs };
}

function moved(screen: Screen, { name }: Key, { ids, page }: Shown): readonly [Screen, Order?] {
  const at = Math.max(0, ids.indexOf(screen.chosen ?? ''));
  const go = (to: number): readonly [Screen] => [{ ...screen, chosen: ids[Math.max(0, Math.min(ids.length - 1, to))] }];
  switch (name) {
    case 'up':
      return go(at - 1);
    case 'down':
      return go(at + 1);
    case 'pageUp':
      return go(at - page);
    case 'pageDown':
      return go(at + page);
    case 'enter':
      return screen.inside === undefined && ids[at] ? [{ ...screen, inside: ids[at] }, { type: 'look' }] : [screen];
    case 'escape':
      if (screen.inside !== undefined) return [{ ...screen, inside: undefined }, { type: 'look' }];
      return [{ ...top(screen), filter: '', view: 'actors' }, { type: 'look' }];
    default:
      return [screen];
  }
}

/** Whom `k` is about. */
export function target(screen: Screen, ids: readonly string[]): string | undefined {
  if (screen.inside !== undefined) return screen.inside;
  return screen.view === 'events' ? undefined : (ids.find((id) => id === screen.chosen) ?? ids[0]);
}

function asking(screen: Screen, { ids, mayAct }: Shown): Screen {
  if (!mayAct) return { ...screen, notice: 'stopping needs a token: --token, or SLUICE_TOKEN' };
  const id = target(screen, ids);
  // It stays chosen while the list below the question goes on changing.
  return id === undefined ? screen : { ...screen, chosen: id, keys: 'question' };
}

function answered(screen: Screen, { text }: Key, { ids }: Shown): readonly [Screen, Order?] {
  const asked = { ...screen, keys: 'orders' as const };
  const id = screen.inside ?? screen.chosen ?? target(screen, ids);
  return text === 'y' && id !== undefined ? [asked, { type: 'stop', id }] : [{ ...asked, notice: 'not stopped' }];
}

function typed(screen: Screen, { text, name }: Key): readonly [Screen, Order?] {
  if (name === 'enter') return [{ ...screen, keys: 'orders' }];
  if (name === 'escape') return [{ ...screen, keys: 'orders', filter: '' }, { type: 'look' }];
  const filter = name === 'backspace' ? screen.filter.slice(0, -1) : (screen.filter + text).slice(0, FILTER_MAX);
  return [{ ...screen, filter, chosen: undefined }, { type: 'look' }];
}
