/**
 * What actors do as lines of JSON. The words are those of XState's own inspection, so that a viewer made for them can read
 * it, with two differences that keep it cheap: a chart is sent once to each viewer and then named by its number, and contexts
 * are summaries.
 */
import type { AnyActorRef, EventObject } from 'xstate';
import { parentOf } from '../../otp/xstate-internals.js';
import type { Onlooker, Shown } from './onlooker.js';
import { summary } from './summary.js';

/** Takes one line of JSON. */
export type Sink = (line: string) => void;

export class LineWriter implements Onlooker {
  readonly #sink: Sink;
  readonly #charts: ChartNumbers;
  /** Numbers of the charts that this viewer has. */
  readonly #known = new Set<number>();

  constructor(sink: Sink, charts: ChartNumbers) {
    this.#sink = sink;
    this.#charts = charts;
  }

  introduce(actor: AnyActorRef): void {
    const config = chartOf(actor);
    const chart = config && this.#charts.of(config);
    const definition = chart !== undefined && !this.#known.has(chart) ? definitionOf(config) : undefined;
    if (chart !== undefined) this.#known.add(chart);
    const { id: name, sessionId } = actor;
    const parentId = parentOf(actor)?.sessionId;
    const line = { type: '@xstate.actor', sessionId, name, parentId, chart, definition };
    this.#sink(JSON.stringify(line, withoutFunctions));
  }

  heard({ sessionId }: AnyActorRef, event: EventObject, source: AnyActorRef | undefined): void {
    const line = { type: '@xstate.event', sessionId, sourceId: source?.sessionId, event: summary(event) };
    this.#sink(JSON.stringify(line));
  }

  became({ sessionId }: AnyActorRef, { value, status, context }: Shown): void {
    const snapshot = { value, status, context: summary(context) };
    this.#sink(JSON.stringify({ type: '@xstate.snapshot', sessionId, snapshot }));
  }
}

/** Charts by number, the same for all viewers of an observer. */
export class ChartNumbers {
  readonly #numbers = new WeakMap<object, number>();
  #last = 0;

  of(chart: object): number {
    const known = this.#numbers.get(chart);
    if (known !== undefined) return known;
    this.#last += 1;
    this.#numbers.set(chart, this.#last);
    return this.#last;
  }
}

/** The chart of an actor, as it was written; `undefined` for one that has none. */
export function chartOf(actor: AnyActorRef): object | undefined {
  const { config } = (actor as unknown as { readonly logic: { readonly config?: unknown } }).logic;
  return typeof config === 'object' && config !== null ? config : undefined;
}

/** What of a chart is drawn. The context that it begins with is data and not part of it. */
export function definitionOf(config: object | undefined): object | undefined {
  return config && { ...config, context: undefined };
}

/** Guards and actions written in a chart are code; a viewer draws their names. */
function withoutFunctions(_key: string, value: unknown): unknown {
  return typeof value === 'function' ? `[function ${value.name}]` : value;
}
