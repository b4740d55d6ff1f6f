/** The call table against a naive one, and its choices one by one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CallEffect, CallTable, type Candidate, type Choice } from '../../src/gateway/call-table.js';

interface World {
  readonly providers: Candidate<string>[];
  readonly table: CallTable<string, number>;
}

function world(
  providers: Candidate<string>[],
  options: { choice?: Choice; random?: () => number; callsMax?: number } = {},
): World {
  let last = 0;
  const { choice = 'round_robin', random = () => 0, callsMax = 100 } = options;
  const table = new CallTable<string, number>({
    callsMax,
    attemptsMax: 3,
    excludeMs: 100,
    choice,
    random,
    nextId: () => String(++last),
    candidates: () => providers,
  });
  return { providers, table };
}

const at = (provider: string, present = true): Candidate<string> => ({
  provider,
  port: present ? `${provider}!` : undefined,
});
const line = (effect: CallEffect<string, number>): string => {
  switch (effect.type) {
    case 'watch':
    case 'unwatch':
      return `${effect.type} ${effect.ref}`;
    case 'end':
      return `end ${effect.call.data} ${effect.how}`;
    case 'ask':
    case 'refused':
      return `${effect.type} ${effect.call.data} of ${effect.call.provider}`;
  }
};
const text = (effects: readonly CallEffect<string, number>[]): string[] => effects.map(line);

describe('a call', () => {
  it('is put to the first in turn, and ends with the answer', () => {
    const { table } = world([at('ann'), at('bob')]);
    expect(text(table.made('caller', 'add', 1, 0))).toEqual(['watch caller', 'watch ann!', 'ask 1 of ann']);
    expect(text(table.answered('1', 'ann!'))).toEqual(['unwatch ann!', 'unwatch caller', 'end 1 answered']);
    expect([table.size, table.watched]).toEqual([0, 0]);
  });

  it('D-8 L11 goes on to the next provider when one dies, to three at most', () => {
    const { table } = world([at('ann'), at('bob'), at('cy'), at('dan')]);
    table.made('caller', 'add', 1, 0);
    expect(text(table.down('ann!', 1))).toEqual(['watch bob!', 'ask 1 of bob']);
    expect(text(table.down('bob!', 2))).toEqual(['watch cy!', 'ask 1 of cy']);
    expect(text(table.down('cy!', 3))).toEqual(['unwatch caller', 'end 1 provider_down']);
  });

  it('passes over who is away, and ends when everybody is', () => {
    const { table, providers } = world([at('ann', false), at('bob')]);
    expect(text(table.made('caller', 'add', 1, 0)).at(-1)).toBe('ask 1 of bob');
    providers[1] = at('bob', false);
    expect(text(table.made('caller', 'add', 2, 0)).at(-1)).toBe('end 2 provider_down');
    providers.length = 0;
    expect(text(table.made('caller', 'add', 3, 0)).at(-1)).toBe('end 3 not_found');
  });

  it('is not put to anybody else when it times out; the next call passes over the silent one for a while', () => {
    const { table, providers } = world([at('ann'), at('bob')]);
    table.made('caller', 'add', 1, 0);
    const [call] = table.all();
    expect(text(table.timedOut(call as never, 50))).toEqual(['unwatch ann!', 'unwatch caller', 'end 1 timeout']);
    expect(text(table.timedOut(call as never, 50))).toEqual([]);
    expect(text(table.made('caller', 'add', 2, 60)).at(-1)).toBe('ask 2 of bob');
    expect(text(table.made('caller', 'add', 3, 150)).at(-1)).toBe('ask 3 of ann');
    providers.splice(1);
    table.timedOut([...table.all()].find(({ data }) => data === 3) as never, 200);
    expect(text(table.made('caller', 'add', 4, 210)).at(-1)).toBe('ask 4 of ann');
  });

  it('remembers no silent provider longer than it passes over it, however many come and go', () => {
    const { table, providers } = world([]);
    for (let nowMs = 0; nowMs < 10_000; nowMs += 40) {
      providers[0] = at(`provider at ${nowMs}`);
      table.made('caller', 'add', nowMs, nowMs);
      table.timedOut([...table.all()][0] as never, nowMs);
      expect(table.excluded).toBeLessThanOrEqual(3);
    }
  });

  it('hears nobody who was not asked, nothing twice, and nothing from an earlier attempt', () => {
    const { table } = world([at('ann'), at('bob')]);
    table.made('caller', 'add', 1, 0);
    expect(table.answered('1', 'bob!')).toEqual([]);
    table.down('ann!', 1);
    expect(table.answered('1', 'ann!')).toEqual([]);
    expect(table.answered('', 'bob!')).toEqual([]);
    expect(text(table.answered('2', 'bob!')).at(-1)).toBe('end 1 answered');
    expect(table.answered('2', 'bob!')).toEqual([]);
  });

  it('M-H6 is put to anybody at random where that is asked for', () => {
    const draws = [0.99, 0, 0.5];
    const { table } = world([at('ann'), at('bob'), at('cy')], { choice: 'random', random: () => draws.shift() ?? 0 });
    const asked = [1, 2, 3].map((call) => text(table.made('caller', 'add', call, 0)).at(-1));
    expect(asked).toEqual(['ask 1 of cy', 'ask 2 of ann', 'ask 3 of bob']);
  });

  it('of somebody to a procedure of its own is watched once', () => {
    const { table } = world([{ provider: 'self', port: 'caller' }]);
    expect(text(table.made('caller', 'add', 1, 0))).toEqual(['watch caller', 'ask 1 of self']);
    expect(text(table.down('caller', 0))).toEqual(['end 1 forgotten']);
    expect([table.size, table.watched]).toEqual([0, 0]);
  });

  it('is refused when as many wait as may, and leaves nothing', () => {
    const { table } = world([at('ann')], { callsMax: 1 });
    table.made('caller', 'add', 1, 0);
    expect(text(table.made('other', 'add', 2, 0))).toEqual(['refused 2 of undefined']);
    expect([table.size, table.watched]).toEqual([1, 2]);
  });
});

describe('a call table', () => {
  it('agrees with a list of calls, whoever answers, dies, is silent or away', () => {
    const names = ['ann', 'bob', 'cy', 'dan', 'eve'];
    const callers = ['x', 'y'];
    const step = fc.oneof(
      fc.record({ type: fc.constant('made' as const), caller: fc.constantFrom(...callers) }),
      fc.record({ type: fc.constant('answered' as const), nth: fc.nat(9) }),
      fc.record({ type: fc.constant('timedOut' as const), nth: fc.nat(9) }),
      fc.record({
        type: fc.constant('down' as const),
        ref: fc.constantFrom(...callers, ...names.map((name) => `${name}!`)),
      }),
      fc.record({ type: fc.constant('present' as const), who: fc.constantFrom(...names), present: fc.boolean() }),
      fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 80 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { table, providers } = world(names.map((name) => at(name)));
        interface Entry {
          readonly data: number;
          readonly caller: string;
          asked: string[];
        }
        let waiting: Entry[] = [];
        const excludedUntil = new Map<string, number>();
        const ended = new Set<number>();
        let nowMs = 0;
        let last = 0;

        const next = (entry: Entry): string => {
          const able = providers.filter(({ provider, port }) => port && !entry.asked.includes(provider));
          const free = able.filter(({ provider }) => (excludedUntil.get(provider) ?? 0) <= nowMs);
          const chosen = entry.asked.length < 3 ? (free[0] ?? able[0]) : undefined;
          if (chosen) {
            entry.asked.push(chosen.provider);
            return `ask ${entry.data} of ${chosen.provider}`;
          }
          waiting = waiting.filter((one) => one !== entry);
          return `end ${entry.data} provider_down`;
        };
        const happened = (effects: readonly CallEffect<string, number>[]): string[] => {
          for (const effect of effects) {
            if (effect.type !== 'end') continue;
            expect(ended.has(effect.call.data)).toBe(false);
            ended.add(effect.call.data);
          }
          return text(effects).filter((line) => !/^(?:un)?watch/.test(line));
        };

        for (const each of steps) {
          switch (each.type) {
            case 'made': {
              last += 1;
              const entry: Entry = { data: last, caller: each.caller, asked: [] };
              waiting.push(entry);
              const expected = next(entry);
              expect(happened(table.made(each.caller, 'add', last, nowMs))).toEqual([expected]);
              break;
            }
            case 'answered':
            case 'timedOut': {
              const entry = waiting[each.nth];
              const call = [...table.all()].find(({ data }) => data === entry?.data);
              if (!entry || !call) break;
              const provider = entry.asked.at(-1) as string;
              waiting = waiting.filter((one) => one !== entry);
              if (each.type === 'answered') {
                excludedUntil.delete(provider);
                expect(happened(table.answered(call.id, `${provider}!`))).toEqual([`end ${entry.data} answered`]);
              } else {
                excludedUntil.set(provider, nowMs + 100);
                expect(happened(table.timedOut(call, nowMs))).toEqual([`end ${entry.data} timeout`]);
              }
              break;
            }
            case 'down': {
              const concerned = waiting.filter(
                ({ caller, asked }) => caller === each.ref || `${asked.at(-1)}!` === each.ref,
              );
              // Who died is not there for the next choice.
              const index = providers.findIndex(({ port }) => port === each.ref);
              if (index >= 0) providers[index] = at(names[index] as string, false);
              const expected = concerned.map((entry) => {
                if (entry.caller !== each.ref) return next(entry);
                waiting = waiting.filter((one) => one !== entry);
                return `end ${entry.data} forgotten`;
              });
              expect(happened(table.down(each.ref, nowMs)).sort()).toEqual(expected.sort());
              break;
            }
            case 'present':
              providers[names.indexOf(each.who)] = at(each.who, each.present);
              break;
            case 'wait':
              nowMs += each.ms;
              break;
          }
          expect(table.size).toBe(waiting.length);
          const watched = new Set(waiting.flatMap(({ caller, asked }) => [caller, `${asked.at(-1)}!`]));
          expect(table.watched).toBe(watched.size);
        }
      }),
      { numRuns: 500 },
    );
  });
});
