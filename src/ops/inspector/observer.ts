/**
 * What actors do, for those who watch. The words are those of XState's own inspection, so that a viewer made for them can
 * read it, with three differences that keep it cheap: what is not wanted is turned away before anything is serialised, a
 * chart is sent once to each viewer and then named by its number, and contexts are summaries. While nobody watches, only the
 * list of living actors is kept, so that who comes late sees the whole tree.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { parentOf } from '../../otp/xstate-internals.js';
import { summary } from './summary.js';

export type Accept = (actor: AnyActorRef, type: InspectionEvent['type']) => boolean;

/** Takes one line of JSON. */
export type Sink = (line: string) => void;

interface Viewer {
  readonly sink: Sink;
  /** Numbers of the charts that it has. */
  readonly knows: Set<number>;
}

interface Shown {
  readonly value?: unknown;
  readonly status: string;
  readonly context?: unknown;
}

export class ActorObserver {
  /** To be given to the application as `inspect`. */
  readonly inspect = (event: InspectionEvent): void => this.#inspect(event);

  readonly #accept: Accept;
  readonly #actors = new Map<string, AnyActorRef>();
  readonly #viewers = new Set<Viewer>();
  readonly #charts = new WeakMap<object, number>();
  #lastChart = 0;

  /** @param accept asked before anything else is done with an event. Default: everything. */
  constructor(accept: Accept = () => true) {
    this.#accept = accept;
  }

  /** Actors that live and are shown. */
  get size(): number {
    return this.#actors.size;
  }

  /** Tells `sink` which actors live, parents first, and from then on what they do. @returns the undo. */
  watch(sink: Sink): () => void {
    const viewer: Viewer = { sink, knows: new Set() };
    for (const actor of this.#actors.values()) {
      this.#introduce(viewer, actor);
      viewer.sink(snapshotLine(actor, actor.getSnapshot() as Shown));
    }
    this.#viewers.add(viewer);
    return () => this.#viewers.delete(viewer);
  }

  #inspect(event: InspectionEvent): void {
    const { type, actorRef } = event;
    // Others are steps inside an event; what comes of them is in the snapshot.
    if (type !== '@xstate.actor' && type !== '@xstate.event' && type !== '@xstate.snapshot') return;
    const actor = actorRef as AnyActorRef;
    if (!this.#accept(actor, type)) return;
    if (type === '@xstate.actor') this.#begins(actor);
    else if (this.#viewers.size === 0 || !this.#actors.has(actor.sessionId)) return;
    else if (type === '@xstate.snapshot') this.#tell(snapshotLine(actor, event.snapshot as Shown));
    else {
      const sourceId = (event.sourceRef as AnyActorRef | undefined)?.sessionId;
      this.#tell(JSON.stringify({ type, sessionId: actor.sessionId, sourceId, event: summary(event.event) }));
    }
  }

  #begins(actor: AnyActorRef): void {
    const { sessionId } = actor;
    this.#actors.set(sessionId, actor);
    for (const viewer of this.#viewers) this.#introduce(viewer, actor);
    const ends = (status: 'stopped' | 'error'): void => {
      // A chart that is done completes too, and its last snapshot has said so.
      if (!this.#actors.delete(sessionId) || this.#viewers.size === 0) return;
      this.#tell(JSON.stringify({ type: '@xstate.snapshot', sessionId, snapshot: { status } }));
    };
    actor.subscribe({ complete: () => ends('stopped'), error: () => ends('error') });
  }

  #introduce(viewer: Viewer, actor: AnyActorRef): void {
    const { logic } = actor as unknown as { readonly logic: { readonly config?: unknown } };
    const { config } = logic;
    const chart = typeof config === 'object' && config !== null ? this.#chartOf(config) : undefined;
    const definition = chart !== undefined && !viewer.knows.has(chart) ? config : undefined;
    if (chart !== undefined) viewer.knows.add(chart);
    const { id: name, sessionId } = actor;
    const parentId = parentOf(actor)?.sessionId;
    viewer.sink(
      JSON.stringify({ type: '@xstate.actor', sessionId, name, parentId, chart, definition }, withoutFunctions),
    );
  }

  #chartOf(config: object): number {
    const known = this.#charts.get(config);
    if (known !== undefined) return known;
    this.#lastChart += 1;
    this.#charts.set(config, this.#lastChart);
    return this.#lastChart;
  }

  #tell(line: string): void {
    for (const { sink } of this.#viewers) sink(line);
  }
}

function snapshotLine({ sessionId }: AnyActorRef, { value, status, context }: Shown): string {
  const snapshot = { value, status, context: summary(context) };
  return JSON.stringify({ type: '@xstate.snapshot', sessionId, snapshot });
}

/** Guards and actions written in a chart are code; a viewer draws their names. */
function withoutFunctions(_key: string, value: unknown): unknown {
  return typeof value === 'function' ? `[function ${value.name}]` : value;
}
