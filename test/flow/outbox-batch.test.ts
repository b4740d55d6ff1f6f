import { describe, expect, it } from 'vitest';
import { outboxOnWire } from './outbox-on-wire.js';

describe('an outbox that batches', () => {
  it('writes at once what comes while nothing is in flight, and then together what waits', () => {
    const { outbox, pushMany, complete, completeAll, writes } = outboxOnWire({ framesMax: 100, batchBytes: 4 });
    pushMany(8);
    expect(writes).toEqual([[1]]);
    complete();
    expect(writes).toEqual([[1], [2, 3, 4, 5]]);
    expect(outbox).toMatchObject({ sent: 1, queued: 3 });
    completeAll();
    expect(writes).toEqual([[1], [2, 3, 4, 5], [6, 7, 8]]);
    expect(outbox).toMatchObject({ sent: 8, idle: true });
  });

  it('writes an item larger than a batch by itself', () => {
    const { push, completeAll, writes } = outboxOnWire({ framesMax: 100, batchBytes: 100 });
    for (const bytes of [1, 60, 500, 60, 40, 1]) push(bytes);
    completeAll();
    expect(writes).toEqual([[1], [2], [3], [4, 5], [6]]);
  });

  it('counts none of a batch as sent when its write fails', () => {
    const { outbox, pushMany, complete, edges } = outboxOnWire({ framesMax: 100, batchBytes: 100 });
    pushMany(5);
    complete();
    complete(new Error('connection reset'));
    expect(outbox).toMatchObject({ sent: 1, drops: 0, closed: true });
    expect(edges).toEqual(['failed']);
  });

  it('counts all of a batch as unwritten while it is in flight', () => {
    const { pushMany, complete, edges } = outboxOnWire({ framesMax: 4, batchBytes: 100 });
    pushMany(5);
    complete();
    expect(edges).toEqual(['filled', 'completed']);
    complete();
    expect(edges).toEqual(['filled', 'completed', 'drained']);
  });
});
