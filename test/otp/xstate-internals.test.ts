/** What the kernel touches of XState without a promise. Goes red when an upgrade of XState changes one of these. */
import { describe, expect, it } from 'vitest';
import {
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  cancel,
  createActor,
  fromCallback,
  fromTransition,
  getInitialSnapshot,
  getNextSnapshot,
  raise,
  sendTo,
  setup,
} from 'xstate';
import { VirtualClock } from '../../src/otp/index.js';
import { installIndexedScheduler, isRunning, parentOf, shareParts, stopActor } from '../../src/otp/xstate-internals.js';

const idle = fromCallback(() => {});

describe('an actor of this version of XState', () => {
  it('says whether it runs, which a snapshot of a stopped reducer does not', () => {
    const actor = createActor(fromTransition((state: number) => state, 0));
    expect(isRunning(actor)).toBe(false);
    actor.start();
    expect(isRunning(actor)).toBe(true);
    actor.stop();
    expect(isRunning(actor)).toBe(false);
    expect(actor.getSnapshot().status).toBe('active');
  });

  it('knows the parent that it was created with', () => {
    const parent = createActor(idle).start();
    const child = createActor(idle, { parent } as object).start();
    expect(parentOf(child)).toBe(parent);
    expect(parentOf(parent)).toBeUndefined();
  });

  it('is created into the system of its parent', () => {
    const parent = createActor(idle).start();
    const child = createActor(idle, { parent } as object);
    expect(child.system).toBe(parent.system);
  });

  it('can be stopped by somebody who is not its parent', () => {
    const parent = createActor(idle).start();
    const child: AnyActorRef = createActor(idle, { parent } as object).start();
    stopActor(child);
    expect(isRunning(child)).toBe(false);
    expect(child.getSnapshot().status).toBe('stopped');
  });

  it('finishes the event that it is processing before it stops, and drops the others', () => {
    const seen: string[] = [];
    const logic = fromTransition((state: number, event: { type: string }, { self }) => {
      seen.push(event.type);
      if (event.type === 'a') {
        self.send({ type: 'dropped' });
        stopActor(self);
        seen.push('still at a');
      }
      return state;
    }, 0);
    createActor(logic).start().send({ type: 'a' });
    expect(seen).toEqual(['a', 'still at a', 'xstate.stop']);
  });

  it('is handed the stop as an event of its logic', () => {
    const seen: string[] = [];
    const logic = fromTransition((state: number, event: { type: string }) => {
      seen.push(event.type);
      return state;
    }, 0);
    stopActor(createActor(logic).start());
    expect(seen).toEqual(['xstate.stop']);
  });
});

/** Every way in which a chart sets and clears timers: after, delayed raise and sendTo, cancel, leaving a state, being stopped. */
function timerTrace(indexed: boolean): { readonly seen: readonly string[]; readonly left: number } {
  const seen: string[] = [];
  const clock = new VirtualClock();
  const note = (text: string) => ({ type: 'note' as const, params: { text } });
  const actions = { note: (_: unknown, { text }: { text: string }) => void seen.push(`${clock.now()} ${text}`) };
  const inner = setup({ actions }).createMachine({
    id: 'inner',
    on: { poke: { actions: note('inner poked') } },
    after: { 25: { actions: note('inner after 25') }, 500: { actions: note('never: stopped before') } },
  });
  const machine = setup({ actors: { inner }, actions }).createMachine({
    id: 'outer',
    invoke: { src: 'inner', id: 'inner' },
    initial: 'first',
    states: {
      first: {
        entry: [
          raise({ type: 'raised' }, { delay: 10, id: 'r' }),
          raise({ type: 'cancelled' }, { delay: 15, id: 'c' }),
          sendTo('inner', { type: 'poke' }, { delay: 20 }),
          raise({ type: 'early' }, { delay: 40, id: 'again' }),
          raise({ type: 'later' }, { delay: 45, id: 'again' }),
        ],
        on: { raised: { actions: [note('raised'), cancel('c')] } },
        after: { 30: 'second', 60: { actions: note('never: state left') } },
      },
      second: { entry: note('second'), after: { 30: 'third' } },
      third: { type: 'final', entry: note('third') },
    },
    on: {
      cancelled: { actions: note('never: cancelled') },
      early: { actions: note('early') },
      later: { actions: note('later') },
    },
  });
  const actor = createActor(machine, { clock });
  const pending = indexed ? installIndexedScheduler(actor.system) : () => clock.pending;
  actor.start();
  clock.advance(1_000);
  return { seen, left: pending() };
}

describe('the indexed scheduler', () => {
  it("leaves the trace of XState's own, in order and in time", () => {
    const indexed = timerTrace(true);
    expect(indexed.seen).toEqual(timerTrace(false).seen);
    expect(indexed.seen).toEqual([
      '10 raised',
      '20 inner poked',
      '25 inner after 25',
      '30 second',
      '40 early',
      '45 later',
      '60 third',
    ]);
  });

  it('has no timer left when its actors have ended', () => {
    expect(timerTrace(true).left).toBe(0);
  });

  it('does not look at the timers of others when an actor ends', () => {
    const clock = new VirtualClock();
    const parent = createActor(idle, { clock }).start();
    const pending = installIndexedScheduler(parent.system);
    const waiting = setup({}).createMachine({ after: { 1000: {} } });
    const children = Array.from({ length: 100 }, () => createActor(waiting, { parent } as object).start());
    expect(pending()).toBe(100);
    for (const child of children.slice(0, 40)) stopActor(child);
    expect(pending()).toBe(60);
    expect(clock.pending).toBe(60);
    for (const child of children) stopActor(child);
    expect(pending()).toBe(0);
  });
});

describe('what the snapshots of a chart share', () => {
  interface Internal {
    readonly _nodes: readonly unknown[];
    readonly historyValue: object;
  }
  const chart = setup({}).createMachine({
    initial: 'a',
    states: {
      a: { tags: 'first', on: { next: 'b' } },
      b: { initial: 'c', states: { c: { on: { next: '#done' } } }, on: { back: 'a' } },
      d: { id: 'done', type: 'final' },
    },
  });
  const both = setup({}).createMachine({
    type: 'parallel',
    states: {
      x: { initial: 'a', states: { a: { tags: 'xa', on: { next: 'b' } }, b: {} } },
      y: { initial: 'a', states: { a: {}, b: {} } },
    },
  });

  /** Takes these steps twice, once with shared parts, and compares all that a chart's snapshot says. */
  function compare(machine: AnyStateMachine, events: readonly string[]): void {
    const steps = (share: boolean) => {
      const shared = (snapshot: AnyMachineSnapshot): AnyMachineSnapshot => {
        if (share) shareParts(snapshot as never);
        return snapshot;
      };
      let snapshot = shared(getInitialSnapshot(machine));
      return [snapshot, ...events.map((type) => (snapshot = shared(getNextSnapshot(machine, snapshot, { type }))))];
    };
    const told = ({ value, tags, children, status, ...rest }: AnyMachineSnapshot) => ({
      ...{ value, tags: [...tags], children, status, history: (rest as unknown as Internal).historyValue },
      nodes: (rest as unknown as Internal)._nodes,
    });
    for (let twice = 0; twice < 2; twice += 1) expect(steps(true).map(told)).toEqual(steps(false).map(told));
  }

  it('is the same as what each had for itself, whatever steps are taken', () => {
    compare(chart, ['next', 'back', 'next', 'other', 'next', 'next']);
    compare(both, ['next', 'other', 'next']);
  });

  it('is one for all in the same state, and nobody writes into it', () => {
    const [some, others] = [getInitialSnapshot(chart), getInitialSnapshot(chart)];
    shareParts(some as never);
    shareParts(others as never);
    expect(some.tags).toBe(others.tags);
    expect(some.value).toBe(others.value);
    expect(some.children).toBe(others.children);
    const { _nodes, historyValue } = some as unknown as Internal;
    expect([_nodes, historyValue, some.children].every(Object.isFrozen)).toBe(true);
  });
});
