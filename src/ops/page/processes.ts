/** The actors that stand out: by what waits, by what they remember, by restarts, by age; and all that have a text in them. */
import type { RankedActor } from '../../gateway/views.js';
import { openActor } from './actor.js';
import { ask } from './ask.js';
import { byId } from './dom.js';
import { Table } from './tables.js';
import { bytes, duration, nameOf, number, toneOf } from './words.js';

const ROWS_MAX = 100;
const FILTER_MS = 200;

const table = new Table<RankedActor>({
  id: 'processes',
  title: 'Processes',
  onOpen: openActor,
  columns: [
    { label: 'Actor', look: 'name mono', text: ({ id }) => nameOf(id), title: ({ id }) => id, opens: ({ id }) => id },
    { label: 'Kind', look: 'optional', text: ({ kind }) => kind },
    { label: 'State', text: ({ state }) => state, tone: ({ state }) => toneOf(state) },
    { label: 'Mailbox', look: 'number', text: ({ mailbox }) => number(mailbox) },
    { label: 'Memory ≈', look: 'number', text: ({ memoryBytes }) => bytes(memoryBytes) },
    { label: 'Restarts', look: 'number', text: ({ restarts }) => number(restarts) },
    { label: 'Holds', look: 'number optional', text: ({ holds }) => number(sum(holds)) },
    { label: 'Age', look: 'number', text: ({ startedAtMs }) => duration(Date.now() - startedAtMs) },
  ],
});

function sum(holds: Readonly<Record<string, number>>): number {
  return Object.values(holds).reduce((all, n) => all + n, 0);
}

export async function showProcesses(): Promise<void> {
  const sort = byId<HTMLSelectElement>('processes-sort').value;
  const filter = byId<HTMLInputElement>('processes-filter').value.trim();
  const query = new URLSearchParams({ sort, filter, limit: String(ROWS_MAX) });
  const { actors } = await ask<{ actors: RankedActor[] }>(`api/actors?${query}`);
  table.show(actors);
}

export function setUpProcesses(): void {
  let typing: ReturnType<typeof setTimeout> | undefined;
  const again = (): void => void showProcesses().catch(() => {});
  byId('processes-sort').addEventListener('change', again);
  byId('processes-filter').addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(again, FILTER_MS);
  });
}
