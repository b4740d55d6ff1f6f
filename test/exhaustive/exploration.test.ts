/** Not only random: every order of events of a small gateway, to the fixpoint. */
import { describe, expect, it } from 'vitest';
import { clientManagerTransition } from '../../machines/client-manager.js';
import { explore } from './explore.js';
import type { Reducer } from './runtime.js';

describe('the client manager and the sessions of three connections, two node ids and one crash', () => {
  it.each([1, 2])(
    'keep their invariants in every reachable state, with room for %i',
    (clientsMax) => {
      const { states, transitions, restingStates, broken } = explore(clientsMax);
      console.log(
        `room for ${clientsMax}: ${states} states, ${restingStates} of them at rest, ${transitions} transitions`,
      );
      expect(broken).toBeUndefined();
      expect(restingStates).toBeGreaterThan(1_000);
    },
    120_000,
  );
});

describe('a reducer without one rule', () => {
  const bent: Readonly<Record<string, Reducer>> = {
    'the place of a lost client is held': (state, event) =>
      clientManagerTransition(state, event.type === 'client.disconnected' ? { ...event, left: true } : event),
    'a stream that ended is struck off': (state, event) => {
      const stream = event.type === 'process.down' && state.streams.has(event.ref);
      return stream ? { refused: undefined, effects: [] } : clientManagerTransition(state, event);
    },
    'the place of a session that has ended is given back': (state, event) =>
      event.type === 'place.released' ? { refused: undefined, effects: [] } : clientManagerTransition(state, event),
  };

  it.each(Object.entries(bent))('is found out: %s', (_rule, reduce) => {
    expect(explore(2, reduce).broken?.path.length).toBeGreaterThan(1);
  });
});
