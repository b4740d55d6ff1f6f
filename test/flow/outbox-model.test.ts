import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OVERFLOW_POLICIES } from '../../src/flow/outbox.js';
import { type Item, outboxOnWire } from './outbox-on-wire.js';

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
