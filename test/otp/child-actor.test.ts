/**
 * A child made by the kernel beside one made by XState: the same to everybody who looks. Goes red when an upgrade of XState
 * gives its actors something that ours lack.
 */
import { describe, expect, it } from 'vitest';
import {
  Actor,
  type AnyActorLogic,
  type AnyActorRef,
  createActor,
  emit,
  enqueueActions,
  fromCallback,
  fromEventObservable,
  fromPromise,
  fromTransition,
  type InspectionEvent,
  raise,
  sendParent,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import { VirtualClock } from '../../src/otp/index.js';
import { createChild } from '../../src/otp/xstate-child.js';
import { dropSessionList, isRunning, stopActor } from '../../src/otp/xstate-internals.js';

const ours = (logic: AnyActorLogic, parent: AnyActorRef, input?: unknown): AnyActorRef =>
  createChild(logic, { id: 'child', parent, src: logic, input });
const theirs = (logic: AnyActorLogic, parent: AnyActorRef, input?: unknown): AnyActorRef =>
  createActor(logic, { id: 'child', parent, src: logic, input } as object);

const ticking = setup({}).createMachine({
  id: 'ticking',
  initial: 'on',
  states: { on: { after: { 50: 'off' } }, off: {} },
});
const rich = setup({ actors: { ticking } }).createMachine({
  id: 'rich',
  entry: [
    emit({ type: 'entered' }),
    sendParent({ type: 'hello' }),
    spawnChild('ticking', { id: 'a', systemId: 'named' }),
  ],
  initial: 'first',
  states: {
    first: {
      invoke: { src: 'ticking', id: 'b' },
      after: { 20: 'second' },
      on: { poke: { actions: emit({ type: 'poked' }) } },
    },
    second: {
      entry: [raise({ type: 'later' }, { delay: 30 }), stopChild('a')],
      on: {
        later: 'third',
        fail: {
          actions: () => {
            throw new Error('in an action');
          },
        },
      },
    },
    third: { entry: enqueueActions(({ enqueue }) => enqueue.emit({ type: 'third' })), on: { end: 'done' } },
    done: { type: 'final' },
  },
  output: 'finished',
});
const reducer = fromTransition(
  (state: number, event: { type: string }, { self, defer, emit: tell, stopChild: stop }) => {
    if (event.type === 'fail') throw new Error('in a reducer');
    if (event.type === 'defer') defer(() => self.send({ type: 'deferred' }));
    if (event.type === 'emit') tell({ type: 'told' } as never);
    if (event.type === 'end') stop(self);
    return state + 1;
  },
  0,
);
const callback = fromCallback(({ receive, sendBack, emit: tell }) => {
  sendBack({ type: 'begun' });
  receive((event) => tell({ type: `told ${event.type}` } as never));
  return () => sendBack({ type: 'disposed' });
});
const observable = fromEventObservable(
  () =>
    ({
      subscribe: (observer: { next(event: { type: string }): void; complete(): void }) => {
        observer.next({ type: 'observed' });
        observer.complete();
        return { unsubscribe: () => {} };
      },
    }) as never,
);
const stillborn = fromCallback(() => {
  throw new Error('at birth');
});
const broken = fromTransition((state: number) => state, (() => {
  throw new Error('no snapshot');
}) as never);
const failing = fromPromise(() => Promise.reject(new Error('rejected')));
const answering = fromPromise(({ input }) => Promise.resolve(input));

/** All that anybody can see of a child's life, with names instead of what differs from run to run. */
async function life(make: typeof ours, logic: AnyActorLogic, events: readonly string[]): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  const clock = new VirtualClock();
  const inspect = (event: InspectionEvent): void => {
    const { type } = event;
    const actorRef = event.actorRef as AnyActorRef;
    const { snapshot } = event as { snapshot?: { status: string; value?: unknown; error?: unknown } };
    const what =
      (event as { event?: { type: string } }).event?.type ?? (event as { action?: { type: string } }).action?.type;
    const source = (event as { sourceRef?: AnyActorRef }).sourceRef?.id;
    seen.push([type, actorRef.id, what, source, snapshot?.status, snapshot?.value, String(snapshot?.error)]);
  };
  const top = fromTransition((state: number, event: { type: string }) => {
    seen.push(['parent', event.type]);
    return state;
  }, 0);
  const parent = createActor(top, { id: 'parent', clock, inspect } as object).start();
  dropSessionList(parent.system);
  const child = make(logic, parent, 'given');
  child.subscribe({
    next: ({ status }: { status: string }) => seen.push(['next', status]),
    error: (thrown: unknown) => seen.push(['error', String(thrown)]),
    complete: () => seen.push(['complete']),
  });
  child.on('*', (event: { type: string }) => seen.push(['emitted', event.type]));
  child.on('told', () => seen.push(['told']));
  child.send({ type: 'before the start' });
  child.start();
  const { send } = child;
  for (const type of events) {
    if (type === 'time') clock.advance(20);
    else if (type === 'stop') stopActor(child);
    else send({ type });
    await Promise.resolve();
    seen.push(['named', parent.system.get('named')?.id, clock.pending]);
  }
  await new Promise((resolve) => setImmediate(resolve));
  child.subscribe({ complete: () => seen.push(['complete, late']), error: () => seen.push(['error, late']) });
  seen.push(
    isRunning(child),
    child.getSnapshot().status,
    String(child.getSnapshot().error),
    child.getSnapshot().output,
  );
  seen.push(
    JSON.stringify(child),
    child.id,
    child.src === logic,
    (child as unknown as { ref: unknown }).ref === child,
    child.system === parent.system,
  );
  seen.push(child instanceof Actor, typeof child.sessionId, (child as unknown as { clock: unknown }).clock === clock);
  seen.push((child as unknown as { options: { input: unknown } }).options.input, 'logger' in child);
  parent.stop();
  return seen;
}

const lives: readonly (readonly [string, AnyActorLogic, readonly string[]])[] = [
  ['a chart with actors, timers and emitted events, to its end', rich, ['poke', 'time', 'time', 'time', 'end', 'late']],
  ['a chart that is stopped while it waits', rich, ['poke', 'stop', 'late']],
  ['a chart that throws', rich, ['time', 'fail', 'late']],
  ['a chart with a timer', ticking, ['time', 'time', 'time', 'stop']],
  ['a reducer', reducer, ['a', 'defer', 'emit', 'stop']],
  ['a reducer that throws', reducer, ['a', 'fail', 'late']],
  ['a reducer that stops what is not its child', reducer, ['end']],
  ['a callback', callback, ['a', 'stop']],
  ['a callback that throws at birth', stillborn, ['a']],
  ['a logic that has no first snapshot', broken, ['a']],
  ['a promise that answers', answering, ['a']],
  ['a promise that is stopped', answering, ['stop']],
  ['a promise that fails', failing, ['a']],
  ['an observable', observable, ['a']],
];

describe('a child made by the kernel', () => {
  for (const [what, logic, events] of lives) {
    it(`lives as one made by XState does: ${what}`, async () => {
      expect(await life(ours, logic, events)).toEqual(await life(theirs, logic, events));
    });
  }

  it('does what its chart decided at its making when it is started, whoever is started first', () => {
    const seen = (make: typeof ours): readonly string[] => {
      const said: string[] = [];
      const greeting = (word: string) => setup({}).createMachine({ entry: () => said.push(word) });
      const parent = createActor(callback).start();
      const [one, other] = [make(greeting('one'), parent), make(greeting('other'), parent)];
      said.push('made');
      other.start();
      said.push('between');
      one.start();
      return said;
    };
    expect(seen(ours)).toEqual(['made', 'other', 'between', 'one']);
    expect(seen(theirs)).toEqual(seen(ours));
  });

  it('keeps what comes before it has begun, as XState does', () => {
    const early = (make: typeof ours): readonly string[] => {
      const seen: string[] = [];
      const logic: AnyActorLogic = {
        getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined }),
        getPersistedSnapshot: (snapshot) => snapshot,
        start: (_snapshot, { self }) => {
          self.send({ type: 'first' });
          self.send({ type: 'second' });
          stopActor(self as AnyActorRef);
        },
        transition: (snapshot, { type }) => {
          seen.push(type);
          return snapshot;
        },
      };
      make(logic, createActor(callback).start()).start();
      return seen;
    };
    expect(early(ours)).toEqual(['first', 'xstate.stop']);
    expect(early(ours)).toEqual(early(theirs));
  });
});

describe('this version of XState', () => {
  it('gives an actor nothing that ours lacks', () => {
    const parent = createActor(callback).start();
    const [own, other] = [ours(callback, parent), theirs(callback, parent)];
    expect(
      Object.keys(other).filter((name) => !(name in own) && name !== '_syncSnapshot' && name !== 'systemId'),
    ).toEqual([]);
    const methods = Object.getOwnPropertyNames(Actor.prototype).filter((name) => !name.startsWith('@@'));
    expect(methods.toSorted()).toEqual(
      [
        ...['constructor', '_initState', 'update', 'subscribe', 'on', 'select', 'start', '_process', '_stop', 'stop'],
        ...['_complete', '_reportError', '_error', '_stopProcedure', '_send', 'send', 'attachDevTools', 'toJSON'],
        ...['getPersistedSnapshot', 'getSnapshot'],
      ].toSorted(),
    );
  });

  it('hands a logic nothing that ours is not handed', () => {
    const handed: object[] = [];
    const logic: AnyActorLogic = {
      getInitialSnapshot: (scope) => {
        handed.push(scope);
        return { status: 'active', output: undefined, error: undefined };
      },
      getPersistedSnapshot: (snapshot) => snapshot,
      transition: (snapshot) => snapshot,
    };
    const parent = createActor(callback).start();
    ours(logic, parent);
    theirs(logic, parent);
    const [own, other] = handed as [object, object];
    expect(Object.keys(other).filter((name) => !(name in own))).toEqual([]);
  });

  it('has no way to ask a system for the actors by their sessions', () => {
    expect(Object.keys(createActor(callback).system).toSorted()).toEqual(
      [
        ...[
          '_snapshot',
          '_bookId',
          '_register',
          '_unregister',
          'get',
          'getAll',
          '_set',
          'inspect',
          '_sendInspectionEvent',
        ],
        ...['_relay', 'scheduler', 'getSnapshot', 'start', '_clock', '_logger'],
      ].toSorted(),
    );
  });
});
