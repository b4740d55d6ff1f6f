/** The client manager's reducer: streams, control streams and endpoints, without a runtime. */
import { describe, expect, it } from 'vitest';
import { apply, attach, connect, control, down, EMPTY, manager, sizes, store } from './client-manager-events.js';

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
