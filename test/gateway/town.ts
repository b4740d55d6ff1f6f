/**
 * A small town for the desks: a supervised desk on virtual time, and people who can die. What is tested is the desk; the
 * people are plain actors, so that a test says who lives and who does not.
 */
import { onTestFinished } from 'vitest';
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { Place } from '../../src/gateway/place.js';
import {
  type Application,
  assertNoLeaks,
  dynamicSupervisor,
  exit,
  fromProcess,
  startApplication,
  startChild,
  supervisor,
  VirtualClock,
} from '../../src/otp/index.js';

const person = fromProcess<undefined>(() => ({}), { kind: 'person' });

export interface Town {
  readonly clock: VirtualClock;
  readonly app: Application;
  /** Everybody monitored now. */
  readonly monitors: number;
  desk(name: string): Place;
  born(name: string): Promise<AnyActorRef>;
  dies(ref: AnyActorRef): void;
  /** The desk crashes; its supervisor has started another one when this returns. */
  crash(name: string): void;
}

export interface DeskPlan {
  readonly logic: AnyActorLogic;
  readonly input: () => unknown;
}

/** Desks start in the order in which they are given, under `rest_for_one`, as in the gateway's core. */
export async function town(plans: (places: (name: string) => Place) => Record<string, DeskPlan>): Promise<Town> {
  const clock = new VirtualClock();
  const places = new Map<string, Place>();
  const desk = (name: string): Place => {
    const place = places.get(name) ?? new Place();
    places.set(name, place);
    return place;
  };
  const people = new Place();
  const children = Object.entries(plans(desk)).map(([id, { logic, input }]) => ({
    id,
    start: desk(id).starts(logic, input),
  }));
  const app = await startApplication(
    'town',
    {
      children: [
        { id: 'people', type: 'supervisor' as const, start: people.starts(dynamicSupervisor()) },
        {
          id: 'desks',
          type: 'supervisor' as const,
          start: {
            logic: supervisor({
              strategy: 'rest_for_one',
              intensity: 10,
              period: 60,
              children,
            }),
          },
        },
      ],
    },
    { clock },
  );
  onTestFinished(async () => {
    await app.stop();
    assertNoLeaks(app.system);
  });
  return {
    clock,
    app,
    get monitors() {
      return app.system.monitors;
    },
    desk,
    born: async (name) => {
      const answer = await startChild(people.ref as AnyActorRef, {
        id: name,
        restart: 'temporary',
        start: { logic: person },
      });
      if (answer.error) throw new Error(`${name} was not born`);
      return answer.ok as AnyActorRef;
    },
    dies: (ref) => {
      exit(ref, 'kill');
      app.system.flush();
    },
    crash: (name) => {
      exit(desk(name).ref as AnyActorRef, 'kill');
      app.system.flush();
    },
  };
}
