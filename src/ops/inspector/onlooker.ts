/** What one who watches actors is told. */
import type { AnyActorRef, EventObject } from 'xstate';

/** What of a snapshot is shown. */
export interface Shown {
  readonly value?: unknown;
  readonly status: string;
  readonly context?: unknown;
}

/** Somebody who watches. Each actor is introduced before anything is told of it. */
export interface Onlooker {
  introduce(actor: AnyActorRef): void;
  /** A message has reached it. */
  heard(actor: AnyActorRef, event: EventObject, source: AnyActorRef | undefined): void;
  /** It is in this state from now on. */
  became(actor: AnyActorRef, snapshot: Shown, event: EventObject | undefined): void;
}
