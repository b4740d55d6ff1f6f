/**
 * Where services and cameras are found among several nodes: the mirror by itself. The numbers are those of the Erlang gateway's
 * own tests of its registry, whose cache this is; its local half is the service desk, whose tests carry the others.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeOffer } from '../../src/cluster/offer.js';
import { Whereabouts } from '../../src/cluster/whereabouts.js';

const KEEP_MS = 12_000;

const table = (keepMs = KEEP_MS): Whereabouts => new Whereabouts({ keepMs });
const record = (inc: number, offered: { procedures?: readonly string[]; cameras?: readonly string[] }): string =>
  writeOffer({ inc, procedures: new Set(offered.procedures), cameras: new Set(offered.cameras) }).value;

/** Each kind is found by the same rules. */
describe.each(['procedures', 'cameras'] as const)('where %s are', (kind) => {
  const west = record(1, { [kind]: ['add'] });

  it('M-G1 are known nowhere at first', () => {
    const fresh = table();
    expect(fresh.counts).toEqual({ records: 0, heard: 0 });
    expect(fresh.find(kind, 'add')).toEqual([]);
  });

  it('M-G6 M-G8 is known from what was read, without anybody being asked', () => {
    const here = table();
    here.present('west', 1);
    expect(here.see('west', west, 5, 0)).toBe(true);
    expect(here.find(kind, 'add')).toEqual(['west']);
    here.present('east', 3);
    here.see('east', record(3, { [kind]: ['sort', 'add'] }), 6, 0);
    expect(here.find(kind, 'add')).toEqual(['west', 'east']);
  });

  it('M-G7 is nowhere for a name that nobody offers', () => {
    const here = table();
    here.present('west', 1);
    here.see('west', west, 5, 0);
    expect(here.find(kind, 'subtract')).toEqual([]);
  });

  it('M-G9 is nowhere once the incarnation that offered it is over, whatever still stands in its record', () => {
    const here = table();
    here.see('west', west, 5, 0);
    expect(here.find(kind, 'add'), 'not heard').toEqual([]);
    here.present('west', 1);
    expect(here.find(kind, 'add')).toEqual(['west']);
    here.present('west', 2);
    expect(here.find(kind, 'add'), 'another incarnation').toEqual([]);
    here.present('west', 1);
    expect([here.gone('west'), here.gone('west')]).toEqual([true, false]);
    expect(here.find(kind, 'add'), 'gone').toEqual([]);
  });

  it('M-G10 is what was read last: a read replaces what is known, and nothing older does', () => {
    const here = table();
    here.present('west', 1);
    here.see('west', west, 5, 0);
    expect(here.see('west', record(1, { [kind]: ['sort'] }), 7, 1)).toBe(true);
    expect(here.see('west', west, 6, 2)).toBe(false);
    expect([here.find(kind, 'add'), here.find(kind, 'sort')]).toEqual([[], ['west']]);
    here.missing('west');
    expect(here.find(kind, 'sort')).toEqual([]);
  });

  it('M-G11 is pruned when nobody living has offered it, after its time and not before', () => {
    const here = table();
    here.present('west', 2);
    here.see('west', west, 5, 0);
    here.see('east', record(3, { [kind]: ['add'] }), 6, 0);
    const members = new Map([['east', 3]]);
    expect(here.prune(members, KEEP_MS)).toEqual([]);
    expect(here.prune(members, KEEP_MS + 1)).toEqual([{ node: 'west', rev: 5 }]);
    expect(here.prune(members, KEEP_MS + 1), 'once').toEqual([]);
    expect(here.counts.records).toBe(1);
  });

  it('M-G12 is cleared, whatever its age; who is heard stays heard', () => {
    const here = table();
    here.present('west', 1);
    here.see('west', west, 5, 0);
    here.clear();
    expect(here.counts).toEqual({ records: 0, heard: 1 });
    expect(here.find(kind, 'add')).toEqual([]);
    // Of an engine that has begun anew: its revisions are low.
    here.see('west', west, 1, 0);
    expect(here.find(kind, 'add')).toEqual(['west']);
  });
});

describe('a mirror of offers', () => {
  it('M-G15 keeps kinds apart, and knows nothing of another mirror', () => {
    const [one, other] = [table(), table()];
    one.present('west', 1);
    other.present('west', 1);
    one.see('west', record(1, { procedures: ['front'] }), 5, 0);
    expect([one.find('procedures', 'front'), one.find('cameras', 'front')]).toEqual([['west'], []]);
    expect(other.find('procedures', 'front')).toEqual([]);
  });

  it('takes a record that is none for no offer', () => {
    const here = table();
    here.present('west', 1);
    for (const [n, value] of ['', '{', '{}', '[1]', '{"inc":1,"procedures":[1],"cameras":[]}'].entries()) {
      expect(here.see('west', value, n + 1, 0)).toBe(true);
      expect(here.offeredBy('west')).toBeUndefined();
    }
  });

  it('finds what a list of records would, whatever is seen, heard and gone', () => {
    const node = fc.constantFrom('west', 'east', 'south');
    const inc = fc.integer({ min: 1, max: 3 });
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'));
    const step = fc.oneof(
      fc.record({ type: fc.constant('see' as const), node, inc, names, rev: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ type: fc.constant('present' as const), node, inc }),
      fc.record({ type: fc.constant('gone' as const), node }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const here = table();
        const records: { node: string; inc: number; names: readonly string[]; rev: number }[] = [];
        const heard = new Map<string, number>();
        for (const one of steps) {
          if (one.type === 'see') {
            here.see(one.node, record(one.inc, { procedures: one.names }), one.rev, 0);
            const newest = Math.max(0, ...records.filter((r) => r.node === one.node).map((r) => r.rev));
            if (one.rev > newest) records.push(one);
          } else if (one.type === 'present') {
            here.present(one.node, one.inc);
            heard.set(one.node, one.inc);
          } else {
            here.gone(one.node);
            heard.delete(one.node);
          }
          const last = new Map(records.map((r) => [r.node, r]));
          const naive = [...heard.keys()].filter(
            (n) => last.get(n)?.inc === heard.get(n) && last.get(n)?.names.includes('a'),
          );
          expect(here.find('procedures', 'a')).toEqual(naive);
        }
      }),
    );
  });
});
