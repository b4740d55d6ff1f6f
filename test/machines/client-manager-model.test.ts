/**
 * The client manager's reducer against a naive one: a list of clients, each with a list of streams, from which every table is
 * computed anew. After any sequence of events both must say the same, and no index may disagree with another.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClientInfo,
  type ClientManagerEvent,
  clientManagerTransition,
  emptyClientManager,
} from '../../machines/client-manager.js';
import { clientManagerFaults } from '../../machines/client-manager-faults.js';

type Event = ClientManagerEvent<string>;

const CLIENTS_MAX = 3;
const STREAMS_MAX = 3;

const clientRef = fc.constantFrom('c1', 'c2', 'c3', 'c4', 'c5');
const streamRef = fc.constantFrom('s1', 's2', 's3', 's4', 's5', 's6');
const nodeId = fc.constantFrom('n1', 'n2', 'n3', 'n4');
const endpoint = fc.constantFrom('east', 'west');
const info: fc.Arbitrary<ClientInfo> = fc.record(
  {
    nodeId: fc.oneof({ weight: 20, arbitrary: nodeId }, fc.constant('')),
    implicit: fc.boolean(),
    resumable: fc.boolean(),
  },
  { requiredKeys: ['nodeId'] },
);

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ type: fc.constant('client.connected' as const), ref: clientRef, info }),
  fc.record(
    { type: fc.constant('client.disconnected' as const), ref: clientRef, left: fc.boolean(), generation: fc.nat(9) },
    { requiredKeys: ['type', 'ref'] },
  ),
  fc.record(
    { type: fc.constant('stream.stored' as const), nodeId, stream: streamRef, endpoint },
    { requiredKeys: ['type', 'nodeId', 'stream'] },
  ),
  fc.record({ type: fc.constant('stream.attached' as const), nodeId, stream: streamRef }),
  fc.record({ type: fc.constant('process.down' as const), ref: fc.oneof(clientRef, streamRef) }),
  fc.record({ type: fc.constant('place.held' as const), nodeId }),
  fc.record({ type: fc.constant('place.released' as const), nodeId }),
);

interface NaiveStream {
  readonly ref: string;
  endpoint: string | undefined;
}

interface NaiveClient {
  readonly ref: string;
  info: ClientInfo;
  readonly generation: number;
  streams: NaiveStream[];
  control: string | undefined;
}

class Naive {
  clients: NaiveClient[] = [];
  held: string[] = [];
  #generation = 0;

  apply(given: Event): string | undefined {
    switch (given.type) {
      case 'client.connected':
        return this.#connect(given.ref, given.info);
      case 'client.disconnected': {
        const client = this.#client(given.ref);
        if (!client || (given.generation !== undefined && given.generation !== client.generation)) return undefined;
        return this.#remove(client, !given.left);
      }
      case 'stream.stored':
        return this.#add(given.nodeId, given.stream, given.endpoint, true);
      case 'stream.attached':
        return this.#add(given.nodeId, given.stream, undefined, false);
      case 'process.down': {
        const client = this.#client(given.ref);
        return client ? this.#remove(client, true) : this.#streamDown(given.ref);
      }
      case 'place.held':
        if (this.#at(given.nodeId) || this.held.includes(given.nodeId)) return undefined;
        if (this.#places >= CLIENTS_MAX) return 'max_clients_reached';
        this.held.push(given.nodeId);
        return undefined;
      case 'place.released':
        this.held = this.held.filter((held) => held !== given.nodeId);
        for (const client of this.clients) {
          if (client.info.nodeId === given.nodeId) client.info = { ...client.info, resumable: false };
        }
        return undefined;
    }
  }

  /** Every table, computed from the list. */
  tables() {
    const streams = this.clients.flatMap((owner) => owner.streams.map((stream) => ({ owner, stream })));
    return {
      clients: sorted(this.clients.map(({ ref, info: { nodeId: node }, generation }) => [ref, node, generation])),
      nodes: sorted(this.clients.map(({ ref, info: { nodeId: node } }) => [node, ref])),
      clientStreams: sorted(
        this.clients.flatMap(({ info: { nodeId: node }, control }) => (control === undefined ? [] : [[node, control]])),
      ),
      streams: sorted(streams.map(({ owner, stream }) => [stream.ref, owner.ref, owner.info.nodeId, stream.endpoint])),
      endpoints: sorted(streams.flatMap(({ stream }) => (stream.endpoint ? [[stream.endpoint, stream.ref]] : []))),
      held: sorted(this.held.map((node) => [node])),
    };
  }

  /** Everybody who has to be monitored. */
  monitored(): readonly string[] {
    return this.clients.flatMap(({ ref, streams }) => [ref, ...streams.map((stream) => stream.ref)]).sort();
  }

  get #places(): number {
    return this.clients.length + this.held.length;
  }

  #client(ref: string): NaiveClient | undefined {
    return this.clients.find((client) => client.ref === ref);
  }

  #at(node: string): NaiveClient | undefined {
    return this.clients.find((client) => client.info.nodeId === node);
  }

  #connect(ref: string, said: ClientInfo): string | undefined {
    if (said.nodeId === '') return 'node_id_required';
    const known = this.#client(ref);
    const holder = this.#at(said.nodeId);
    if (!known && !holder && !this.held.includes(said.nodeId) && this.#places >= CLIENTS_MAX)
      return 'max_clients_reached';
    this.clients = this.clients.filter((client) => client === known || client !== holder);
    this.held = this.held.filter((node) => node !== said.nodeId);
    if (known) known.info = said;
    else {
      this.#generation += 1;
      this.clients.push({ ref, info: said, generation: this.#generation, streams: [], control: undefined });
    }
    return undefined;
  }

  #remove(client: NaiveClient, mayComeBack: boolean): undefined {
    this.clients = this.clients.filter((other) => other !== client);
    if (mayComeBack && client.info.resumable) this.held.push(client.info.nodeId);
    return undefined;
  }

  #add(node: string, ref: string, at: string | undefined, control: boolean): string | undefined {
    const client = this.#at(node);
    if (!client) return 'not_found';
    const owner = this.clients.find(({ streams }) => streams.some((stream) => stream.ref === ref));
    if (owner && owner !== client) return 'stream_belongs_to_another';
    if (!owner && client.streams.length >= STREAMS_MAX) return 'max_streams_reached';
    for (const { streams } of this.clients) {
      for (const stream of streams) if (at !== undefined && stream.endpoint === at) stream.endpoint = undefined;
    }
    const known = client.streams.find((stream) => stream.ref === ref);
    if (known) known.endpoint = at;
    else client.streams.push({ ref, endpoint: at });
    if (control || (client.info.implicit && client.control === undefined)) client.control = ref;
    return undefined;
  }

  #streamDown(ref: string): undefined {
    for (const client of this.clients) {
      if (!client.streams.some((stream) => stream.ref === ref)) continue;
      client.streams = client.streams.filter((stream) => stream.ref !== ref);
      if (client.control === ref) client.control = undefined;
      if (client.info.implicit) client.control ??= client.streams[0]?.ref;
    }
    return undefined;
  }
}

function sorted(rows: readonly unknown[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}

describe('any sequence of connects, streams, disconnects, deaths, returns and renamings', () => {
  it('S3-12 S3-26 D-4 D-7 gives what a naive model gives, with every index right and exactly the living monitored', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const state = emptyClientManager<string>({ clientsMax: CLIENTS_MAX, streamsPerClientMax: STREAMS_MAX });
        const naive = new Naive();
        const monitored = new Set<string>();
        for (const given of events) {
          const { rev } = state;
          const { refused, effects } = clientManagerTransition(state, given);
          if (given.type === 'process.down') monitored.delete(given.ref);
          for (const { type, ref } of effects) {
            if (type === 'monitor') {
              expect(monitored.has(ref), `${ref} is monitored twice`).toBe(false);
              monitored.add(ref);
            } else if (type === 'demonitor') {
              expect(monitored.delete(ref), `${ref} has no monitor to drop`).toBe(true);
            }
          }
          expect(refused).toBe(naive.apply(given));
          if (refused !== undefined) expect(state.rev, 'a refusal changes nothing').toBe(rev);
          expect(clientManagerFaults(state)).toEqual([]);
          expect({
            clients: sorted([...state.clients.values()].map((one) => [one.ref, one.info.nodeId, one.generation])),
            nodes: sorted([...state.nodes]),
            clientStreams: sorted([...state.clientStreams].map(([node, stream]) => [node, stream.ref])),
            streams: sorted([...state.streams.values()].map((one) => [one.ref, one.owner, one.nodeId, one.endpoint])),
            endpoints: sorted([...state.endpoints]),
            held: sorted([...state.held].map((node) => [node])),
          }).toEqual(naive.tables());
          expect([...monitored].sort()).toEqual(naive.monitored());
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
