/**
 * What actors do, for those who watch. What is not wanted is turned away before anything is serialised. How it is written
 * down is the onlooker's: `lines.ts` writes our own lines, `stately.ts` the Stately inspector's.
 *
 * XState tells an observer of every step, which halves the speed of a chart even where nobody reads it. An observer of a
 * `System` therefore listens from its first onlooker on and to its last, and finds out then who lives. Where XState is given
 * `inspect` instead, the list of living actors is kept from the start, and nothing else while nobody watches.
 */
import type { AnyActorRef, InspectionEvent, Subscription } from 'xstate';
import type { System } from '../../otp/system.js';
import { ChartNumbers, LineWriter, type Sink } from './lines.js';
import type { Onlooker, Shown } from './onlooker.js';

export type Accept = (actor: AnyActorRef, type: InspectionEvent['type']) => boolean;

export class ActorObserver {
  /** To be given to the application as `inspect`. */
  readonly inspect = (event: InspectionEvent): void => this.#inspect(event);

  readonly #accept: Accept;
  readonly #actors = new Map<string, Shows>();
  readonly #onlookers = new Set<Onlooker>();
  readonly #charts = new ChartNumbers();
  #system: System | undefined;
  #listening: Subscription | undefined;

  /** @param accept asked before anything else is done with an event. Default: everything. */
  constructor(accept: Accept = () => true) {
    this.#accept = accept;
  }

  /** Shows the actors of this system, and costs nothing while nobody watches. Instead of `inspect`. */
  observe(system: System): void {
    this.#system = system;
  }

  /** Actors that live and are shown; known while somebody watches, or with `inspect`. */
  get size(): number {
    return this.#actors.size;
  }

  /** Tells `sink`, a line of JSON each, which actors live and from then on what they do. @returns the undo. */
  watch(sink: Sink): () => void {
    return this.attend(new LineWriter(sink, this.#charts));
  }

  /** Tells which actors live, parents first, and from then on what they do. @returns the undo. */
  attend(onlooker: Onlooker): () => void {
    this.#listen();
    for (const { actor } of this.#actors.values()) {
      onlooker.introduce(actor);
      onlooker.became(actor, actor.getSnapshot() as Shown, undefined);
    }
    this.#onlookers.add(onlooker);
    return () => {
      this.#onlookers.delete(onlooker);
      if (this.#onlookers.size === 0) this.#rest();
    };
  }

  #listen(): void {
    const root = this.#system?.root;
    if (!this.#system || !root?.alive || this.#listening) return;
    this.#listening = root.ref.system.inspect({ next: this.inspect });
    // A parent is a process before its children are.
    for (const { ref } of this.#system.processes) this.#found(ref);
  }

  #rest(): void {
    if (!this.#listening) return;
    this.#listening.unsubscribe();
    this.#listening = undefined;
    for (const { end } of this.#actors.values()) end.unsubscribe();
    this.#actors.clear();
  }

  /** Somebody who lives already, and the actors that its chart has started. */
  #found(actor: AnyActorRef): void {
    if (this.#accept(actor, '@xstate.actor')) this.#begins(actor);
    const { children = {} } = actor.getSnapshot() as { readonly children?: Readonly<Record<string, AnyActorRef>> };
    for (const child of Object.values(children)) this.#found(child);
  }

  #inspect(event: InspectionEvent): void {
    const { type, actorRef } = event;
    // Others are steps inside an event; what comes of them is in the snapshot.
    if (type !== '@xstate.actor' && type !== '@xstate.event' && type !== '@xstate.snapshot') return;
    const actor = actorRef as AnyActorRef;
    if (!this.#accept(actor, type)) return;
    if (type === '@xstate.actor') this.#begins(actor);
    else if (this.#onlookers.size === 0 || !this.#actors.has(actor.sessionId)) return;
    else if (type === '@xstate.snapshot') {
      for (const onlooker of this.#onlookers) onlooker.became(actor, event.snapshot as Shown, event.event);
    } else {
      const source = event.sourceRef as AnyActorRef | undefined;
      for (const onlooker of this.#onlookers) onlooker.heard(actor, event.event, source);
    }
  }

  #begins(actor: AnyActorRef): void {
    const { sessionId } = actor;
    for (const onlooker of this.#onlookers) onlooker.introduce(actor);
    const ends = (status: 'stopped' | 'error'): void => {
      // A chart that is done completes too, and its last snapshot has said so.
      if (!this.#actors.delete(sessionId)) return;
      for (const onlooker of this.#onlookers) onlooker.became(actor, { status }, undefined);
    };
    const end = actor.subscribe({ complete: () => ends('stopped'), error: () => ends('error') });
    this.#actors.set(sessionId, { actor, end });
  }
}

interface Shows {
  readonly actor: AnyActorRef;
  /** That it is told of its end. */
  readonly end: Subscription;
}
