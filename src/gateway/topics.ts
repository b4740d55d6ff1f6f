/**
 * Topics: publications by name to whoever subscribed, by exact name or by pattern. The desk holds who subscribed to what;
 * it monitors each subscriber once, from its first subscription to its last. What is published is handed to the subscriber,
 * who has a bounded queue of its own: nobody waits for a slow one.
 *
 * A subscriber gets a publication once, however many of its patterns fit.
 */
import type { AnyActorRef } from 'xstate';
import type { Process } from '../otp/process.js';
import { askDesk, type Desk, type DeskContext, deskLogic, deskOf } from './desk.js';
import { TopicTrie } from './topic-trie.js';
import type { TopicView } from './views.js';

/** A publication, in the shape in which a client is told of it. One object for all who get it. */
export interface TopicEvent {
  readonly type: 'event';
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** Somebody who subscribes: an actor whose end takes its subscriptions along. */
export interface Subscriber {
  readonly ref: AnyActorRef;
  /** Takes a publication or drops and counts it; never waits, never throws. */
  deliver(event: TopicEvent): void;
}

/** A subscription that stands: what a fresh desk is told. */
export interface Subscription {
  readonly subscriber: Subscriber;
  readonly pattern: string;
}

export interface TopicsInput {
  /** Every subscription of everybody alive. */
  readonly adopt: () => Iterable<Subscription>;
}

class TopicDesk implements Desk {
  readonly trie = new TopicTrie<Subscriber>();
  readonly #context: DeskContext;
  readonly #bySubscriber = new Map<AnyActorRef, { readonly subscriber: Subscriber; readonly patterns: Set<string> }>();
  #subscriptions = 0;

  constructor({ adopt }: TopicsInput, context: DeskContext) {
    this.#context = context;
    for (const { subscriber, pattern } of adopt()) this.subscribe(subscriber, pattern);
  }

  get subscribers(): number {
    return this.#bySubscriber.size;
  }

  get subscriptions(): number {
    return this.#subscriptions;
  }

  subscribe(subscriber: Subscriber, pattern: string): void {
    let known = this.#bySubscriber.get(subscriber.ref);
    if (!known) {
      known = { subscriber, patterns: new Set() };
      this.#bySubscriber.set(subscriber.ref, known);
      this.#context.watch(subscriber.ref);
    }
    if (known.patterns.has(pattern)) return;
    known.patterns.add(pattern);
    this.#subscriptions += 1;
    this.trie.add(pattern, known.subscriber);
  }

  unsubscribe(ref: AnyActorRef, pattern: string): void {
    const known = this.#bySubscriber.get(ref);
    if (!known?.patterns.delete(pattern)) return;
    this.#subscriptions -= 1;
    this.trie.remove(pattern, known.subscriber);
    if (known.patterns.size > 0) return;
    this.#bySubscriber.delete(ref);
    this.#context.unwatch(ref);
  }

  down(ref: AnyActorRef): void {
    const known = this.#bySubscriber.get(ref);
    if (!known) return;
    this.#bySubscriber.delete(ref);
    this.#subscriptions -= known.patterns.size;
    for (const pattern of known.patterns) this.trie.remove(pattern, known.subscriber);
  }

  topicsOf(ref: AnyActorRef): readonly string[] {
    return [...(this.#bySubscriber.get(ref)?.patterns ?? [])];
  }
}

export const topicsLogic = deskLogic<TopicsInput>('topics', (input, context) => new TopicDesk(input, context));

/** Stands for whichever topic desk is alive now. Patterns and topics have been checked by whoever calls. */
export class Topics {
  readonly #current: () => Process | undefined;
  readonly #forward: ((topic: string, payload: Uint8Array) => void) | undefined;
  #published = 0;

  /** @param forward hears of each publication of this gateway's, to take it to others. */
  constructor(current: () => Process | undefined, forward?: (topic: string, payload: Uint8Array) => void) {
    this.#current = current;
    this.#forward = forward;
  }

  /** Subscribing twice is subscribing once. */
  subscribe(subscriber: Subscriber, pattern: string): void {
    askDesk<TopicDesk, void>(this.#current(), (desk) => desk.subscribe(subscriber, pattern));
  }

  /** Idempotent; an unknown subscriber is not an error. */
  unsubscribe(ref: AnyActorRef, pattern: string): void {
    askDesk<TopicDesk, void>(this.#current(), (desk) => desk.unsubscribe(ref, pattern));
  }

  /** Hands a publication to everybody whose pattern fits, here and elsewhere. @returns how many that were here. */
  publish(topic: string, payload: Uint8Array): number {
    this.#published += 1;
    this.#forward?.(topic, payload);
    return this.deliver(topic, payload);
  }

  /** Hands it to everybody here whose pattern fits. @returns how many that were. */
  deliver(topic: string, payload: Uint8Array): number {
    const subscribers = askDesk<TopicDesk, ReadonlySet<Subscriber>>(this.#current(), (desk) => desk.trie.match(topic));
    if (!subscribers || subscribers.size === 0) return 0;
    const event: TopicEvent = { type: 'event', topic, payload };
    let delivered = 0;
    for (const subscriber of subscribers) {
      subscriber.deliver(event);
      delivered += 1;
    }
    return delivered;
  }

  /** The patterns of a subscriber; none for a stranger. */
  topicsOf(ref: AnyActorRef): readonly string[] {
    return this.#desk?.topicsOf(ref) ?? [];
  }

  get counts(): {
    readonly subscribers: number;
    readonly subscriptions: number;
    readonly nodes: number;
    readonly published: number;
  } {
    const desk = this.#desk;
    const { subscribers = 0, subscriptions = 0 } = desk ?? {};
    return { subscribers, subscriptions, nodes: desk?.trie.nodes ?? 1, published: this.#published };
  }

  views(): readonly TopicView[] {
    return [...(this.#desk?.trie.patterns() ?? [])].map(({ pattern, subscribers }) => ({
      id: pattern,
      state: 'subscribed',
      subscribers,
    }));
  }

  get #desk(): TopicDesk | undefined {
    return deskOf<TopicDesk>(this.#current());
  }
}
