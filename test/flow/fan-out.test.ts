import { describe, expect, it } from 'vitest';
import { type Consumer, FanOut } from '../../src/flow/fan-out.js';

function consumer(onPush?: (item: number) => void): Consumer<number> & { readonly got: number[] } {
  const got: number[] = [];
  return {
    got,
    push: (item) => {
      got.push(item);
      onPush?.(item);
    },
  };
}

describe('a fan-out', () => {
  it('gives each item to everyone, in the order of joining', () => {
    const order: string[] = [];
    const out = new FanOut<number>();
    for (const name of ['a', 'b', 'c']) out.join({ push: (item) => order.push(`${name}${item}`) });
    out.publish(1);
    out.publish(2);
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2']);
  });

  it('S1-17 gives everyone the same item and no copy', () => {
    const seen: object[] = [];
    const out = new FanOut<object>();
    for (let n = 0; n < 3; n += 1) out.join({ push: (item) => seen.push(item) });
    const item = {};
    out.publish(item);
    expect(seen).toHaveLength(3);
    expect(seen.every((one) => one === item)).toBe(true);
  });

  it('counts who is there; a consumer counts once, and leaving twice is leaving once', () => {
    const out = new FanOut<number>();
    const one = consumer();
    const leave = out.join(one);
    out.join(one);
    expect(out.size).toBe(1);
    leave();
    leave();
    expect(out.size).toBe(0);
    out.join(one);
    leave();
    expect(out.size).toBe(1);
  });

  it('does not serve who was made to leave by somebody served before', () => {
    const out = new FanOut<number>();
    const first = consumer(() => leaveSecond());
    const second = consumer();
    const third = consumer();
    out.join(first);
    const leaveSecond = out.join(second);
    out.join(third);
    out.publish(1);
    expect([first.got, second.got, third.got]).toEqual([[1], [], [1]]);
  });

  it('goes on with the others when one leaves while it is served', () => {
    const out = new FanOut<number>();
    const first = consumer(() => leave());
    const leave = out.join(first);
    const second = consumer();
    out.join(second);
    out.publish(1);
    out.publish(2);
    expect([first.got, second.got]).toEqual([[1], [1, 2]]);
  });

  it('gives the next item to who joins meanwhile, also after leaving meanwhile', () => {
    const out = new FanOut<number>();
    const late = consumer();
    let leaveSelf = () => {};
    const again = consumer((item) => {
      if (item !== 1) return;
      out.join(late);
      leaveSelf();
      out.join(again);
    });
    leaveSelf = out.join(again);
    out.publish(1);
    expect([again.got, late.got]).toEqual([[1], []]);
    out.publish(2);
    expect([again.got, late.got]).toEqual([[1, 2], [2]]);
  });

  it('is not left half published by a consumer that fails', () => {
    const out = new FanOut<number>();
    const leaveFailing = out.join({
      push: () => {
        throw new Error('a consumer must not throw');
      },
    });
    expect(() => out.publish(1)).toThrow('must not throw');
    const late = consumer();
    out.join(late);
    leaveFailing();
    out.publish(2);
    expect(late.got).toEqual([2]);
  });
});
