/**
 * The actors under a supervisor. Each is XState's own actor in all that it does and answers. Only what XState's constructor
 * makes for every actor, two kilobytes of sets, maps and bound functions, is made here when somebody first needs it: most
 * children are never subscribed to and never emit, and with many short lives that was three quarters of the time.
 *
 * `test/otp/child-actor.test.ts` lets both live the same lives and compares all that can be seen of them. One thing is
 * missing: the warning of XState's development build when a chart's own action calls a built-in one.
 */
import { Actor, type AnyActorLogic, type AnyActorRef, type EventObject, type Observer } from 'xstate';
import {
  type SnapshotParts as ChildSnapshot,
  NOT_STARTED,
  PROCESS,
  parentOf,
  RUNNING,
  STOPPED,
  type SystemInternals,
  shareParts,
  stopActor,
} from './xstate-internals.js';

/** What a child is made of; the actor keeps it as its options. */
export interface ChildOptions {
  readonly id: string;
  readonly parent: AnyActorRef;
  /** As which logic the inspector shows it. */
  readonly src: AnyActorLogic;
  readonly input: unknown;
}

/** Makes a child actor, not started yet. */
export function createChild(logic: AnyActorLogic, options: ChildOptions): AnyActorRef {
  return new ChildActor(logic, options) as unknown as AnyActorRef;
}

/** What a child takes over from XState as it is. */
interface Inherited {
  _initState(persisted?: undefined): void;
  _process(event: EventObject): void;
  _stop(): unknown;
  update(snapshot: ChildSnapshot, event: EventObject): void;
  subscribe(...observer: readonly unknown[]): unknown;
  on(type: string, handler: (event: EventObject) => void): unknown;
}

/** XState's actor, of which nothing has been made yet. */
// biome-ignore lint/complexity/useArrowFunction: an arrow cannot be a constructor, and a class not share a prototype.
const Unmade = function () {} as unknown as new () => Inherited;
Unmade.prototype = Actor.prototype;

/** Nobody is told: what stands in for a set or a map until somebody is. Shared by all; nothing is ever put into it. */
class NoObservers extends Set<Observer<unknown>> {
  // XState clears what an actor ends with; a real set makes itself a new table for that.
  override clear(): void {}
}
class NoListeners extends Map<string, Set<(event: EventObject) => void>> {
  override clear(): void {}
}
const NO_OBSERVERS = new NoObservers();
const NO_LISTENERS = new NoListeners();
const NOTHING_DEFERRED: (() => void)[] = [];

class ChildActor extends Unmade {
  readonly logic: AnyActorLogic;
  readonly options: ChildOptions;
  readonly system: SystemInternals;
  readonly mailbox: ChildMailbox;
  readonly _actorScope: ChildScope;
  _snapshot: ChildSnapshot | undefined = undefined;
  _processingStatus = NOT_STARTED;
  observers: Set<Observer<unknown>> = NO_OBSERVERS;
  eventListeners: Map<string, Set<(event: EventObject) => void>> = NO_LISTENERS;
  _deferred = NOTHING_DEFERRED;
  _doneEvent: EventObject | undefined = undefined;
  [PROCESS]: unknown = undefined;
  #sessionId: string | undefined = undefined;

  constructor(logic: AnyActorLogic, options: ChildOptions) {
    super();
    this.logic = logic;
    this.options = options;
    this.system = options.parent.system as unknown as SystemInternals;
    this.mailbox = new ChildMailbox(this);
    this._actorScope = new ChildScope(this);
    this.system._sendInspectionEvent({ type: '@xstate.actor', actorRef: this });
    this._initState();
  }

  get ref(): this {
    return this;
  }

  get id(): string {
    return this.options.id;
  }

  get src(): AnyActorLogic {
    return this.options.src;
  }

  get _parent(): AnyActorRef {
    return this.options.parent;
  }

  get clock(): unknown {
    return this.system._clock;
  }

  get logger(): unknown {
    return this.system._logger;
  }

  get sessionId(): string {
    this.#sessionId ??= this.system._bookId();
    return this.#sessionId;
  }

  /** Bound, as XState's is, so that it may be taken off its actor; made each time, for few keep it. */
  get send(): (event: EventObject) => void {
    return (event) => this.system._relay(undefined, this as unknown as AnyActorRef, event);
  }

  /** What is empty, and what follows from the state alone, is shared by all actors; what was put off has been done. */
  override update(snapshot: ChildSnapshot, event: EventObject): void {
    shareParts(snapshot);
    super.update(snapshot, event);
    if (this._deferred.length === 0) this._deferred = NOTHING_DEFERRED;
  }

  override subscribe(...observer: readonly unknown[]): unknown {
    if (this.observers === NO_OBSERVERS && this._processingStatus !== STOPPED) this.observers = new Set();
    return super.subscribe(...observer);
  }

  override on(type: string, handler: (event: EventObject) => void): unknown {
    if (this.eventListeners === NO_LISTENERS) this.eventListeners = new Map();
    return super.on(type, handler);
  }

  _defer(fn: () => void): void {
    if (this._deferred === NOTHING_DEFERRED) this._deferred = [];
    this._deferred.push(fn);
  }

  /** As XState's, but without the new mailbox that the dead one would get: nothing is let in any more. */
  _stopProcedure(): this {
    if (this._processingStatus !== RUNNING) return this;
    const ref = this as unknown as AnyActorRef;
    this.system.scheduler.cancelAll(ref);
    this.mailbox.clear();
    this._processingStatus = STOPPED;
    this.system._unregister(ref);
    return this;
  }
}

/** XState's mailbox, in which a message that need not wait costs nothing. */
class ChildMailbox {
  readonly #actor: Inherited;
  #active = false;
  #busy = false;
  #waiting: EventObject[] | undefined = undefined;

  constructor(actor: Inherited) {
    this.#actor = actor;
  }

  start(): void {
    this.#active = true;
    if (this.#waiting && !this.#busy) this.#handle(undefined);
  }

  /** Before it was started, the first that came is taken to be in hand already. */
  clear(): void {
    if (this.#waiting) this.#waiting.length = this.#busy ? 0 : Math.min(1, this.#waiting.length);
  }

  enqueue(event: EventObject): void {
    if (this.#active && !this.#busy) this.#handle(event);
    else if (this.#waiting) this.#waiting.push(event);
    else this.#waiting = [event];
  }

  #handle(first: EventObject | undefined): void {
    this.#busy = true;
    for (let event = first ?? this.#waiting?.shift(); event; event = this.#waiting?.shift())
      this.#actor._process(event);
    this.#busy = false;
  }
}

interface Action {
  readonly type: string;
  readonly info: { readonly self: ChildActor };
  readonly params: unknown;
  readonly exec: ((info: unknown, params: unknown) => void) | undefined;
}

/** What a logic is handed to work with. Its functions are bound, as XState's are, and made when they are asked for. */
class ChildScope {
  readonly self: ChildActor;
  /** Of a chart that takes a step, which listens in on its actions. */
  actionExecutor: (action: Action) => void = perform;

  constructor(self: ChildActor) {
    this.self = self;
  }

  get id(): string {
    return this.self.id;
  }

  get sessionId(): string {
    return this.self.sessionId;
  }

  get logger(): unknown {
    return this.self.logger;
  }

  get system(): SystemInternals {
    return this.self.system;
  }

  get defer(): (fn: () => void) => void {
    return (fn) => this.self._defer(fn);
  }

  get stopChild(): (child: AnyActorRef) => void {
    return (child) => {
      if (parentOf(child) !== (this.self as unknown))
        throw new Error(`Cannot stop child actor ${child.id} of ${this.id} because it is not a child`);
      stopActor(child);
    };
  }

  get emit(): (event: EventObject) => void {
    return (event) => {
      const { eventListeners } = this.self;
      for (const handler of [...(eventListeners.get(event.type) ?? []), ...(eventListeners.get('*') ?? [])]) {
        try {
          handler(event);
        } catch (thrown) {
          // A listener's throw is reported to nobody in particular, and hurts neither the actor nor other listeners.
          setTimeout(() => {
            throw thrown;
          });
        }
      }
    };
  }
}

/** An action names its actor, so that one function serves all of them. */
function perform(action: Action): void {
  const { self } = action.info;
  if (self._processingStatus === RUNNING) execute(self, action);
  else self._defer(() => execute(self, action));
}

function execute(actor: ChildActor, { type, info, params, exec }: Action): void {
  actor.system._sendInspectionEvent({ type: '@xstate.action', actorRef: actor, action: { type, params } });
  exec?.(info, params);
}
