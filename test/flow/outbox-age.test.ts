import { describe, expect, it } from 'vitest';
import { outboxOnWire } from './outbox-on-wire.js';

describe('the limit in age of an outbox', () => {
  it('never writes what has waited longer, and says that it was age', () => {
    const { outbox, push, pass, completeAll, written } = outboxOnWire({ framesMax: 100, maxAgeMs: 2_000 });
    push();
    push();
    pass(1_500);
    push();
    pass(501);
    completeAll();
    expect(written).toEqual([1, 3]);
    expect(outbox).toMatchObject({ sent: 2, drops: 1, dropsByReason: { full: 0, aged: 1 }, idle: true });
  });

  it('makes room before the policy is asked', () => {
    const { outbox, push, pushMany, pass } = outboxOnWire({ policy: 'disconnect', framesMax: 3, maxAgeMs: 2_000 });
    pushMany(4);
    pass(2_001);
    expect(push()).toBe(true);
    expect(outbox).toMatchObject({ closed: false, queued: 1, dropsByReason: { full: 0, aged: 3 } });
  });

  it('fills a queue that is never full in frames, so that a reader who takes nothing is noticed', () => {
    const { outbox, push, pass, complete, edges } = outboxOnWire({ framesMax: 200, maxAgeMs: 2_000 });
    for (let n = 0; n < 150; n += 1) {
      push();
      pass(20);
    }
    expect(edges).toEqual(['filled']);
    expect(outbox.queued).toBeLessThanOrEqual(101);
    complete();
    expect(edges).toEqual(['filled', 'completed']);
    while (edges.at(-1) === 'completed') complete();
    expect(edges.at(-1)).toBe('drained');
    expect(outbox.hasRoom).toBe(true);
  });

  it('does not count the write in flight, which is no longer ours', () => {
    const { outbox, push, pass, complete } = outboxOnWire({ maxAgeMs: 100 });
    push();
    pass(5_000);
    complete();
    expect(outbox).toMatchObject({ sent: 1, drops: 0 });
  });
});
