/**
 * What actors do, for those who watch. What is not wanted is turned away before anything is serialised, and while nobody
 * watches, only the list of living actors is kept, so that who comes late sees the whole tree. How it is written down is the
 * onlooker's: `lines.ts` writes our own lines, `stately.ts` the Stately inspector's.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { ChartNumbers, LineWriter, type Sink } from './lines.js';
import type { Onlooker, Shown } from './onlooker.js';

export type Accept = (actor: AnyActorRef, type: InspectionEvent['type']) => boolean;

export class ActorObserver {
  /** To be given to the application as `inspect`. */
  readonly inspect = (event: InspectionEvent): void => this.#inspect(event);

  readonly #accept: Accept;
  readonly #actors = new Map<string, AnyActorRef>();
  readonly #onlookers = new Set<Onlooker>();
  readonly #charts = new ChartNumbers();

  /** @param accept asked before anything else is done with an event. Default: everything. */
  constructor(accept: Accept = () => true) {
    this.#accept = accept;
  }

  /** Actors that live and are shown. */
  get size(): number {
    return this.#actors.size;
  }

  /** Tells `sink`, a line of JSON each, which actors live and from then on what they do. @returns the undo. */
  watch(sink: Sink): () => void {
    return this.attend(new LineWriter(sink, this.#charts));
  }

  /** Tells which actors live, parents first, and from then on what they do. @returns the undo. */
  attend(onlooker: Onlooker): () => void {
    for (const actor of this.#actors.values()) {
      onlooker.introduce(actor);
      onlooker.became(actor, actor.getSnapshot() as Shown, undefined);
    }
    this.#onlookers.add(onlooker);
    return () => this.#onlookers.delete(onlooker);
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
    this.#actors.set(sessionId, actor);
    for (const onlooker of this.#onlookers) onlooker.introduce(actor);
    const ends = (status: 'stopped' | 'error'): void => {
      // A chart that is done completes too, and its last snapshot has said so.
      if (!this.#actors.delete(sessionId)) return;
      for (const onlooker of this.#onlookers) onlooker.became(actor, { status }, undefined);
    };
    actor.subscribe({ complete: () => ends('stopped'), error: () => ends('error') });
  }
}
