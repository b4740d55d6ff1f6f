import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { AbandonedError, Census, Scope, VirtualClock } from '../../src/otp/index.js';

function open() {
  const census = new Census();
  const clock = new VirtualClock();
  const crashes: unknown[] = [];
  const scope = new Scope({ owner: 'top/a', clock, census, crash: (thrown) => crashes.push(thrown) });
  return { census, clock, crashes, scope };
}

function counter() {
  let made = 0;
  const count = (): void => {
    made += 1;
  };
  return { count, times: () => made };
}

describe('a scope that ends', () => {
  it('gives back the youngest first', () => {
    const { scope } = open();
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) scope.acquire('thing', () => void order.push(name));
    expect(scope.dispose()).toBeUndefined();
    expect(order).toEqual(['c', 'b', 'a']);
  });

  it('waits for each that takes its time before the next', async () => {
    const { scope } = open();
    const order: string[] = [];
    for (const name of ['a', 'b']) {
      scope.acquire('thing', async () => {
        order.push(`begin ${name}`);
        await null;
        order.push(`end ${name}`);
      });
    }
    await scope.dispose();
    expect(order).toEqual(['begin b', 'end b', 'begin a', 'end a']);
  });

  it('collects what goes wrong and gives back the rest', async () => {
    const { scope, census } = open();
    const order: string[] = [];
    scope.acquire('thing', () => void order.push('a'));
    scope.acquire('thing', () => {
      throw new Error('sync');
    });
    scope.acquire('thing', () => Promise.reject(new Error('async')));
    await scope.dispose();
    expect(order).toEqual(['a']);
    expect(scope.errors.map(String)).toEqual(['Error: async', 'Error: sync']);
    expect(census.totals()).toEqual({});
  });

  it('aborts its signal before it gives anything back', () => {
    const { scope } = open();
    const { signal } = scope;
    let abortedBefore = false;
    scope.acquire('thing', () => {
      abortedBefore = signal.aborted;
    });
    void scope.dispose();
    expect(abortedBefore).toBe(true);
  });

  it('ends its child scopes in their turn', () => {
    const { scope, census } = open();
    const order: string[] = [];
    scope.acquire('thing', () => void order.push('first'));
    const child = scope.child();
    child.acquire('thing', () => void order.push('inner'));
    scope.acquire('thing', () => void order.push('last'));
    void scope.dispose();
    expect(order).toEqual(['last', 'inner', 'first']);
    expect(census.totals()).toEqual({});
  });

  it('is told once, however often it is asked', () => {
    const { scope } = open();
    const { count, times } = counter();
    scope.acquire('thing', count);
    void scope.dispose();
    void scope.dispose();
    expect(times()).toBe(1);
  });
});

describe('a thing that a scope holds', () => {
  it('is counted by kind and owner until it is released, and released once', async () => {
    const { scope, census } = open();
    const { count, times } = counter();
    const held = scope.acquire('socket', count);
    expect(census.holdings()).toEqual([{ kind: 'socket', owner: 'top/a', count: 1 }]);
    await held.release();
    await held.release();
    void scope.dispose();
    expect(times()).toBe(1);
    expect(census.totals()).toEqual({});
  });

  it('is given back at once when it comes too late', () => {
    const { scope, census } = open();
    void scope.dispose();
    let given = false;
    scope.acquire('socket', () => {
      given = true;
    });
    expect(given).toBe(true);
    expect(census.totals()).toEqual({});
  });

  it('leaves its parent when a child scope ends early', () => {
    const { scope, census } = open();
    const child = scope.child();
    child.acquire('thing', () => {});
    void child.dispose();
    expect(scope.size).toBe(0);
    expect(census.totals()).toEqual({});
  });
});

describe('a thing that never closes', () => {
  const never = () => new Promise<void>(() => {});
  const turn = () => new Promise(setImmediate);

  it('is abandoned after five seconds, and what was acquired before it is given back', async () => {
    const { scope, census, clock } = open();
    const order: string[] = [];
    scope.acquire('file', () => void order.push('file'));
    scope.acquire('socket', never);
    const ended = scope.dispose();
    clock.advance(4_999);
    await turn();
    expect(order).toEqual([]);
    clock.advance(1);
    await ended;
    expect(order).toEqual(['file']);
    expect(scope.abandoned).toEqual(['socket']);
    expect(scope.errors[0]).toBeInstanceOf(AbandonedError);
    expect(String(scope.errors[0])).toContain('top/a: socket was not given back within 5000 ms');
    expect(census.totals()).toEqual({ socket: 1 });
    expect(clock.pending).toBe(0);
  });

  it('leaves the census when it closes after all', async () => {
    const { scope, census, clock } = open();
    let close: () => void = () => {};
    scope.acquire('socket', () => new Promise<void>((resolve) => (close = resolve)));
    const ended = scope.dispose();
    clock.advance(5_000);
    await ended;
    expect(census.count('socket')).toBe(1);
    close();
    await turn();
    expect(census.totals()).toEqual({});
  });

  it('has five seconds of its own, also in a child scope, and is told to the scope above', async () => {
    const { scope, clock } = open();
    const child = scope.child();
    child.acquire('call', never);
    child.acquire('socket', never);
    let ended = false;
    void scope.dispose()?.then(() => {
      ended = true;
    });
    clock.advance(5_000);
    await turn();
    expect([scope.abandoned, ended]).toEqual([['socket'], false]);
    clock.advance(5_000);
    await turn();
    expect([scope.abandoned, ended]).toEqual([['socket', 'call'], true]);
  });
});

describe('a thing that was released early and still closes', () => {
  it('is waited for by the end of its scope, and counted until then', async () => {
    const { scope, census, clock } = open();
    let close: () => void = () => {};
    const held = scope.acquire('attempt', () => new Promise<void>((resolve) => (close = resolve)));
    void held.release();
    expect(census.count('attempt')).toBe(1);
    let ended = false;
    const end = scope.dispose()?.then(() => {
      ended = true;
    });
    await new Promise(setImmediate);
    expect(ended).toBe(false);
    close();
    await end;
    expect(census.totals()).toEqual({});
    expect(clock.pending).toBe(0);
  });
});

describe('a child scope that ends', () => {
  it('is counted down once', () => {
    const { scope, census } = open();
    const children = [scope.child(), scope.child(), scope.child()];
    void children[0]?.dispose();
    expect(census.count('scope')).toBe(2);
    void scope.dispose();
    expect(census.totals()).toEqual({});
  });
});

describe('a throw in work that a scope holds', () => {
  const boom = (): never => {
    throw new Error('boom');
  };

  it('is the crash of its owner: timer', () => {
    const { scope, clock, crashes } = open();
    scope.timer(5, boom);
    clock.advance(5);
    expect(crashes.map(String)).toEqual(['Error: boom']);
  });

  it('is the crash of its owner, and not of the emitter: listener', () => {
    const { scope, crashes } = open();
    const emitter = new EventEmitter();
    scope.listen(emitter, 'data', boom);
    emitter.emit('data');
    expect(crashes.map(String)).toEqual(['Error: boom']);
    void scope.dispose();
    expect(emitter.listenerCount('data')).toBe(0);
  });

  it('is the crash of its owner: task', async () => {
    const { scope, crashes } = open();
    scope.task(async () => boom());
    await new Promise(setImmediate);
    expect(crashes.map(String)).toEqual(['Error: boom']);
  });

  it('is nobody’s crash when the scope has ended meanwhile', async () => {
    const { scope, crashes } = open();
    scope.task(async (signal) => {
      await null;
      if (signal.aborted) boom();
    });
    void scope.dispose();
    await new Promise(setImmediate);
    expect(crashes).toEqual([]);
  });
});

describe('an interval', () => {
  it('comes again until it is released', () => {
    const { scope, clock } = open();
    const { count, times } = counter();
    const held = scope.interval(10, count);
    clock.advance(35);
    expect(times()).toBe(3);
    void held.release();
    clock.advance(100);
    expect(times()).toBe(3);
    expect(clock.pending).toBe(0);
  });

  it('can release itself', () => {
    const { scope, clock } = open();
    let times = 0;
    const held = scope.interval(10, () => {
      times += 1;
      void held.release();
    });
    clock.advance(100);
    expect(times).toBe(1);
    expect(clock.pending).toBe(0);
  });
});
