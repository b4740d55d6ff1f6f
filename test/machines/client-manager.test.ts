/** The client manager's reducer, without a runtime: tables that change together or not at all. */
import { describe, expect, it } from 'vitest';
import { clientManagerTransition } from '../../machines/client-manager.js';
import { clientManagerFaults } from '../../machines/client-manager-faults.js';
import {
  apply,
  attach,
  close,
  connect,
  control,
  disconnect,
  down,
  EMPTY,
  type Event,
  manager,
  type State,
  sizes,
  store,
} from './client-manager-events.js';

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
