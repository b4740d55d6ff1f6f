/**
 * Where services and subscribers are to be found among several nodes. The numbers are those of the Erlang gateway's own tests of
 * its registry; what it calls to advertise is to offer here.
 */
import { describe, expect, it } from 'vitest';
import { Whereabouts } from '../../src/cluster/whereabouts.js';

const CACHE_MS = 60_000;
const TTL_MS = 300_000;
const MISS = { type: 'miss' };
const hit = (...nodes: string[]) => ({ type: 'hit', nodes });

const table = (options: { cacheMs?: number; namesMax?: number } = {}): Whereabouts =>
  new Whereabouts({ cacheMs: CACHE_MS, namesMax: 100, ...options });

/** Services and subscribers are found by the same rules, each in a table of their own. */
describe.each([
  ['a service', 'add'],
  ['a topic with subscribers', 'news.*'],
])('M-G14 %s', (_kind, name) => {
  it('M-G1 is known nowhere at first; how long things are believed is an option', () => {
    const fresh = table({ cacheMs: 10 });
    expect(fresh.counts).toEqual({ offers: 0, cached: 0 });
    fresh.heard(name, ['west'], 0);
    expect([fresh.find(name, 9), fresh.find(name, 10)]).toEqual([hit('west'), MISS]);
  });

  it('M-G2 M-G3 is offered by this node, with its time to live', () => {
    const here = table();
    here.offer(name, TTL_MS, 5);
    expect(here.offered(name, 6)).toEqual({ name, ttlMs: TTL_MS, offeredAtMs: 5 });
    expect(here.offered('another', 6)).toBeUndefined();
    expect(here.offered(name, 5 + TTL_MS)).toBeUndefined();
  });

  it('M-G4 is offered no more once it is withdrawn; a second time is no error', () => {
    const here = table();
    here.offer(name, TTL_MS, 0);
    here.withdraw(name);
    here.withdraw(name);
    expect(here.offered(name, 1)).toBeUndefined();
  });

  it('M-G5 is one of several, each with a time of its own', () => {
    const here = table();
    here.offer(name, TTL_MS, 0);
    here.offer('another', 10, 0);
    here.offer('third', TTL_MS, 0);
    expect(here.offers(9).map((offer) => offer.name)).toEqual([name, 'another', 'third']);
    expect(here.offers(10).map((offer) => offer.name)).toEqual([name, 'third']);
  });

  it('M-G6 M-G8 is found where it was heard of, without anybody being asked', () => {
    const here = table();
    here.heard(name, ['west', 'east'], 0);
    expect(here.find(name, CACHE_MS - 1)).toEqual(hit('west', 'east'));
    here.heard(name, ['east'], CACHE_MS - 1);
    expect(here.find(name, CACHE_MS)).toEqual(hit('east'));
  });

  it('M-G7 is asked for where nothing was heard of it, but not where nobody had it a moment ago', () => {
    const here = table();
    expect(here.find(name, 0)).toEqual(MISS);
    here.heard(name, [], 0);
    expect(here.find(name, 1)).toEqual(hit());
  });

  it('M-G9 M-G10 is asked for anew when what was heard is old, or is not to be relied on', () => {
    const here = table();
    here.heard(name, ['west'], 0);
    expect(here.find(name, CACHE_MS)).toEqual(MISS);
    expect(here.find(name, 1, { refresh: true })).toEqual(MISS);
    expect(here.find(name, 1), 'remembered until there is an answer').toEqual(hit('west'));
  });

  it('M-G11 M-G12 is pruned when it is old, and cleared with all the rest; what is offered stands', () => {
    const here = table();
    here.offer(name, TTL_MS, 0);
    here.heard(name, ['west'], 0);
    here.heard('another', ['west'], 10);
    expect(here.prune(CACHE_MS)).toEqual({ offers: 0, cached: 1 });
    expect(here.counts).toEqual({ offers: 1, cached: 1 });
    here.clear();
    expect(here.counts).toEqual({ offers: 1, cached: 0 });
  });

  it('M-G13 is pruned from what is offered: with no time to live at once, counted as one', () => {
    const here = table();
    here.offer(name, 0, 0);
    here.offer('another', TTL_MS, 0);
    expect(here.prune(0)).toEqual({ offers: 1, cached: 0 });
    expect(here.offers(0).map((offer) => offer.name)).toEqual(['another']);
  });

  it('M-G16 lives its whole life: offered, found elsewhere, renewed, over, found nowhere', () => {
    const [west, east] = [table(), table()];
    west.offer(name, TTL_MS, 0);
    expect(east.find(name, 0)).toEqual(MISS);
    east.heard(name, west.offered(name, 0) ? ['west'] : [], 0);
    expect(east.find(name, 1)).toEqual(hit('west'));
    west.offer(name, TTL_MS, TTL_MS - 1);
    expect(west.prune(TTL_MS)).toEqual({ offers: 0, cached: 0 });
    expect(east.prune(TTL_MS)).toEqual({ offers: 0, cached: 1 });
    west.withdraw(name);
    expect(east.find(name, TTL_MS)).toEqual(MISS);
    east.heard(name, west.offered(name, TTL_MS) ? ['west'] : [], TTL_MS);
    expect(east.find(name, TTL_MS)).toEqual(hit());
  });
});

describe('two tables', () => {
  it('M-G15 know nothing of each other', () => {
    const [services, subscribers] = [table(), table()];
    services.heard('add', ['west'], 0);
    subscribers.heard('add', ['east'], 0);
    services.clear();
    expect([services.find('add', 1), subscribers.find('add', 1)]).toEqual([MISS, hit('east')]);
  });
});

describe('a table of what was heard', () => {
  it('has a limit: the name heard of longest ago makes room', () => {
    const here = table({ namesMax: 2 });
    here.heard('a', ['west'], 0);
    here.heard('b', ['west'], 1);
    here.heard('a', ['west'], 2);
    here.heard('c', ['west'], 3);
    expect(['a', 'b', 'c'].map((name) => here.find(name, 4).type)).toEqual(['hit', 'miss', 'hit']);
    expect(here.counts.cached).toBe(2);
  });

  it('sends nobody to a node that has gone', () => {
    const here = table();
    here.heard('add', ['west', 'east'], 0);
    here.heard('sort', ['west'], 0);
    here.nodeGone('west');
    expect([here.find('add', 1), here.find('sort', 1)]).toEqual([hit('east'), hit()]);
  });
});
