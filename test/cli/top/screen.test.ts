/** What keys do to the screen of `sluice top`, and what the screen makes of a gateway's figures. */
import { describe, expect, it } from 'vitest';
import { draw, type Seen } from '../../../src/cli/top/draw.js';
import { countersOf, lateness99 } from '../../../src/cli/top/exposition.js';
import { figuresOf, remembered, type Sample } from '../../../src/cli/top/figures.js';
import type { ListedActor } from '../../../src/cli/top/look.js';
import { firstScreen, INTERVALS_MS, type Key, type Order, pressed, type Screen } from '../../../src/cli/top/screen.js';
import type { Resources } from '../../../src/gateway/views.js';

const IDS = ['a', 'b', 'c', 'd', 'e'];
const shown = { ids: IDS, page: 2, mayAct: true };

/** A key by its name in words of more than one letter, else by its letter. */
function key(word: string): Key {
  return word.length > 1 ? { text: '', name: word as NonNullable<Key['name']> } : { text: word };
}

function struck(...keys: readonly string[]): readonly [Screen, readonly Order[]] {
  const orders: Order[] = [];
  let screen = firstScreen;
  for (const each of keys) {
    const [next, order] = pressed(screen, key(each), shown);
    screen = next;
    if (order) orders.push(order);
  }
  return [screen, orders];
}

describe('a key on the screen of top', () => {
  it.each([
    ['m', 'memory'],
    ['q', 'mailbox'],
    ['r', 'restarts'],
    ['a', 'age'],
  ])('%s sorts by %s, wherever it is struck', (letter, sort) => {
    expect(struck('t', letter)[0]).toMatchObject({ view: 'actors', sort });
  });

  it.each(['tree', 'clients', 'streams', 'events'])(
    'the first letter of %s shows it, and once more the actors',
    (view) => {
      const letter = view[0] as string;
      expect(struck(letter)[0].view).toBe(view);
      expect(struck(letter, letter)[0].view).toBe('actors');
    },
  );

  it('Q quits and q does not', () => {
    expect(struck('Q')[1]).toEqual([{ type: 'quit' }]);
    expect(struck('q')[1]).toEqual([{ type: 'look' }]);
  });

  it('moves among the rows and stops at both ends', () => {
    expect(struck('up')[0].chosen).toBe('a');
    expect(struck('down', 'pageDown')[0].chosen).toBe('d');
    expect(struck('pageDown', 'pageDown', 'pageDown')[0].chosen).toBe('e');
  });

  it('stops the one that was asked about and no other, though the list has changed since', () => {
    const [asked] = struck('down', 'k');
    expect(asked).toMatchObject({ keys: 'question', chosen: 'b' });
    const changed = { ...shown, ids: ['z', 'a'] };
    expect(pressed(asked, key('y'), changed)[1]).toEqual({ type: 'stop', id: 'b' });
    for (const other of ['n', 'Y', 'enter', 'k']) expect(pressed(asked, key(other), changed)[1]).toBeUndefined();
  });

  it('stops nothing without a token, and no event', () => {
    expect(pressed(firstScreen, key('k'), { ...shown, mayAct: false })[0]).toMatchObject({ keys: 'orders' });
    expect(struck('e', 'k')[0].keys).toBe('orders');
  });

  it('is a letter while a filter is typed, whatever it orders elsewhere', () => {
    const [screen, orders] = struck('/', 'Q', 'k', 'x', 'backspace', 'enter');
    expect(screen).toMatchObject({ filter: 'Qk', keys: 'orders' });
    expect(orders.filter(({ type }) => type !== 'look')).toEqual([]);
    expect(struck('/', 'Q', 'escape')[0].filter).toBe('');
  });

  it('changes the pace within its bounds', () => {
    const often = Array.from({ length: 20 }, () => '-');
    expect(struck(...often)[0].intervalMs).toBe(INTERVALS_MS[0]);
    expect(struck(...often.map(() => '+'))[0].intervalMs).toBe(INTERVALS_MS.at(-1));
  });
});

const resources = (more: Partial<Resources>): Resources =>
  ({
    memory: { rss: 1, heapUsed: 1, external: 0, arrayBuffers: 0 },
    eventLoop: { utilization: 0.5 },
    actors: { total: 3, byKind: {} },
    clients: 0,
    cameras: 0,
    calls: 0,
    channels: 0,
    services: 0,
    streams: 0,
    orphans: 0,
    limits: { clients: 100 },
    uptimeSeconds: 10,
    ...more,
  }) as Resources;

const metrics = (frames: number, restarts: number): string =>
  [
    '# TYPE sluice_stream_frames_total counter',
    `sluice_stream_frames_total{direction="in"} ${frames}`,
    `sluice_stream_frames_total{direction="out"} ${frames}`,
    `sluice_actor_restarts_total{supervisor="sluice/cameras"} ${restarts}`,
    `sluice_event_loop_lag_seconds_bucket{le="0.005"} ${frames}`,
    `sluice_event_loop_lag_seconds_bucket{le="0.1"} ${frames * 2}`,
    `sluice_event_loop_lag_seconds_bucket{le="+Inf"} ${frames * 2}`,
  ].join('\n');

const sample = (atMs: number, frames: number, restarts: number): Sample => ({
  atMs,
  resources: resources({ uptimeSeconds: 10 + atMs / 1_000 }),
  counters: countersOf(metrics(frames, restarts)),
});

describe('the figures of top', () => {
  it('are rates of what has grown between looks, and unknown before the second', () => {
    expect(figuresOf([sample(0, 5, 1)])).toMatchObject({ messagesPerSecond: null, restartsPerMinute: null });
    const figures = figuresOf([sample(0, 5, 1), sample(30_000, 5, 2), sample(32_000, 15, 4)]);
    expect(figures).toMatchObject({ messagesPerSecond: 10, restartsPerMinute: 3, eventLoopLateMs: 100 });
  });

  it('forget what is older than a minute, and everything of the gateway before', () => {
    const samples = [sample(0, 1, 1), sample(59_000, 1, 1)];
    expect(remembered(samples, sample(61_000, 1, 1)).map(({ atMs }) => atMs)).toEqual([59_000, 61_000]);
    const anew = { ...sample(61_000, 0, 0), resources: resources({ uptimeSeconds: 1 }) };
    expect(remembered(samples, anew)).toEqual([anew]);
  });

  it('name what has come to 85 % of its limit', () => {
    const at = (clients: number) => figuresOf([{ ...sample(0, 0, 0), resources: resources({ clients }) }]).nearLimit;
    expect([at(84), at(85)]).toEqual([[], [{ name: 'clients', used: 85, limit: 100 }]]);
  });

  it('know nothing of lateness where nothing was measured', () => {
    expect(lateness99(undefined, countersOf(''))).toBeUndefined();
  });
});

const actor = (id: string): ListedActor => ({
  id,
  kind: 'camera',
  state: 'alive',
  restarts: 0,
  startedAtMs: 0,
  holds: {},
  monitors: 0,
  mailbox: 0,
  memoryBytes: 8,
});

describe('the screen of top as it is drawn', () => {
  const seen = (ids: readonly string[], clients = 0): Seen => ({
    where: 'http://here',
    figures: figuresOf([{ ...sample(0, 0, 0), resources: resources({ clients }) }]),
    limits: { clients: 100 },
    content: { of: 'actors', actors: ids.map(actor) },
    nowMs: 1_000,
  });

  it('fits any terminal, and keeps the end of a path that does not', () => {
    const long = `sluice/${'x'.repeat(300)}/the-end`;
    for (const columns of [40, 80, 200]) {
      const { lines } = draw(firstScreen, seen([long]), { columns, rows: 20 });
      expect(lines).toHaveLength(19);
      expect(Math.max(...lines.map(({ text }) => text.length))).toBeLessThanOrEqual(columns);
      expect(lines.find(({ tone }) => tone === 'chosen')?.text).toContain('the-end');
    }
  });

  it('warns in a line of its own near a limit', () => {
    const warnings = (clients: number) =>
      draw(firstScreen, seen([], clients), { columns: 80, rows: 20 }).lines.filter(({ tone }) => tone === 'warning');
    expect(warnings(84)).toEqual([]);
    expect(warnings(85)).toEqual([{ text: '! clients near the limit: 85 of 100', tone: 'warning' }]);
  });

  it('hands no orders of a name on to the terminal', () => {
    const { lines } = draw(firstScreen, seen(['\u001b[2Jevil\u202e']), { columns: 80, rows: 20 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there.
    expect(lines.filter(({ text }) => /[\u0000-\u001f\u202e]/.test(text))).toEqual([]);
  });

  it('shows the page on which the chosen row is', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `actor-${i}`);
    const { lines, page } = draw({ ...firstScreen, chosen: 'actor-99' }, seen(ids), { columns: 80, rows: 20 });
    expect(page).toBeLessThan(20);
    expect(lines.find(({ tone }) => tone === 'chosen')?.text).toMatch(/^> actor-99 /);
  });
});
