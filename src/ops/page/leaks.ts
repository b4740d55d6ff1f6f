/** What is held, by kind and by owner, and what may never be: each invariant is green, or red with what breaks it. */
import type { LeaksView } from '../../gateway/views.js';
import { openActor } from './actor.js';
import { ask } from './ask.js';
import { byId, make, setText } from './dom.js';
import { Table } from './tables.js';
import { number } from './words.js';

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

export async function showLeaks(): Promise<void> {
  const leaks = await ask<LeaksView>('api/leaks');
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
