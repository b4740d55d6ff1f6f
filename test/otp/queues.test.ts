/** What the kernel keeps its messages and its members in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../../src/otp/fifo.js';
import { type Enrolled, Roll } from '../../src/otp/roll.js';

class Member implements Enrolled<Member> {
  earlier: Member | undefined;
  later: Member | undefined;
}

describe('a roll', () => {
  it('has who has joined and not left, in the order of joining, as a set has', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(7)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (given) => {
        const members = Array.from({ length: 8 }, () => new Member());
        const roll = new Roll<Member>();
        const set = new Set<Member>();
        for (const [joins, which] of given) {
          const member = members[which] as Member;
          if (joins) {
            roll.add(member);
            set.add(member);
          } else {
            roll.delete(member);
            set.delete(member);
          }
          expect(roll.members()).toEqual([...set]);
          expect(roll.size).toBe(set.size);
          expect(members.map((one) => roll.has(one))).toEqual(members.map((one) => set.has(one)));
        }
      }),
    );
  });

  it('is gone through as it was, whoever leaves meanwhile', () => {
    const roll = new Roll<Member>();
    const members = Array.from({ length: 3 }, () => new Member());
    for (const member of members) roll.add(member);
    const seen: Member[] = [];
    for (const member of roll) {
      seen.push(member);
      for (const each of members) roll.delete(each);
    }
    expect(seen).toEqual(members);
    expect(roll.size).toBe(0);
  });

  it('leaves nothing in a member that has left', () => {
    const roll = new Roll<Member>();
    const members = Array.from({ length: 3 }, () => new Member());
    for (const member of members) roll.add(member);
    roll.delete(members[1] as Member);
    expect(members[1]).toEqual({ earlier: undefined, later: undefined });
  });
});

describe('a queue', () => {
  it('gives what came first, through any number of blocks, as an array does', () => {
    const steps = fc.array(fc.integer({ min: -3_000, max: 3_000 }), { maxLength: 12 });
    fc.assert(
      fc.property(steps, (given) => {
        const queue = new Fifo<number>();
        let put = 0;
        let taken = 0;
        for (const count of given) {
          for (let more = count; more > 0; more -= 1) queue.push(put++);
          for (let less = count; less < 0; less += 1) {
            const expected = taken < put ? taken++ : undefined;
            if (queue.take() !== expected) throw new Error(`expected ${expected}`);
          }
          expect(queue.size).toBe(put - taken);
        }
        while (taken < put) expect(queue.take()).toBe(taken++);
        expect(queue.take()).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });
});
