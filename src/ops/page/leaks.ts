/**
 * What is held, by kind and by owner, who remembers most, what has grown meanwhile, and what may never be: each invariant is
 * green, or red with what breaks it.
 */
import type { LeaksView, RankedActor } from '../../gateway/views.js';
import { openActor } from './actor.js';
import { ask } from './ask.js';
import { byId, make, setText } from './dom.js';
import { type Grown, growth } from './history.js';
import { Table } from './tables.js';
import { bytes, many, number } from './words.js';

interface Holding {
  readonly id: string;
  readonly owner: string;
  readonly kind: string;
  readonly count: number;
  readonly alive: boolean;
}

const census = new Table<{ readonly id: string; readonly count: number }>({
  id: 'census',
  title: 'Held, by kind',
  columns: [
    { label: 'Kind', text: ({ id }) => id.replaceAll('_', ' ') },
    { label: 'Held', look: 'number', text: ({ count }) => number(count) },
  ],
});

const holdings = new Table<Holding>({
  id: 'holdings',
  title: 'Held, by owner',
  onOpen: openActor,
  columns: [
    {
      label: 'Owner',
      look: 'name wide-name mono',
      text: ({ owner }) => owner,
      title: ({ owner }) => owner,
      opens: ({ owner }) => owner,
    },
    { label: 'Kind', text: ({ kind }) => kind.replaceAll('_', ' ') },
    { label: 'Held', look: 'number', text: ({ count }) => number(count) },
    {
      label: 'Owner lives',
      text: ({ alive }) => (alive ? 'yes' : 'no'),
      tone: ({ alive }) => (alive ? 'good' : 'bad'),
    },
  ],
});

const grown = new Table<Grown>({
  id: 'growth',
  title: 'Growth',
  columns: [
    { label: 'Figure', text: ({ id }) => id },
    { label: 'At first', look: 'number', text: ({ from }) => from },
    { label: 'Now', look: 'number', text: ({ now }) => now },
    { label: 'Change', look: 'number', text: ({ change }) => change },
    {
      label: 'Trend',
      text: ({ onlyRose }) => (onlyRose ? 'only rises' : 'moves'),
      tone: ({ onlyRose }) => (onlyRose ? 'wait' : ''),
    },
  ],
});

const REMEMBERED_MAX = 20;
const remembered = new Table<RankedActor>({
  id: 'remembered',
  title: 'Remembered, by owner',
  onOpen: openActor,
  columns: [
    { label: 'Owner', look: 'name wide-name mono', text: ({ id }) => id, title: ({ id }) => id, opens: ({ id }) => id },
    { label: 'Kind', look: 'optional', text: ({ kind }) => kind },
    { label: 'Memory ≈', look: 'number', text: ({ memoryBytes }) => bytes(memoryBytes) },
  ],
});

interface Answer extends LeaksView {
  readonly undisposed?: number;
}

/** Ended, and still in memory: a sign that somebody holds on to them. */
function sayUndisposed({ undisposed }: Answer): string {
  if (undisposed === undefined) return 'Whether actors that have ended are collected is not watched here.';
  return undisposed === 0
    ? 'All actors that ended more than a minute ago are collected.'
    : `${many(undisposed, 'actor')} ended more than a minute ago and not collected.`;
}

export async function showLeaks(): Promise<void> {
  const [leaks, { actors }] = await Promise.all([
    ask<Answer>('api/leaks'),
    ask<{ actors: RankedActor[] }>(`api/actors?sort=memory&limit=${REMEMBERED_MAX}`),
  ]);
  setText(byId('undisposed'), sayUndisposed(leaks));
  remembered.show(actors);
  grown.show(growth());
  const kinds = Object.entries(leaks.census).map(([id, count]) => ({ id, count }));
  census.show(kinds.sort((a, b) => b.count - a.count));
  holdings.show(
    leaks.holdings.map((holding) => ({ ...holding, id: `${holding.owner} ${holding.kind}` })),
    leaks.holdingsTotal,
  );
  const items = leaks.invariants.map(({ name, holds, broken }) =>
    make(
      'li',
      {},
      make('span', { class: `badge ${holds ? 'good' : 'bad'}` }, holds ? 'holds' : 'broken'),
      make('span', {}, name),
      ...(broken.length > 0 ? [make('p', { class: 'fault mono' }, broken.slice(0, 20).join('\n'))] : []),
    ),
  );
  byId('invariants').replaceChildren(...items);
  const broken = leaks.invariants.filter(({ holds }) => !holds).length;
  setText(byId('invariants-count'), broken === 0 ? 'all hold' : `${number(broken)} broken`);
}
