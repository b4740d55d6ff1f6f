import { describe, expect, it } from 'vitest';
import { EventLog } from '../../src/gateway/event-log.js';

interface Note {
  readonly id: number;
  readonly text: string;
}

const ids = (notes: readonly Note[]): number[] => notes.map(({ id }) => id);

describe('an event log', () => {
  it('numbers from 1 and lists what comes after an id', () => {
    const log = new EventLog<Note>();
    for (const text of ['a', 'b', 'c']) log.append({ text });
    expect(ids(log.since())).toEqual([1, 2, 3]);
    expect(log.since(2)).toEqual([{ id: 3, text: 'c' }]);
    expect(log.since(3)).toEqual([]);
    expect(log.since(99)).toEqual([]);
  });

  it('keeps the last so many and no more', () => {
    const log = new EventLog<Note>({ capacity: 3 });
    for (let i = 0; i < 10; i += 1) log.append({ text: 'x' });
    expect(ids(log.since())).toEqual([8, 9, 10]);
    expect(ids(log.since(9))).toEqual([10]);
    expect([log.oldestId, log.newestId]).toEqual([8, 10]);
  });

  it('tells listeners in the order of ids, also when one of them appends', () => {
    const log = new EventLog<Note>();
    const seen: number[] = [];
    log.listen(({ id }) => {
      if (id === 1) log.append({ text: 'consequence' });
    });
    log.listen(({ id }) => seen.push(id));
    log.append({ text: 'cause' });
    expect(seen).toEqual([1, 2]);
  });

  it('tells nobody who has undone, not even in the midst of telling', () => {
    const log = new EventLog<Note>();
    const seen: string[] = [];
    log.listen(() => undo());
    const undo = log.listen(() => seen.push('second'));
    log.append({ text: 'x' });
    expect([seen, log.listeners]).toEqual([[], 1]);
  });

  it('goes on when a listener throws, and reports it', () => {
    const failures: unknown[] = [];
    const log = new EventLog<Note>({ listenerFailed: (thrown) => failures.push(thrown) });
    const seen: number[] = [];
    log.listen(() => {
      throw new Error('mine');
    });
    log.listen(({ id }) => seen.push(id));
    log.append({ text: 'x' });
    expect([seen, failures]).toEqual([[1], [new Error('mine')]]);
  });

  it('refuses a capacity that is none', () => {
    expect(() => new EventLog({ capacity: 0 })).toThrow('capacity: expected a whole number of at least 1, got 0');
  });
});
