/** One look at a gateway: its figures, and of everything else only what the screen shows now. */
import type {
  ActorDetail,
  CauseView,
  ClientView,
  GatewayEvent,
  RankedActor,
  Resources,
  StreamView,
  TreeRow,
  TreeRows,
} from '../../gateway/views.js';
import { type Remote, RemoteError } from '../remote.js';
import type { WhyAnswer } from '../why.js';
import { type Counters, countersOf } from './exposition.js';
import type { Sample } from './figures.js';
import type { Screen } from './screen.js';

/** More than any terminal has lines; who looks for one in particular uses the filter. */
const ROWS_MAX = 500;
const FLIGHT_STEPS_MAX = 20;

/** What an actor has received, as `/api/actors/:id/flight` gives it. */
export interface FlightStep {
  readonly atMs: number;
  readonly event: string;
  readonly state: string;
}

export interface Inside {
  /** Undefined when it has ended. */
  readonly actor: (ActorDetail & { readonly lastError?: string }) | undefined;
  readonly why: readonly CauseView[];
  readonly paragraph: string;
  readonly events: readonly GatewayEvent[];
  readonly flight: readonly FlightStep[];
}

/** An actor in the table, with the last event it was given where the gateway tells. */
export type ListedActor = RankedActor & { readonly event?: string };

export type Content =
  | { readonly of: 'actors'; readonly actors: readonly ListedActor[] }
  | { readonly of: 'tree'; readonly rows: readonly TreeRow[]; readonly total: number }
  | { readonly of: 'clients'; readonly clients: readonly ClientView[] }
  | { readonly of: 'streams'; readonly streams: readonly StreamView[] }
  | { readonly of: 'events'; readonly events: readonly GatewayEvent[] }
  | { readonly of: 'inside'; readonly id: string; readonly inside: Inside };

export async function look(gateway: Remote, screen: Screen): Promise<readonly [Sample, Content]> {
  const [resources, counters, content] = await Promise.all([
    gateway.get<Resources>('/system-resources'),
    counted(gateway),
    screen.inside === undefined ? listed(gateway, screen) : entered(gateway, screen.inside),
  ]);
  return [{ atMs: Date.now(), resources, counters }, content];
}

async function counted(gateway: Remote): Promise<Counters | undefined> {
  const text = await orNothing(gateway.getText('/metrics'));
  return text === undefined ? undefined : countersOf(text);
}

async function listed(gateway: Remote, { view, sort, filter }: Screen): Promise<Content> {
  const found = <T extends { readonly id: unknown }>(items: readonly T[]): readonly T[] =>
    filter === '' ? items : items.filter((item) => Object.values(item).some((value) => mentions(value, filter)));
  switch (view) {
    case 'actors': {
      const path = `/api/actors?sort=${sort}&limit=${ROWS_MAX}&filter=${encodeURIComponent(filter)}`;
      const { actors } = await gateway.get<{ readonly actors: readonly ListedActor[] }>(path);
      return { of: view, actors };
    }
    case 'tree': {
      const find = filter === '' ? '' : `&find=${encodeURIComponent(filter)}`;
      const { rows, total } = await gateway.get<TreeRows>(`/api/tree?rows=0&limit=${ROWS_MAX}${find}`);
      return { of: view, rows, total };
    }
    case 'clients':
      return { of: view, clients: found(await gateway.list<ClientView>('clients')).slice(0, ROWS_MAX) };
    case 'streams':
      return { of: view, streams: found(await gateway.list<StreamView>('streams')).slice(0, ROWS_MAX) };
    case 'events': {
      const { events } = await gateway.get<{ readonly events: readonly GatewayEvent[] }>('/api/events');
      return { of: view, events: found(events).slice(-ROWS_MAX).reverse() };
    }
  }
}

function mentions(value: unknown, filter: string): boolean {
  return typeof value === 'string' && value.toLowerCase().includes(filter.toLowerCase());
}

async function entered(gateway: Remote, id: string): Promise<Content> {
  const path = encodeURIComponent(id);
  type Answer = ActorDetail & { readonly lastError?: string; readonly events?: readonly GatewayEvent[] };
  const [actor, { why, paragraph }, flight] = await Promise.all([
    orNothing(gateway.get<Answer>(`/api/actors/${path}`)),
    gateway.get<WhyAnswer>(`/api/why/${path}`),
    orNothing(gateway.get<{ readonly steps: readonly FlightStep[] }>(`/api/actors/${path}/flight?form=steps`)),
  ]);
  const steps = (flight?.steps ?? []).slice(-FLIGHT_STEPS_MAX);
  return { of: 'inside', id, inside: { actor, why, paragraph, events: actor?.events ?? [], flight: steps } };
}

/** What this gateway does not have, or does not have any more, is shown as unknown. */
async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RemoteError && error.status === 404) return undefined;
    throw error;
  }
}
