/**
 * The actor that keeps an eye on its own process: how late the event loop is and who held it, what only grows, and what was
 * not collected. It tells the chronicle, and metrics ask it.
 */
import type { AnyActorRef } from 'xstate';
import type { Chronicle } from '../gateway/chronicle.js';
import type { Resources } from '../gateway/views.js';
import type { StartContext } from '../otp/child-spec.js';
import { fromProcess } from '../otp/from-process.js';
import type { System } from '../otp/system.js';
import { Collected } from './collected.js';
import { EventLoop, LOOK_MS } from './event-loop.js';
import { GROWTH_LOOK_MS, GrowthWatch } from './growth.js';

/** From here on the handling of one message is slow. */
export const SLOW_HANDLER_MS = 100;

export interface WatchParts {
  readonly system: System;
  readonly chronicle: Chronicle;
  readonly resources: () => Resources;
  readonly lag: (seconds: number) => void;
  /** What a look has cost. */
  readonly spent: (seconds: number) => void;
  /** Watches whether ended actors are collected. */
  readonly collection: boolean;
}

export class Watch {
  readonly #parts: WatchParts;
  readonly #collected: Collected | undefined;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#collected = parts.collection ? new Collected(() => parts.system.clock.now()) : undefined;
  }

  /** Ended actors that were not collected; absent where nobody watches for them. */
  get undisposed(): number | undefined {
    return this.#collected?.undisposed;
  }

  readonly start = ({ spawn }: StartContext): AnyActorRef => spawn(this.#logic);

  readonly #logic = fromProcess(
    ({ scope, process }) => {
      const { system, chronicle, lag, spent } = this.#parts;
      const loop = new EventLoop({
        clock: system.clock,
        lag,
        gap: ({ sinceMs, ms, actor, kind, event, untold }) =>
          chronicle.note({
            type: 'loop.gap',
            actor,
            kind,
            detail: {
              since: new Date(sinceMs).toISOString(),
              ms: Math.round(ms),
              ...(event === undefined ? {} : { event }),
              ...(untold > 0 ? { untold } : {}),
            },
          }),
      });
      const growth = new GrowthWatch();
      system.slowHandlerMs = SLOW_HANDLER_MS;
      const undo = system.on((event) => {
        loop.heard(event);
        if (event.type === 'process.down') this.#collected?.ended(event.process);
      });
      scope.acquire('listener', () => {
        system.slowHandlerMs = undefined;
        undo();
      });
      scope.interval(LOOK_MS, () => {
        const beforeMs = loop.cost.ms;
        loop.look();
        spent((loop.cost.ms - beforeMs) / 1_000);
      });
      scope.interval(GROWTH_LOOK_MS, () => {
        for (const found of growth.look(this.#figures())) {
          chronicle.note({ type: 'growth.suspected', actor: process.path, kind: 'watch', detail: { ...found } });
        }
      });
      return {};
    },
    { kind: 'watch' },
  );

  #figures(): Readonly<Record<string, number>> {
    const { memory, actors, sessions, monitors, timers, handles } = this.#parts.resources();
    return { heapUsed: memory.heapUsed, actors: actors.total, sessions, monitors, timers, handles };
  }
}
