/** A screen as lines of text for so many columns and rows. Everything that comes from the gateway is made harmless here. */
import { duration, mebibytes, plain } from '../terminal-text.js';
import { type Column, columnsFor } from './columns.js';
import type { Figures } from './figures.js';
import { insideLines } from './inside.js';
import type { Line } from './line.js';
import type { Content } from './look.js';
import type { Screen } from './screen.js';

export interface Drawing {
  readonly lines: readonly Line[];
  /** Of the rows of the list, in order; empty inside an actor. */
  readonly ids: readonly string[];
  /** Rows of the list that fit. */
  readonly page: number;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Seen {
  readonly where: string;
  readonly figures: Figures | undefined;
  readonly limits: Readonly<Record<string, number>>;
  readonly content: Content | undefined;
  readonly nowMs: number;
}

const HELP: readonly string[] = [
  'm q r a   actors by memory, queue (what waits in the mailbox), restarts, age',
  't c s e   tree, clients, streams, events; the same key again: actors',
  '/         filter by path, kind or state; Enter keeps it, Esc takes it away',
  'arrows, PgUp, PgDn   choose a row; Enter goes in, Esc comes out',
  'k         stop the chosen actor in order; it asks before, and needs a token',
  'p         pause; + and - look less and more often',
  '?         this help; Q or Ctrl-C quits (q sorts by queue)',
];

export function draw(screen: Screen, seen: Seen, { columns, rows }: Size): Drawing {
  const head = [...headLines(seen), statusLine(screen, seen)];
  const foot = footLine(screen);
  // The last row of the terminal stays free: what is written there would make it scroll.
  const room = Math.max(1, rows - head.length - 2);
  const body = screen.help
    ? { lines: HELP.map((text) => ({ text })), ids: [], page: room }
    : bodyOf(screen, seen, room, columns);
  const filled: Line[] = [...body.lines.slice(0, room)];
  while (filled.length < room) filled.push({ text: '' });
  const all: readonly Line[] = [...head, ...filled, foot];
  const lines = all.map(({ text, tone }) => ({ text: cut(plain(text), columns), tone }));
  return { lines, ids: body.ids, page: body.page };
}

function headLines({ where, figures, limits }: Seen): Line[] {
  if (!figures) return [{ text: `sluice ${where}: looking`, tone: 'title' }, { text: '' }];
  const f = figures;
  const known = (value: number | null, text: (value: number) => string): string => (value === null ? '-' : text(value));
  const rate = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
  const late = known(f.eventLoopLateMs, (ms) => (Number.isFinite(ms) ? `${Math.round(ms)} ms` : 'long'));
  const near = f.nearLimit.map(({ name, used, limit }) => `${name} near the limit: ${used} of ${limit}`);
  const warnings = [...near, ...(f.orphans > 0 ? [`orphans ${f.orphans}`] : [])];
  return [
    {
      text: `sluice ${where.replace(/^http:\/\//, '')}  up ${duration(f.uptimeSeconds)}  actors ${f.actors}  clients ${f.clients}/${limits['clients'] ?? '-'}  streams ${f.streams}`,
      tone: 'title',
    },
    {
      text: `msgs/s ${known(f.messagesPerSecond, rate)}  drops/s ${known(f.dropsPerSecond, rate)}  restarts/min ${known(f.restartsPerMinute, String)}  reconnects/min ${known(f.reconnectsPerMinute, String)}`,
    },
    {
      text: `heap ${mebibytes(f.heapBytes)}  rss ${mebibytes(f.rssBytes)}  loop ${Math.round(f.eventLoopUse * 100)} % p99 ${late}`,
    },
    ...(warnings.length > 0 ? [{ text: `! ${warnings.join(', ')}`, tone: 'warning' as const }] : []),
  ];
}

const SORTED_BY = { memory: 'memory', mailbox: 'queue', restarts: 'restarts', age: 'age' } as const;

function statusLine({ view, sort, filter, paused, intervalMs, inside }: Screen, { content }: Seen): Line {
  const what = inside ?? (view === 'actors' ? `actors by ${SORTED_BY[sort]}` : view);
  const shown = content?.of === 'tree' && content.total > content.rows.length ? ` (${content.total})` : '';
  const only = filter === '' ? '' : `  only "${filter}"`;
  return { text: `[${what}${shown}]${only}  ${paused ? 'paused' : `every ${intervalMs / 1_000} s`}`, tone: 'quiet' };
}

function footLine({ keys, filter, notice, chosen, inside }: Screen): Line {
  if (keys === 'filter') return { text: `filter: ${filter}_` };
  if (keys === 'question') return { text: `stop ${inside ?? chosen}? It cannot be undone. y/n`, tone: 'warning' };
  if (notice !== '') return { text: notice, tone: 'warning' };
  return { text: '? help  m q r a sort  t tree  c clients  s streams  e events  / filter  Q quit', tone: 'quiet' };
}

function bodyOf(screen: Screen, seen: Seen, room: number, columns: number): Drawing {
  const { content } = seen;
  if (!content) return { lines: [], ids: [], page: room };
  if (content.of === 'inside') return { lines: insideLines(content.id, content.inside, columns), ids: [], page: room };
  const [shape, items] = columnsFor(content, seen.nowMs);
  const ids = items.map((item) => String(item.id));
  const page = Math.max(1, room - 1);
  const at = Math.max(0, ids.indexOf(screen.chosen ?? ''));
  // A page at a time: rows stay where they are while the chosen one moves among them.
  const from = Math.floor(at / page) * page;
  const widths = fitted(shape, items, columns - 2);
  const row = (cells: readonly string[]): string =>
    shape
      .map(({ right, shrinks }, i) => {
        const width = widths[i] ?? 0;
        const whole = cells[i] ?? '';
        const cell = shrinks ? tail(whole, width) : cut(whole, width);
        return right ? cell.padStart(width) : cell.padEnd(width);
      })
      .join(' ')
      .trimEnd();
  const lines: Line[] = [{ text: `  ${row(shape.map(({ heading }) => heading))}`, tone: 'heading' }];
  items.slice(from, from + page).forEach((item, i) => {
    const chosen = from + i === at;
    lines.push({
      text: `${chosen ? '> ' : '  '}${row(shape.map(({ cell }) => plain(cell(item))))}`,
      tone: chosen ? 'chosen' : undefined,
    });
  });
  return { lines, ids, page };
}

/** Columns take what is in them; the one that may shrink takes what is left. */
function fitted<T>(shape: readonly Column<T>[], items: readonly T[], columns: number): readonly number[] {
  const wanted = shape.map(({ heading, cell, max = 200 }) =>
    Math.min(
      max,
      items.reduce((widest, item) => Math.max(widest, cell(item).length), heading.length),
    ),
  );
  const elastic = shape.findIndex(({ shrinks }) => shrinks);
  const others = wanted.reduce((sum, width, i) => (i === elastic ? sum : sum + width + 1), 0);
  return wanted.map((width, i) => (i === elastic ? Math.max(12, Math.min(width, columns - others)) : width));
}

/** Of a path that is too long the end says most. */
function tail(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`;
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}
