import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OVERFLOW_POLICIES, type OverflowPolicy } from '../../src/flow/outbox.js';
import { type Item, outboxOnWire } from './outbox-on-wire.js';

interface Limits {
  readonly policy: OverflowPolicy;
  readonly framesMax: number;
  readonly bytesMax: number;
  readonly batchBytes: number | undefined;
  readonly maxAgeMs: number | undefined;
}

interface AgingItem extends Item {
  readonly pushedMs: number;
}

/** The same promises, written without any thought for speed: lists of items, and limits looked up afresh. */
class NaiveOutbox {
  nowMs = 0;
  waiting: AgingItem[] = [];
  inFlight: AgingItem[] = [];
  writes: number[][] = [];
  sent = 0;
  full = 0;
  aged = 0;
  refused = 0;
  closed = false;
  readonly limits: Limits;

  constructor(limits: Limits) {
    this.limits = limits.policy === 'latest' ? { ...limits, framesMax: 1 } : limits;
  }

  bytes(items: readonly Item[] = this.waiting): number {
    return items.reduce((sum, item) => sum + item.bytes, 0);
  }

  allowed(items: readonly Item[]): boolean {
    const { framesMax, bytesMax } = this.limits;
    return items.length <= 1 || (items.length <= framesMax && this.bytes(items) <= bytesMax);
  }

  push(item: Item): void {
    if (this.closed) return;
    this.forgetAged();
    const coming = { ...item, pushedMs: this.nowMs };
    const { policy } = this.limits;
    const all = [...this.waiting, coming];
    if (this.inFlight.length === 0 || this.allowed(all)) {
      this.waiting = all;
      this.start();
    } else if (policy === 'block') this.refused += 1;
    else if (policy === 'drop_newest') this.full += 1;
    else if (policy === 'disconnect') {
      this.full += 1;
      this.closed = true;
      this.waiting = [];
    } else {
      let gone = 0;
      while (!this.allowed(all.slice(gone))) gone += 1;
      this.waiting = all.slice(gone);
      this.full += gone;
    }
  }

  forgetAged(): void {
    const { maxAgeMs = Number.POSITIVE_INFINITY } = this.limits;
    const young = this.waiting.filter(({ pushedMs }) => this.nowMs - pushedMs <= maxAgeMs);
    this.aged += this.waiting.length - young.length;
    this.waiting = young;
  }

  start(): void {
    if (this.inFlight.length > 0 || this.waiting.length === 0) return;
    const { batchBytes = 0 } = this.limits;
    let count = 1;
    while (count < this.waiting.length && this.bytes(this.waiting.slice(0, count + 1)) <= batchBytes) count += 1;
    this.inFlight = this.waiting.slice(0, count);
    this.waiting = this.waiting.slice(count);
    this.writes.push(this.inFlight.map(({ id }) => id));
  }

  complete(): void {
    if (this.closed || this.inFlight.length === 0) return;
    this.sent += this.inFlight.length;
    this.inFlight = [];
    this.forgetAged();
    this.start();
  }
}

describe('any sequence of pushes, completions and waits', () => {
  it('leaves the outbox as the naive one, with each item accounted for', () => {
    const limits = fc.record<Limits>({
      policy: fc.constantFrom(...OVERFLOW_POLICIES),
      framesMax: fc.integer({ min: 1, max: 6 }),
      bytesMax: fc.integer({ min: 1, max: 120 }),
      batchBytes: fc.option(fc.integer({ min: 1, max: 150 }), { nil: undefined }),
      maxAgeMs: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
    });
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 1, max: 60 }) }),
      fc.constant('complete' as const),
      fc.record({ pass: fc.integer({ min: 1, max: 30 }) }),
    );
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 200 }), (given, sequence) => {
        const wire = outboxOnWire(given);
        const naive = new NaiveOutbox(given);
        let pushed = 0;
        for (const now of sequence) {
          if (now === 'complete') {
            wire.complete();
            naive.complete();
          } else if ('pass' in now) {
            wire.pass(now.pass);
            naive.nowMs += now.pass;
          } else {
            pushed += 1;
            naive.push({ id: pushed, bytes: now.push });
            wire.push(now.push);
          }
          const { outbox, writes } = wire;
          expect(outbox).toMatchObject({ sent: naive.sent, closed: naive.closed });
          expect(outbox.dropsByReason).toEqual({ full: naive.full, aged: naive.aged });
          expect(outbox).toMatchObject({ queued: naive.waiting.length, queuedBytes: naive.bytes() });
          expect(writes).toEqual(naive.writes);
          if (naive.closed) continue;
          expect(outbox.sent + outbox.drops + outbox.queued + naive.inFlight.length + naive.refused).toBe(pushed);
        }
        // `filled` and `drained` alternate, and completions are told only between them.
        const story = wire.edges.join(' ');
        expect(story).toMatch(/^(filled( completed)*( drained)? ?)*(overflowed)?$/);
        expect(wire.outbox.hasRoom).toBe(!naive.closed && /^$|drained$/.test(story));
      }),
      { numRuns: 1_000 },
    );
  });
});
