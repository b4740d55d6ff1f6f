/** Who is connected: clients, their sessions, and every open call with what waits in its queue and what it has dropped. */
import type { ClientView, LeaksView, SessionView, StreamView } from '../../gateway/views.js';
import { openActor } from './actor.js';
import { ask } from './ask.js';
import { askFirst } from './ask-first.js';
import { setBadge } from './badge.js';
import { byId } from './dom.js';
import { Table } from './tables.js';
import { age, many, nameOf, number, toneOf } from './words.js';

const ROWS_MAX = 100;

const clients = new Table<ClientView>({
  id: 'clients',
  title: 'Clients',
  onOpen: openActor,
  columns: [
    {
      label: 'Client',
      look: 'name mono',
      text: ({ nodeId, implicit }) => (implicit ? `${nodeId} (implicit)` : nodeId),
      title: ({ id }) => id,
      opens: ({ id }) => id,
    },
    { label: 'State', text: ({ state }) => state, tone: ({ state }) => toneOf(state) },
    { label: 'Streams', look: 'number', text: ({ streams }) => number(streams) },
  ],
  action: {
    verb: 'Kill',
    name: ({ nodeId }) => `client ${nodeId}`,
    onPress: ({ id, nodeId, streams }) =>
      askFirst({
        verb: 'Kill',
        name: nodeId,
        id,
        text: `Its connection is cut at once, and ${many(streams, 'stream')} with it. Nothing of it is kept. The client may connect again.`,
      }),
  },
});

const sessions = new Table<SessionView>({
  id: 'sessions',
  title: 'Sessions',
  onOpen: openActor,
  columns: [
    {
      label: 'Session',
      look: 'name mono',
      text: ({ id }) => nameOf(id),
      title: ({ id }) => id,
      opens: ({ id }) => id,
    },
    { label: 'Client', look: 'name mono', text: ({ nodeId }) => nodeId },
    { label: 'State', text: ({ state }) => state, tone: ({ state }) => toneOf(state) },
  ],
});

const streams = new Table<StreamView>({
  id: 'streams',
  title: 'Streams',
  onOpen: openActor,
  columns: [
    {
      label: 'Stream',
      look: 'name mono',
      text: ({ id }) => nameOf(id),
      title: ({ id, kind }) => `${id} (${kind})`,
      opens: ({ id }) => id,
    },
    { label: 'State', text: ({ state }) => state, tone: ({ state }) => toneOf(state) },
    { label: 'Camera', text: ({ cameraId }) => cameraId ?? '–' },
    { label: 'Client', look: 'name mono optional', text: ({ nodeId }) => nodeId || '–' },
    { label: 'Queued', look: 'number', text: ({ queued }) => number(queued) },
    { label: 'Sent', look: 'number optional', text: ({ sent }) => number(sent) },
    { label: 'Drops', look: 'number', text: ({ drops }) => number(drops) },
    { label: 'Data age', look: 'number', text: ({ data }) => age(data?.outMs ?? data?.inMs) },
  ],
  action: {
    verb: 'Kill',
    name: ({ id }) => `stream ${nameOf(id)}`,
    onPress: ({ id, cameraId }) =>
      askFirst({
        verb: 'Kill',
        name: nameOf(id),
        id,
        text: `This call ends at once${cameraId ? ` and shows no more of camera ${cameraId}` : ''}. The peer may call again.`,
      }),
  },
});

const INDEX_MS = 5_000;
const OF_THE_TABLES = 'the tables of clients and streams agree';
let lookedAtMs = 0;

/** Whether the tables of clients and streams say the same of each other. A walk over all: seldom. */
async function showIndex(): Promise<void> {
  if (Date.now() - lookedAtMs < INDEX_MS) return;
  lookedAtMs = Date.now();
  const { invariants } = await ask<LeaksView>('api/leaks');
  const index = invariants.find(({ name }) => name === OF_THE_TABLES);
  if (!index) return;
  const badge = byId('clients-index');
  setBadge(badge, index.holds ? 'tables agree' : 'tables disagree', index.holds ? 'good' : 'bad');
  badge.title = index.holds ? OF_THE_TABLES : index.broken.join('\n');
}

export interface TrafficTotals {
  readonly clients: number;
  readonly sessions: number;
  readonly streams: number;
}

export async function showTraffic(total: TrafficTotals): Promise<void> {
  const limit = `limit=${ROWS_MAX}`;
  const [c, s, st] = await Promise.all([
    ask<{ clients: ClientView[] }>(`api/clients?${limit}`),
    ask<{ sessions: SessionView[] }>(`api/sessions?${limit}`),
    ask<{ streams: StreamView[] }>(`api/streams?${limit}`),
    showIndex(),
  ]);
  clients.show(c.clients, Math.max(total.clients, c.clients.length));
  sessions.show(s.sessions, Math.max(total.sessions, s.sessions.length));
  streams.show(st.streams, Math.max(total.streams, st.streams.length));
}
