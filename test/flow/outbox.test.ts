import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOverflowPolicy, Outbox, type OutboxOptions, OVERFLOW_POLICIES } from '../../src/flow/outbox.js';

interface Item {
  readonly id: number;
  readonly bytes: number;
}

/** An outbox whose wire completes a write when told, with a record of what it did. */
function outboxOnWire(options: Partial<OutboxOptions<Item>> = {}) {
  const written: number[] = [];
  const edges: string[] = [];
  const pending: ((error?: Error | null) => void)[] = [];
  const outbox = new Outbox<Item>({
    policy: 'drop_oldest',
    framesMax: 3,
    bytesMax: 1000,
    sizeOf: (item) => item.bytes,
    write: (item, done) => {
      written.push(item.id);
      pending.push(done);
    },
    onEdge: (edge) => edges.push(edge.type),
    ...options,
  });
  let id = 0;
  return {
    outbox,
    written,
    edges,
    pending,
    push: (bytes = 1) => outbox.push({ id: ++id, bytes }),
    pushMany: (count: number) => Array.from({ length: count }, () => outbox.push({ id: ++id, bytes: 1 })),
    complete: (error?: Error) => pending.shift()?.(error),
    completeAll: () => {
      while (pending.length > 0) pending.shift()?.();
    },
  };
}

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
  });

  it('know the five policies', () => {
    expect(OVERFLOW_POLICIES).toEqual(['drop_oldest', 'drop_newest', 'latest', 'block', 'disconnect']);
    expect(OVERFLOW_POLICIES.every(isOverflowPolicy)).toBe(true);
    for (const other of ['', 'drop-oldest', undefined, 3, 'toString']) expect(isOverflowPolicy(other)).toBe(false);
  });
});

/** The same promises, written without any thought for speed: lists of items, and limits looked up afresh. */
class NaiveOutbox {
  waiting: Item[] = [];
  inFlight: Item | undefined;
  written: number[] = [];
  sent = 0;
  drops = 0;
  refused = 0;
  closed = false;
  readonly policy: string;
  readonly framesMax: number;
  readonly bytesMax: number;

  constructor(policy: string, framesMax: number, bytesMax: number) {
    this.policy = policy;
    this.framesMax = policy === 'latest' ? 1 : framesMax;
    this.bytesMax = bytesMax;
  }

  bytes(items = this.waiting): number {
    return items.reduce((sum, item) => sum + item.bytes, 0);
  }

  allowed(items: Item[]): boolean {
    return items.length <= 1 || (items.length <= this.framesMax && this.bytes(items) <= this.bytesMax);
  }

  push(item: Item): void {
    if (this.closed) return;
    if (!this.inFlight) this.start(item);
    else if (this.allowed([...this.waiting, item])) this.waiting.push(item);
    else if (this.policy === 'block') this.refused += 1;
    else if (this.policy === 'drop_newest') this.drops += 1;
    else if (this.policy === 'disconnect') {
      this.drops += 1;
      this.closed = true;
      this.waiting = [];
    } else {
      const all = [...this.waiting, item];
      let gone = 0;
      while (!this.allowed(all.slice(gone))) gone += 1;
      this.waiting = all.slice(gone);
      this.drops += gone;
    }
  }

  start(item: Item | undefined): void {
    this.inFlight = item;
    if (item) this.written.push(item.id);
  }

  complete(): void {
    if (this.closed || !this.inFlight) return;
    this.sent += 1;
    this.start(this.waiting.shift());
  }
}

describe('any sequence of pushes and completions', () => {
  it('leaves the outbox as the naive one, with each item accounted for', () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constant('complete' as const)), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...OVERFLOW_POLICIES),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 120 }),
        steps,
        (policy, framesMax, bytesMax, sequence) => {
          const wire = outboxOnWire({ policy, framesMax, bytesMax });
          const naive = new NaiveOutbox(policy, framesMax, bytesMax);
          let pushed = 0;
          for (const step of sequence) {
            if (step === 'complete') {
              wire.complete();
              naive.complete();
            } else {
              pushed += 1;
              naive.push({ id: pushed, bytes: step });
              wire.push(step);
            }
            const { outbox, written, pending } = wire;
            expect(outbox).toMatchObject({ sent: naive.sent, drops: naive.drops, closed: naive.closed });
            expect(outbox).toMatchObject({ queued: naive.waiting.length, queuedBytes: naive.bytes() });
            expect(written).toEqual(naive.written);
            if (naive.closed) continue;
            expect(outbox.sent + outbox.drops + outbox.queued + pending.length + naive.refused).toBe(pushed);
          }
          // `filled` and `drained` alternate, and completions are told only between them.
          const story = wire.edges.join(' ');
          expect(story).toMatch(/^(filled( completed)*( drained)? ?)*(overflowed)?$/);
          expect(wire.outbox.hasRoom).toBe(!naive.closed && /^$|drained$/.test(story));
        },
      ),
      { numRuns: 500 },
    );
  });
});
