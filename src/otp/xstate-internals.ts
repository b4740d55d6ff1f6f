/**
 * Contact with what XState does not promise, here and in `xstate-child.ts`. Pinned by `test/otp/xstate-internals.test.ts` and
 * `child-actor.test.ts`, which go red on an upgrade that changes one of these; nothing else in Sluice may touch them.
 */
import type { ActorSystem, ActorSystemInfo, AnyActorRef, EventObject } from 'xstate';

/** Where an actor is in its life. */
export const NOT_STARTED = 0;
export const RUNNING = 1;
export const STOPPED = 2;

interface Internals {
  readonly _processingStatus: number;
  readonly _parent: AnyActorRef | undefined;
  _stop(): void;
}

export interface SystemInternals {
  _register(sessionId: string, ref: AnyActorRef): string;
  _unregister(ref: AnyActorRef): void;
  _bookId(): string;
  readonly _logger: unknown;
  _sendInspectionEvent(event: object): void;
  readonly _clock: { setTimeout(fn: () => void, ms: number): unknown; clearTimeout(timer: unknown): void };
  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: EventObject): void;
  readonly scheduler: Scheduler;
}

interface Scheduler {
  schedule(source: AnyActorRef, target: AnyActorRef, event: EventObject, delay: number, id?: string): void;
  cancel(source: AnyActorRef, id: string): void;
  cancelAll(source: AnyActorRef): void;
}

/** True while the actor is started and has not ended. A snapshot cannot tell: a stopped reducer stays `active`. */
export function isRunning(ref: AnyActorRef): boolean {
  return (ref as unknown as Internals)._processingStatus === RUNNING;
}

export function parentOf(ref: AnyActorRef): AnyActorRef | undefined {
  return (ref as unknown as Internals)._parent;
}

/**
 * Stops an actor from outside: at once, or when the event it is processing now has been processed. XState's public `stop`
 * is only for roots, and `scope.stopChild` only for the parent; an exit signal may come from anybody.
 */
export function stopActor(ref: AnyActorRef): void {
  (ref as unknown as Internals)._stop();
}

/** What `ref.send` does, without the bound function that it would make first. */
export function sendTo(ref: AnyActorRef, event: EventObject): void {
  (ref.system as unknown as SystemInternals)._relay(undefined, ref, event);
}

/**
 * Where an actor keeps its process. A property and not a WeakMap: with many short lives the garbage collector spends more
 * on the map than all of us do on the rest.
 */
export const PROCESS = Symbol('sluice.process');

/** What a chart's snapshot is made of, as far as it is shared; other logics have snapshots of their own. */
export interface SnapshotParts {
  readonly status: string;
  readonly machine?: object;
  _nodes?: readonly StateNode[];
  value?: unknown;
  tags?: ReadonlySet<string>;
  children?: object;
  historyValue?: object;
}

interface StateNode {
  readonly type: string;
}

interface InState {
  readonly nodes: readonly StateNode[];
  readonly value: unknown;
  readonly tags: ReadonlySet<string>;
}

/** What snapshots have in them, by the innermost state; of parallel ones there are several. */
const states = new WeakMap<StateNode, InState[]>();
/** More than so many ways to be in one state are not remembered. */
const WAYS_MAX = 32;
/** Frozen: an XState that wrote into what is shared would throw. */
const EMPTY: object = Object.freeze({});

/**
 * XState makes the list of active states, the value, the tags and two objects, mostly empty, anew for each snapshot, and never
 * changes them. Where they are the same they become the same ones: 400 bytes for each actor.
 */
export function shareParts(snapshot: SnapshotParts): void {
  const { _nodes: nodes, children, historyValue } = snapshot;
  if (!nodes || snapshot.machine === undefined) return;
  if (children && isEmpty(children)) snapshot.children = EMPTY;
  if (historyValue && isEmpty(historyValue)) snapshot.historyValue = EMPTY;
  const innermost = nodes.at(-1);
  if (!innermost) return;
  let ways = states.get(innermost);
  if (!ways) {
    ways = [];
    states.set(innermost, ways);
  }
  const known = ways.find((way) => sameNodes(way.nodes, nodes));
  if (known) {
    snapshot._nodes = known.nodes;
    snapshot.value = known.value;
    snapshot.tags = known.tags;
  } else if (ways.length < WAYS_MAX) {
    const { value, tags } = snapshot;
    ways.push({ nodes: Object.freeze(nodes), value, tags: tags as ReadonlySet<string> });
  }
}

function isEmpty(object: object): boolean {
  if (object !== EMPTY) for (const _key in object) return false;
  return true;
}

function sameNodes(some: readonly StateNode[], others: readonly StateNode[]): boolean {
  return some === others || (some.length === others.length && some.every((node, i) => node === others[i]));
}

/**
 * Takes the list of all its actors from a system: XState writes it and never reads it, and with many short lives the table
 * of the map, made anew all the time, keeps the dead from being collected.
 */
export function dropSessionList(system: ActorSystem<ActorSystemInfo>): void {
  const internals = system as unknown as SystemInternals;
  const forgetName = internals._unregister;
  internals._register = (sessionId) => sessionId;
  internals._unregister = (ref) => {
    if ((ref as { readonly systemId?: string }).systemId !== undefined) forgetName(ref);
  };
}

/** A timer of a chart, and the one that the same actor set before it: few have more than two. */
interface ChartTimer {
  readonly id: string;
  handle: unknown;
  next: ChartTimer | undefined;
}

/**
 * Replaces the bookkeeping of a system's timers. XState's own looks through every timer of the system whenever an actor
 * ends (1.2 ms at 10,000 timers); this one looks at the actor's own. The order of events is the same.
 *
 * @returns how many timers are set now.
 */
export function installIndexedScheduler(system: ActorSystem<ActorSystemInfo>): () => number {
  const { _clock: clock, _relay: relay, scheduler } = system as unknown as SystemInternals;
  const bySource = new Map<AnyActorRef, ChartTimer>();
  let pending = 0;
  let anonymous = 0;

  /** Takes this timer, or whichever has the id now, from those of its source. */
  const forget = (source: AnyActorRef, id: string, only?: ChartTimer): ChartTimer | undefined => {
    let before: ChartTimer | undefined;
    for (let timer = bySource.get(source); timer; before = timer, timer = timer.next) {
      if (timer.id !== id) continue;
      if (only && timer !== only) return undefined;
      if (before) before.next = timer.next;
      else if (timer.next) bySource.set(source, timer.next);
      else bySource.delete(source);
      pending -= 1;
      return timer;
    }
    return undefined;
  };

  scheduler.schedule = (source, target, event, delay, id = `anonymous.${anonymous++}`) => {
    // One with the same id goes on running, as XState's does, and can no longer be cancelled.
    forget(source, id);
    const timer: ChartTimer = { id, handle: undefined, next: bySource.get(source) };
    bySource.set(source, timer);
    pending += 1;
    timer.handle = clock.setTimeout(() => {
      forget(source, id, timer);
      relay(source, target, event);
    }, delay);
  };
  scheduler.cancel = (source, id) => {
    const timer = forget(source, id);
    if (timer) clock.clearTimeout(timer.handle);
  };
  scheduler.cancelAll = (source) => {
    if (bySource.size === 0) return;
    let timer = bySource.get(source);
    if (timer) bySource.delete(source);
    for (; timer; timer = timer.next) {
      pending -= 1;
      clock.clearTimeout(timer.handle);
    }
  };
  return () => pending;
}
