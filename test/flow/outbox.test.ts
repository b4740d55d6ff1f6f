import { describe, expect, it } from 'vitest';
import { isOverflowPolicy, OVERFLOW_POLICIES } from '../../src/flow/outbox.js';
import { outboxOnWire } from './outbox-on-wire.js';

describe('an outbox whose consumer keeps up', () => {
  it('writes each item at once and reports nothing', () => {
    const { outbox, push, complete, written, edges } = outboxOnWire();
    for (let n = 0; n < 100; n += 1) {
      expect(push()).toBe(true);
      complete();
    }
    expect(written).toHaveLength(100);
    expect(edges).toEqual([]);
    expect(outbox).toMatchObject({ sent: 100, drops: 0, queued: 0, queuedBytes: 0, idle: true });
  });

  it('has one item in flight at a time, in order', () => {
    const { outbox, pushMany, complete, completeAll, written, pending } = outboxOnWire();
    pushMany(3);
    expect(written).toEqual([1]);
    expect(pending).toHaveLength(1);
    expect(outbox).toMatchObject({ queued: 2, queuedBytes: 2, sent: 0 });
    complete();
    expect(written).toEqual([1, 2]);
    completeAll();
    expect(written).toEqual([1, 2, 3]);
  });

  it('bears a wire that completes a write before it returns', () => {
    const { outbox, pushMany, edges } = outboxOnWire({ write: (_item, done) => done() });
    pushMany(50_000);
    expect(outbox).toMatchObject({ sent: 50_000, drops: 0, idle: true });
    expect(edges).toEqual([]);
  });
});

describe('an outbox whose consumer stands still', () => {
  it('S1-18 drops the oldest, and counts them', () => {
    const { outbox, pushMany, completeAll, written, edges } = outboxOnWire({ framesMax: 10 });
    expect(pushMany(100)).not.toContain(false);
    expect(outbox).toMatchObject({ queued: 10, drops: 89, sent: 0, hasRoom: false });
    expect(edges).toEqual(['filled']);
    completeAll();
    expect(written).toEqual([1, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
    expect(outbox).toMatchObject({ queued: 0, drops: 89, sent: 11, hasRoom: true });
  });

  it('drops the newest, and counts them', () => {
    const { outbox, pushMany, completeAll, written } = outboxOnWire({ policy: 'drop_newest' });
    expect(pushMany(6)).toEqual([true, true, true, true, false, false]);
    completeAll();
    expect(written).toEqual([1, 2, 3, 4]);
    expect(outbox).toMatchObject({ sent: 4, drops: 2 });
  });

  it('keeps only the latest, whatever its limit in frames', () => {
    const { outbox, pushMany, completeAll, written } = outboxOnWire({ policy: 'latest', framesMax: 10 });
    pushMany(6);
    expect(outbox).toMatchObject({ queued: 1, drops: 4 });
    completeAll();
    expect(written).toEqual([1, 6]);
  });

  it('refuses what does not fit when it blocks, loses nothing, and tells when there is room', () => {
    const { outbox, push, pushMany, complete, written, edges } = outboxOnWire({ policy: 'block', framesMax: 4 });
    expect(pushMany(5)).not.toContain(false);
    expect(outbox.hasRoom).toBe(false);
    expect(push()).toBe(false);
    expect(outbox).toMatchObject({ queued: 4, drops: 0 });
    complete();
    complete();
    expect(outbox.hasRoom).toBe(false);
    complete();
    expect(outbox.hasRoom).toBe(true);
    expect(edges).toEqual(['filled', 'completed', 'completed', 'drained']);
    expect(push()).toBe(true);
    expect(written).toEqual([1, 2, 3, 4]);
  });

  it('gives the consumer up when it disconnects, once', () => {
    const { outbox, pushMany, completeAll, edges, written } = outboxOnWire({ policy: 'disconnect' });
    expect(pushMany(7)).toEqual([true, true, true, true, false, false, false]);
    expect(edges).toEqual(['filled', 'overflowed']);
    expect(outbox).toMatchObject({ closed: true, queued: 0, queuedBytes: 0, drops: 1 });
    completeAll();
    expect(written).toEqual([1]);
    expect(outbox.sent).toBe(0);
  });
});

describe('the limit in bytes of an outbox', () => {
  it('drops as many of the oldest as the new item takes', () => {
    const { outbox, push, completeAll, written } = outboxOnWire({ framesMax: 100, bytesMax: 100 });
    push(500);
    for (let n = 0; n < 5; n += 1) push(20);
    push(50);
    expect(outbox).toMatchObject({ queued: 3, queuedBytes: 90, drops: 3 });
    completeAll();
    expect(written).toEqual([1, 5, 6, 7]);
  });

  it('takes one oversized item when nothing else waits', () => {
    const { outbox, push, complete, edges } = outboxOnWire({ policy: 'drop_newest', bytesMax: 100 });
    push();
    expect(push(5000)).toBe(true);
    expect(outbox).toMatchObject({ queued: 1, queuedBytes: 5000 });
    expect(edges).toEqual(['filled']);
    expect(push()).toBe(false);
    complete();
    expect(edges).toEqual(['filled', 'drained']);
    expect(push(5000)).toBe(true);
  });

  it('fills by a refusal, so that who was refused hears of the room that comes', () => {
    const { outbox, push, complete, edges } = outboxOnWire({ policy: 'block', framesMax: 100, bytesMax: 100 });
    push(1);
    push(70);
    expect(outbox.hasRoom).toBe(true);
    expect(push(70)).toBe(false);
    expect(outbox.hasRoom).toBe(false);
    complete();
    expect(edges).toEqual(['filled', 'drained']);
    expect(push(70)).toBe(true);
  });
});

describe('the edges of an outbox', () => {
  it('are silent about frames while nothing changes', () => {
    const { pushMany, edges } = outboxOnWire();
    pushMany(10_000);
    expect(edges).toEqual(['filled']);
  });

  it('tell of each write completed while a slow consumer never catches up, and do not flap', () => {
    for (const policy of ['drop_oldest', 'latest'] as const) {
      const { pushMany, complete, edges } = outboxOnWire({ policy, framesMax: 10 });
      pushMany(20);
      for (let n = 0; n < 50; n += 1) {
        complete();
        pushMany(2);
      }
      expect(edges[0]).toBe('filled');
      expect(new Set(edges.slice(1))).toEqual(new Set(['completed']));
      expect(edges).toHaveLength(51);
    }
  });

  it('end with a failed write', () => {
    const failure = new Error('connection reset');
    const seen: unknown[] = [];
    const { outbox, push, pushMany, complete, written } = outboxOnWire({ onEdge: (edge) => seen.push(edge) });
    pushMany(3);
    complete(failure);
    expect(seen).toEqual([{ type: 'failed', error: failure }]);
    expect(push()).toBe(false);
    expect(written).toEqual([1]);
    expect(outbox).toMatchObject({ closed: true, sent: 0, drops: 0, queued: 0, queuedBytes: 0 });
  });

  it('may close the outbox from within', () => {
    for (const policy of OVERFLOW_POLICIES) {
      const wire = outboxOnWire({ policy, onEdge: () => wire.outbox.close() });
      wire.pushMany(9);
      expect(wire.outbox).toMatchObject({ queued: 0, queuedBytes: 0, closed: true });
      wire.completeAll();
      expect(wire.written).toEqual([1]);
    }
  });

  it('may close it while an item makes room for itself', () => {
    const wire = outboxOnWire({ bytesMax: 100, onEdge: () => wire.outbox.close() });
    wire.push(1);
    wire.push(70);
    expect(wire.push(70)).toBe(false);
    expect(wire.outbox).toMatchObject({ queued: 0, queuedBytes: 0, closed: true });
  });

  it('tell of each write, also of those that complete before the wire returns', () => {
    let now = false;
    const held: (() => void)[] = [];
    const { pushMany, edges } = outboxOnWire({
      framesMax: 4,
      write: (_item, done) => (now ? done() : held.push(done)),
    });
    pushMany(5);
    now = true;
    held.shift()?.();
    expect(edges).toEqual(['filled', 'completed', 'drained']);
  });
});

describe('an outbox that is closed', () => {
  it('is empty, takes nothing and does not hear the write in flight', () => {
    const { outbox, push, pushMany, complete, written, edges } = outboxOnWire();
    pushMany(9);
    let idle = 0;
    outbox.whenIdle(() => (idle += 1));
    outbox.close();
    outbox.close();
    edges.length = 0;
    expect(outbox).toMatchObject({ queued: 0, queuedBytes: 0, hasRoom: false });
    expect(push()).toBe(false);
    complete();
    expect(written).toEqual([1]);
    expect(edges).toEqual([]);
    expect(outbox.sent).toBe(0);
    outbox.whenIdle(() => (idle += 1));
    expect(idle).toBe(0);
  });
});

describe('whoever waits until all is written', () => {
  it('is called at once where nothing waits', () => {
    let idle = 0;
    outboxOnWire().outbox.whenIdle(() => (idle += 1));
    expect(idle).toBe(1);
  });

  it('is called once, after the last write, later items included', () => {
    const { outbox, push, pushMany, complete } = outboxOnWire();
    let idle = 0;
    pushMany(2);
    outbox.whenIdle(() => (idle += 1));
    complete();
    push();
    complete();
    expect(idle).toBe(0);
    complete();
    expect(idle).toBe(1);
    push();
    complete();
    expect(idle).toBe(1);
  });
});

describe('the options of an outbox', () => {
  it('name the field that is wrong', () => {
    expect(() => outboxOnWire({ framesMax: 0 })).toThrow('framesMax: expected a number of at least 1, got 0');
    expect(() => outboxOnWire({ bytesMax: Number.NaN })).toThrow('bytesMax: expected a number of at least 1, got NaN');
    expect(() => outboxOnWire({ batchBytes: -1 })).toThrow('batch.bytesMax: expected a number of at least 1, got -1');
    expect(() => outboxOnWire({ maxAgeMs: -1 })).toThrow('age.maxAgeMs: expected a number of at least 1, got -1');
  });

  it('know the five policies', () => {
    expect(OVERFLOW_POLICIES).toEqual(['drop_oldest', 'drop_newest', 'latest', 'block', 'disconnect']);
    expect(OVERFLOW_POLICIES.every(isOverflowPolicy)).toBe(true);
    for (const other of ['', 'drop-oldest', undefined, 3, 'toString']) expect(isOverflowPolicy(other)).toBe(false);
  });
});
