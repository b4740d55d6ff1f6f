/** What clients do with each other: rooms, procedures and the calls to them, topics, and connections to other servers. */
import type { CallView, ChannelView, RoomView, ServiceView, TopicView } from '../../gateway/views.js';
import { openActor } from './actor.js';
import { ask } from './ask.js';
import { askFirst } from './ask-first.js';
import { Table } from './tables.js';
import { age, many, nameOf, number, toneOf } from './words.js';

const ROWS_MAX = 100;

const rooms = new Table<RoomView>({
  id: 'rooms',
  title: 'Rooms',
  onOpen: openActor,
  columns: [
    { label: 'Room', look: 'name mono', text: ({ id }) => id, opens: ({ id }) => `sluice/rooms/room:${id}` },
    { label: 'State', text: ({ state }) => state, tone: ({ state }) => toneOf(state) },
    { label: 'Users', look: 'number', text: ({ participants }) => number(participants) },
    { label: 'Who', look: 'name optional', text: ({ users }) => users.map(({ userId }) => userId).join(', ') },
    { label: 'Drops', look: 'number', text: ({ users }) => number(users.reduce((sum, { drops }) => sum + drops, 0)) },
    { label: 'Carried by', look: 'optional', text: ({ backend }) => backend },
  ],
});

const services = new Table<ServiceView>({
  id: 'services',
  title: 'Services',
  columns: [
    { label: 'Procedure', look: 'name mono', text: ({ procedure }) => procedure },
    { label: 'Provider', look: 'name mono', text: ({ nodeId }) => nodeId },
    { label: 'State', text: ({ state }) => state, tone: ({ state }) => toneOf(state) },
    { label: 'Expires in', look: 'number', text: ({ expiresInMs }) => age(expiresInMs) },
  ],
});

const calls = new Table<CallView>({
  id: 'calls',
  title: 'Calls',
  onOpen: openActor,
  columns: [
    { label: 'Procedure', look: 'name mono', text: ({ procedure }) => procedure, title: ({ id }) => id },
    { label: 'State', text: ({ state }) => state, tone: ({ state }) => toneOf(state) },
    {
      label: 'Caller',
      look: 'name mono optional',
      text: ({ caller }) => nameOf(caller),
      title: ({ caller }) => caller,
      opens: ({ caller }) => caller,
    },
    { label: 'Provider', look: 'name mono', text: ({ provider }) => provider },
    { label: 'Try', look: 'number optional', text: ({ attempt }) => number(attempt) },
    { label: 'Age', look: 'number', text: ({ ageMs }) => age(ageMs) },
  ],
});

const topics = new Table<TopicView>({
  id: 'topics',
  title: 'Topics',
  columns: [
    { label: 'Pattern', look: 'name mono', text: ({ id }) => id },
    { label: 'Subscribers', look: 'number', text: ({ subscribers }) => number(subscribers) },
  ],
});

const channels = new Table<ChannelView>({
  id: 'channels',
  title: 'Channels',
  columns: [
    { label: 'Target', look: 'name mono', text: ({ target }) => target, title: ({ id }) => id },
    { label: 'State', text: ({ state }) => state, tone: ({ state }) => toneOf(state) },
    { label: 'Leases', look: 'number', text: ({ leases }) => number(leases) },
    { label: 'Calls', look: 'number', text: ({ calls: open }) => number(open) },
    { label: 'Waiting', look: 'number optional', text: ({ waiting }) => number(waiting) },
    { label: 'Age', look: 'number', text: ({ ageMs }) => age(ageMs) },
  ],
  action: {
    verb: 'Evict',
    name: ({ target }) => `connection to ${target}`,
    onPress: ({ id, target, calls: open }) =>
      askFirst({
        verb: 'Evict',
        name: target,
        id,
        path: `api/channels/${encodeURIComponent(id)}/evict`,
        text: `The connection is closed${open > 0 ? ` when its ${many(open, 'call')} have ended` : ''}; the next call makes another.`,
      }),
  },
});

export async function showServices(): Promise<void> {
  const limit = `limit=${ROWS_MAX}`;
  const [r, s, c, t, ch] = await Promise.all([
    ask<{ rooms: RoomView[] }>(`api/rooms?${limit}`),
    ask<{ services: ServiceView[] }>(`api/services?${limit}`),
    ask<{ calls: CallView[] }>(`api/calls?${limit}`),
    ask<{ topics: TopicView[] }>(`api/topics?${limit}`),
    ask<{ channels: ChannelView[] }>(`api/channels?${limit}`),
  ]);
  rooms.show(r.rooms);
  services.show(s.services);
  calls.show(c.calls);
  topics.show(t.topics);
  channels.show(ch.channels);
}
