/**
 * The walk: each state that a chart can reach is reached by a real actor, and from there each event of the chart is made to
 * happen, to a fresh actor each time. After every step the actor's state must be the model's.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { eventTypesOf, type ModelEvent, type ModelOptions, type ModelStep, modelOf, nameOf } from './model.js';
import type { Subject } from './subject.js';

export interface WalkOptions extends ModelOptions {
  readonly machine: AnyStateMachine;
  /** How much the chart can do: its reachable states, and the (state, event) pairs that change something. */
  readonly size: { readonly states: number; readonly moves: number };
  /** A fresh actor that is about to go this way. */
  readonly begin: (way: readonly ModelEvent[]) => Subject;
  /** Events that matter and that the walk has to send itself in some state or other, each with the reason. */
  readonly injected: Readonly<Record<string, string>>;
}

export function walkEveryPath(subject: string, { machine, size, begin, injected, ...options }: WalkOptions): void {
  const model = modelOf(machine, options);
  const pairs = model.reduce((sum, { next }) => sum + next.length, 0);
  const moves = model.reduce((sum, { next }) => sum + next.filter(({ ignored }) => !ignored).length, 0);
  let covered = 0;
  const sent = new Set<string>();

  const walk = async (steps: readonly ModelStep[]): Promise<void> => {
    const actor = begin(steps.map(({ event }) => event));
    try {
      for (const step of steps) {
        // Nothing is awaited that does not have to be: waiting delivers messages.
        const pending = actor.cause(step.event);
        if (pending) await pending;
        checkStep(actor, step);
        if (actor.injected && !step.ignored) sent.add(step.event.type);
      }
    } finally {
      await actor.end();
    }
  };

  describe(`${subject}, along every path of its chart,`, () => {
    it('is offered every event that the chart names', () => {
      expect([...new Set(options.events.map(({ type }) => type))].sort()).toEqual(eventTypesOf(machine));
    });

    it('can do as much as is written here: an arrow that is lost, or new, is noticed', () => {
      expect({ states: model.length, moves }).toEqual(size);
    });

    it.each(model.map((state) => [state.title, state] as const))('reaches %s', async (_title, { way, next }) => {
      if (way.length === 0) await walk([]);
      for (const step of next) {
        await walk([...way, step]).catch((error: Error) => {
          error.message = `after ${[...way, step].map(({ event }) => nameOf(event)).join(' → ')}: ${error.message}`;
          throw error;
        });
        covered += 1;
      }
    });

    it('is offered every event in every state, and hears it from the runtime wherever that can be', () => {
      expect(`covered ${covered} of ${pairs} (state, event) pairs`).toBe(
        `covered ${pairs} of ${pairs} (state, event) pairs`,
      );
      expect([...sent].sort()).toEqual(Object.keys(injected).sort());
    });

    afterAll(() => {
      console.log(`${machine.id}: ${model.length} states, covered ${covered} of ${pairs} (state, event) pairs`);
    });
  });
}

function checkStep(actor: Subject, { event, state }: ModelStep): void {
  if (!(actor.injected && !actor.running)) expect(actor.received, 'what the actor received').toContain(event.type);
  expect(actor.snapshot.value).toEqual(state.value);
  actor.check(state);
}
