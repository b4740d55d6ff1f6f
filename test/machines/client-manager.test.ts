/** The client manager's reducer, without a runtime: tables that change together or not at all. */
import { describe, expect, it } from 'vitest';
import {
  type ClientManagerEffect,
  type ClientManagerEvent,
  type ClientManagerState,
  clientManagerTransition,
  emptyClientManager,
} from '../../machines/client-manager.js';
import { clientManagerFaults } from '../../machines/client-manager-faults.js';

type State = ClientManagerState<string>;
type Event = ClientManagerEvent<string>;

function manager(clientsMax = 10_000, streamsPerClientMax = 16): State {
  return emptyClientManager({ clientsMax, streamsPerClientMax });
}

/** Applies the events. @returns what the last one answered. */
function apply(state: State, ...events: readonly Event[]) {
  let step: ReturnType<typeof clientManagerTransition<string>> = { refused: undefined, effects: [] };
  for (const event of events) step = clientManagerTransition(state, event);
  expect(clientManagerFaults(state)).toEqual([]);
  return step;
}

const connect = (ref: string, nodeId: string, more: object = {}): Event => ({
  type: 'client.connected',
  ref,
  info: { nodeId, ...more },
});
const disconnect = (ref: string, generation?: number): Event => ({
  type: 'client.disconnected',
  ref,
  left: true,
  ...(generation === undefined ? {} : { generation }),
});
const store = (nodeId: string, stream: string, endpoint?: string): Event => ({
  type: 'stream.stored',
  nodeId,
  stream,
  ...(endpoint === undefined ? {} : { endpoint }),
});
const attach = (nodeId: string, stream: string): Event => ({ type: 'stream.attached', nodeId, stream });
const down = (ref: string): Event => ({ type: 'process.down', ref });

const sizes = ({ clients, nodes, clientStreams, streams, endpoints }: State) =>
  [clients, nodes, clientStreams, streams, endpoints].map(({ size }) => size);
const EMPTY = [0, 0, 0, 0, 0];
const control = (state: State, nodeId: string) => state.clientStreams.get(nodeId)?.ref;
const close = (effects: readonly ClientManagerEffect<string>[]) =>
  effects.flatMap((effect) => (effect.type === 'close' ? [effect.ref] : []));

describe('a client that connects', () => {
  it('M-C6 S3-7 is kept under its reference, with what it says of itself; its stream under its node id', () => {
    const state = manager();
    apply(state, connect('c1', 'n1', { realm: 'r', capabilities: ['a', 'b'] }), store('n1', 's1'));
    expect(state.clients.get('c1')?.info).toEqual({ nodeId: 'n1', realm: 'r', capabilities: ['a', 'b'] });
    expect([...state.clients.keys()]).toEqual(['c1']);
    expect([...state.clientStreams.keys()]).toEqual(['n1']);
  });

  it('S3-9 is monitored, once however often it connects', () => {
    const state = manager();
    expect(apply(state, connect('c1', 'n1')).effects).toEqual([{ type: 'monitor', ref: 'c1' }]);
    expect(apply(state, connect('c1', 'n1', { realm: 'r' })).effects).toEqual([]);
  });

  it('M-C8 updates what is known of it', () => {
    const state = manager();
    apply(state, connect('c1', 'n1', { realm: 'old' }), connect('c1', 'n1', { realm: 'new' }));
    expect([...state.clients.values()].map(({ info }) => info)).toEqual([{ nodeId: 'n1', realm: 'new' }]);
  });

  it.each([
    ['an empty one', ''],
    ['none', undefined],
    ['a number', 7],
  ])('S3-8 L15 is refused with %s for a node id, and nothing changes', (_what, nodeId) => {
    const state = manager();
    expect(apply(state, connect('c1', nodeId as string))).toEqual({ refused: 'node_id_required', effects: [] });
    expect(sizes(state)).toEqual(EMPTY);
    expect(state.rev).toBe(0);
    apply(state, down('c1'), disconnect('c1'));
    expect(sizes(state)).toEqual(EMPTY);
  });

  it('takes a node id from whoever had it: that one is closed, and before its streams', () => {
    const state = manager();
    apply(state, connect('old', 'n1'), store('n1', 's1'), attach('n1', 's2'));
    const { effects } = apply(state, connect('new', 'n1'));
    expect(close(effects)).toEqual(['old', 's1', 's2']);
    expect(effects.filter(({ type }) => type === 'demonitor').map(({ ref }) => ref)).toEqual(['old', 's1', 's2']);
    expect([...state.clients.keys()]).toEqual(['new']);
    expect(control(state, 'n1')).toBeUndefined();
  });
});

describe('a full client manager', () => {
  it('M-C23 with room for three refuses the fourth, and stays at three', () => {
    const state = manager(3);
    apply(state, connect('c1', 'n1'), connect('c2', 'n2'), connect('c3', 'n3'));
    const before = state.rev;
    expect(apply(state, connect('c4', 'n4')).refused).toBe('max_clients_reached');
    expect(state.clients.size).toBe(3);
    expect(state.rev).toBe(before);
  });

  it('M-C24 lets a known client update itself', () => {
    const state = manager(2);
    apply(state, connect('c1', 'n1'), connect('c2', 'n2'));
    expect(apply(state, connect('c1', 'n1', { realm: 'new' })).refused).toBeUndefined();
    expect(state.clients.get('c1')?.info.realm).toBe('new');
    expect(state.clients.size).toBe(2);
  });

  it('lets a client take over a node id that is there already', () => {
    const state = manager(1);
    apply(state, connect('c1', 'n1'));
    expect(apply(state, connect('c2', 'n1')).refused).toBeUndefined();
  });

  it('holds the place of a lost client, against all but its owner', () => {
    const state = manager(1);
    apply(state, connect('c1', 'n1', { resumable: true }), down('c1'));
    expect([...state.held]).toEqual(['n1']);
    expect(apply(state, connect('c2', 'n2')).refused).toBe('max_clients_reached');
    expect(apply(state, connect('c3', 'n1')).refused).toBeUndefined();
    expect([...state.held]).toEqual([]);
    apply(state, down('c3'), connect('c4', 'n1', { resumable: true }), down('c4'), {
      type: 'place.released',
      nodeId: 'n1',
    });
    expect(apply(state, connect('c2', 'n2')).refused).toBeUndefined();
  });
});

describe('a client whom nobody waits for any more', () => {
  it('leaves no place held when it is lost, though its session ended before it did', () => {
    const state = manager(1);
    apply(state, connect('c1', 'n1', { resumable: true }), { type: 'place.released', nodeId: 'n1' }, down('c1'));
    expect([...state.held]).toEqual([]);
    expect(apply(state, connect('c2', 'n2')).refused).toBeUndefined();
  });
});

describe('the removal of a client', () => {
  const full = (): State => {
    const state = manager();
    apply(
      state,
      connect('c1', 'n1', { endpoint: 'e0' }),
      store('n1', 's1', 'e1'),
      attach('n1', 's2'),
      attach('n1', 's3'),
    );
    expect(sizes(state)).toEqual([1, 1, 1, 3, 1]);
    return state;
  };

  it.each([
    ['its disconnect', disconnect('c1')],
    ['its death', down('c1')],
  ])('S3-1 S3-4 S3-6 M-C9 M-C21 M-C22 L6 by %s takes it out of every index in one transition', (_how, event) => {
    const state = full();
    const { rev } = state;
    const { effects } = clientManagerTransition(state, event);
    expect(sizes(state)).toEqual(EMPTY);
    expect(state.rev).toBe(rev + 1);
    expect(close(effects)).toEqual(['s1', 's2', 's3']);
    expect(control(state, 'n1')).toBeUndefined();
  });

  it('S3-2 S3-3 M-C10 of one that is not there changes nothing, the second time as the first', () => {
    const state = full();
    apply(state, disconnect('c1'));
    const { rev } = state;
    for (const event of [disconnect('c1'), down('c1'), disconnect('nobody'), down('nobody'), down('s1')]) {
      expect(apply(state, event)).toEqual({ refused: undefined, effects: [] });
    }
    expect(state.rev).toBe(rev);
  });

  it('S3-27 ends the same whether the disconnect or the death comes first', () => {
    const [one, other] = [full(), full()];
    apply(one, disconnect('c1'), down('c1'), down('s1'));
    apply(other, down('s1'), down('c1'), disconnect('c1'));
    expect(sizes(one)).toEqual(EMPTY);
    expect(sizes(other)).toEqual(EMPTY);
  });

  it('D-1 L2 of an old connection, however late, changes nothing for the new one of the same node id', () => {
    const state = manager();
    apply(state, connect('old', 'n1'), store('n1', 's-old', 'e'));
    const generation = state.clients.get('old')?.generation as number;
    apply(state, connect('new', 'n1'), store('n1', 's-new', 'e'));
    const { rev } = state;
    apply(state, down('s-old'), down('old'), disconnect('old'), disconnect('old', generation));
    expect(state.rev).toBe(rev);
    expect(control(state, 'n1')).toBe('s-new');
    expect(state.endpoints.get('e')).toBe('s-new');
    expect(state.nodes.get('n1')).toBe('new');
  });

  it('D-1 names the generation: a disconnect of an earlier life of the same process changes nothing', () => {
    const state = manager();
    apply(state, connect('c1', 'n1'));
    const first = state.clients.get('c1')?.generation as number;
    apply(state, disconnect('c1', first), connect('c1', 'n1'), disconnect('c1', first));
    expect(state.clients.has('c1')).toBe(true);
    apply(state, disconnect('c1', state.clients.get('c1')?.generation));
    expect(state.clients.has('c1')).toBe(false);
  });

  it('L1 drops its monitor; one that comes again on the same process is monitored once', () => {
    const state = manager();
    const types = (event: Event) => apply(state, event).effects.map(({ type }) => type);
    expect(types(connect('c1', 'n1'))).toEqual(['monitor']);
    expect(types(disconnect('c1'))).toEqual(['demonitor']);
    expect(types(connect('c1', 'n1'))).toEqual(['monitor']);
    // A process that has died has no monitor left to drop.
    expect(types(down('c1'))).toEqual([]);
  });
});

describe('a stream', () => {
  it('M-C16 S3-10 is stored and read back', () => {
    const state = manager();
    apply(state, connect('c1', 'n1'), store('n1', 's1'));
    expect(control(state, 'n1')).toBe('s1');
  });

  it('M-C17 L4 D-3 is refused for a node id that nobody has', () => {
    const state = manager();
    expect(apply(state, store('n1', 's1', 'e')).refused).toBe('not_found');
    expect(apply(state, attach('n1', 's1')).refused).toBe('not_found');
    expect(sizes(state)).toEqual(EMPTY);
  });

  it('M-C18 S3-10 replaces the one stored before, which stays a stream of its client', () => {
    const state = manager();
    apply(state, connect('c1', 'n1'), store('n1', 's1'), store('n1', 's2'));
    expect(control(state, 'n1')).toBe('s2');
    expect([...state.streams.keys()]).toEqual(['s1', 's2']);
  });

  it('L3 D-2 is monitored, and gone from every index when it dies', () => {
    const state = manager();
    apply(state, connect('c1', 'n1'));
    expect(apply(state, store('n1', 's1', 'e')).effects).toEqual([{ type: 'monitor', ref: 's1' }]);
    expect(apply(state, store('n1', 's1', 'e')).effects).toEqual([]);
    apply(state, down('s1'));
    expect(sizes(state)).toEqual([1, 1, 0, 0, 0]);
  });

  it('is refused when its client has as many as it may have, and when it is another one’s', () => {
    const state = manager(10, 2);
    apply(state, connect('c1', 'n1'), connect('c2', 'n2'), attach('n1', 's1'), attach('n1', 's2'));
    expect(apply(state, attach('n1', 's3')).refused).toBe('max_streams_reached');
    expect(apply(state, store('n1', 's2')).refused).toBeUndefined();
    expect(apply(state, store('n2', 's1')).refused).toBe('stream_belongs_to_another');
  });
});

describe('a client that is known by its calls alone', () => {
  it('has its oldest call for a control stream, and the next oldest after that', () => {
    const state = manager();
    apply(state, connect('c1', 'n1', { implicit: true }), attach('n1', 's1'), attach('n1', 's2'), attach('n1', 's3'));
    expect(control(state, 'n1')).toBe('s1');
    apply(state, down('s1'));
    expect(control(state, 'n1')).toBe('s2');
    apply(state, connect('c1', 'n1'), store('n1', 'hello'));
    expect(control(state, 'n1')).toBe('hello');
    apply(state, down('hello'));
    expect(control(state, 'n1')).toBeUndefined();
  });
});

describe('a client that changes its node id', () => {
  it('L5 D-4 takes its place, its control stream and all its streams along', () => {
    const state = manager();
    apply(state, connect('c1', 'n1'), store('n1', 's1', 'e'), attach('n1', 's2'), connect('c1', 'n2'));
    expect(control(state, 'n1')).toBeUndefined();
    expect(control(state, 'n2')).toBe('s1');
    expect([...state.streams.values()].map(({ nodeId }) => nodeId)).toEqual(['n2', 'n2']);
    expect([...state.nodes]).toEqual([['n2', 'c1']]);
    expect(state.endpoints.get('e')).toBe('s1');
    apply(state, down('c1'));
    expect(sizes(state)).toEqual(EMPTY);
  });
});

describe('an endpoint', () => {
  it('M-C25 M-C26 M-C27 M-C30 is known by the stream that names it; a stream needs none', () => {
    const state = manager();
    apply(state, connect('c1', 'n1'), store('n1', 's1', 'east'), attach('n1', 's2'));
    expect(state.endpoints.get('east')).toBe('s1');
    expect(state.endpoints.get('west')).toBeUndefined();
    expect(state.streams.get('s2')?.endpoint).toBeUndefined();
  });

  it('M-C28 L6 ends with its stream, whatever its client says of itself', () => {
    const state = manager();
    apply(state, connect('c1', 'n1', { endpoint: 'another' }), store('n1', 's1', 'east'), down('s1'));
    expect([...state.endpoints]).toEqual([]);
    expect(state.clients.size).toBe(1);
  });

  it('M-C29 is one of several, and belongs to the latest stream that names it', () => {
    const state = manager();
    apply(state, connect('c1', 'n1'), connect('c2', 'n2'));
    apply(state, store('n1', 's1', 'east'), store('n2', 's2', 'west'), store('n1', 's3', 'north'));
    expect([...state.endpoints]).toEqual([
      ['east', 's1'],
      ['west', 's2'],
      ['north', 's3'],
    ]);
    apply(state, store('n2', 's4', 'east'), down('s1'));
    expect(state.endpoints.get('east')).toBe('s4');
  });
});

describe('churn', () => {
  it.each([
    ['S3-13', 200, 100],
    ['S3-13', 1_000, 900],
    ['S3-13', 5_000, 4_900],
    ['S3-14', 500, 400],
  ])('%s of %i connects and %i ends leaves nobody who has gone', (_number, connects, ends) => {
    const state = manager();
    for (let i = 0; i < connects; i += 1) {
      clientManagerTransition(state, connect(`c${i}`, `n${i}`));
      clientManagerTransition(state, store(`n${i}`, `s${i}`));
    }
    for (let i = 0; i < ends; i += 1) clientManagerTransition(state, i % 2 ? disconnect(`c${i}`) : down(`c${i}`));
    const left = connects - ends;
    expect(sizes(state)).toEqual([left, left, left, left, 0]);
    expect(clientManagerFaults(state)).toEqual([]);
  });

  it('S3-15 of a thousand devices that come back on new connections leaves the new ones alone', () => {
    const state = manager(1_000);
    for (const life of ['first', 'second', 'third']) {
      for (let i = 0; i < 1_000; i += 1) {
        clientManagerTransition(state, connect(`${life}-${i}`, `n${i}`));
        clientManagerTransition(state, store(`n${i}`, `${life}-stream-${i}`));
      }
    }
    for (let i = 0; i < 1_000; i += 1) {
      clientManagerTransition(state, down(`first-${i}`));
      clientManagerTransition(state, down(`second-stream-${i}`));
    }
    expect(sizes(state)).toEqual([1_000, 1_000, 1_000, 1_000, 0]);
    expect([...state.clients.keys()].every((ref) => ref.startsWith('third'))).toBe(true);
    expect(clientManagerFaults(state)).toEqual([]);
  });
});
