/** Which columns each list of `sluice top` has. */
import type { ClientView, GatewayEvent, StreamView, TreeRow } from '../../gateway/views.js';
import { duration } from '../terminal-text.js';
import type { Content, ListedActor } from './look.js';

export interface Column<T> {
  readonly heading: string;
  readonly cell: (item: T) => string;
  readonly right?: boolean;
  readonly max?: number;
  /** Takes what the others leave. One of a list. */
  readonly shrinks?: boolean;
}

type Item = { readonly id: string | number };
type Lists = Exclude<Content, { readonly of: 'inside' }>;

export function columnsFor(content: Lists, nowMs: number): readonly [readonly Column<Item>[], readonly Item[]] {
  // Each list is read by its own columns only, which this pairing holds and a type across five lists does not say.
  const pair = <T extends Item>(columns: readonly Column<T>[], items: readonly T[]) =>
    [columns as unknown as readonly Column<Item>[], items as readonly Item[]] as const;
  switch (content.of) {
    case 'actors':
      return pair(actors(nowMs), content.actors);
    case 'tree':
      return pair(tree(nowMs), content.rows);
    case 'clients':
      return pair(CLIENTS, content.clients);
    case 'streams':
      return pair(STREAMS, content.streams);
    case 'events':
      return pair(EVENTS, content.events);
  }
}

const short = (id: string): string => id.replace(/^sluice\//, '');
const age = (nowMs: number, startedAtMs: number): string => duration((nowMs - startedAtMs) / 1_000);

const actors = (nowMs: number): readonly Column<ListedActor>[] => [
  { heading: 'ID', cell: ({ id }) => short(id), shrinks: true },
  { heading: 'KIND', cell: ({ kind }) => kind, max: 11 },
  { heading: 'STATE', cell: ({ state }) => state, max: 20 },
  { heading: 'QUEUE', cell: ({ mailbox }) => String(mailbox), right: true },
  { heading: 'RST', cell: ({ restarts }) => String(restarts), right: true },
  { heading: 'AGE', cell: ({ startedAtMs }) => age(nowMs, startedAtMs), right: true },
  { heading: 'MEM', cell: ({ memoryBytes }) => bytes(memoryBytes), right: true },
  { heading: 'HOLDS', cell: ({ holds }) => String(held(holds)), right: true },
  { heading: 'EVENT', cell: ({ event = '' }) => event, max: 16 },
];

const tree = (nowMs: number): readonly Column<TreeRow>[] => [
  {
    heading: 'ACTOR',
    cell: ({ id, depth }) => `${'  '.repeat(depth)}${id.slice(id.lastIndexOf('/') + 1)}`,
    shrinks: true,
  },
  { heading: 'STATE', cell: ({ strategy, state }) => strategy ?? state, max: 24 },
  { heading: 'CHILDREN', cell: ({ children }) => (children === 0 ? '' : String(children)), right: true },
  { heading: 'RST', cell: ({ restarts }) => String(restarts), right: true },
  { heading: 'AGE', cell: ({ startedAtMs }) => age(nowMs, startedAtMs), right: true },
];

const CLIENTS: readonly Column<ClientView>[] = [
  { heading: 'NODE', cell: ({ nodeId }) => nodeId, shrinks: true },
  { heading: 'STATE', cell: ({ state }) => state, max: 40 },
  { heading: 'STREAMS', cell: ({ streams }) => String(streams), right: true },
  { heading: 'KIND', cell: ({ implicit }) => (implicit ? 'implicit' : 'client') },
];

const STREAMS: readonly Column<StreamView>[] = [
  { heading: 'ID', cell: ({ id }) => short(id), shrinks: true },
  { heading: 'KIND', cell: ({ kind }) => kind, max: 10 },
  { heading: 'STATE', cell: ({ state }) => state, max: 18 },
  { heading: 'CAMERA', cell: ({ cameraId = '' }) => cameraId, max: 12 },
  { heading: 'QUEUED', cell: ({ queued }) => String(queued), right: true },
  { heading: 'SENT', cell: ({ sent }) => String(sent), right: true },
  { heading: 'DROPS', cell: ({ drops }) => String(drops), right: true },
];

const EVENTS: readonly Column<GatewayEvent>[] = [
  { heading: 'TIME', cell: ({ atMs }) => new Date(atMs).toISOString().slice(11, 23) },
  { heading: 'TYPE', cell: ({ type }) => type, max: 22 },
  {
    heading: 'ACTOR',
    cell: ({ actor, reason }) => `${short(actor)}${reason === undefined ? '' : `: ${reason}`}`,
    shrinks: true,
  },
];

function held(holds: Readonly<Record<string, number>>): number {
  return Object.values(holds).reduce((sum, count) => sum + count, 0);
}

function bytes(value: number): string {
  if (value < 1_024) return `${value}`;
  return value < 1_048_576 ? `${Math.round(value / 1_024)}k` : `${(value / 1_048_576).toFixed(1)}M`;
}
