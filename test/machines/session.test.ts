/** The chart of a session, without a runtime. */
import { describe, expect, it } from 'vitest';
import { type SessionEvent, sessionExitReason, sessionMachine } from '../../machines/session.js';
import { lastStep, steps } from './chart.js';

const input = { attachMs: 30_000, graceMs: 60_000 };
const connected: SessionEvent = { type: 'client.connected' };
const lost: SessionEvent = { type: 'client.lost', reason: { shutdown: 'cancelled' } };

const WAYS_OUT: readonly (readonly [SessionEvent, unknown])[] = [
  [{ type: 'client.left', reason: { shutdown: 'bye' } }, { shutdown: 'bye' }],
  [{ type: 'session.superseded' }, { shutdown: 'superseded' }],
  [{ type: 'supervisor.stop', reason: { shutdown: 'drain' } }, { shutdown: 'drain' }],
];

describe('a new session', () => {
  it('waits for its client to be registered', () => {
    expect(lastStep(sessionMachine, input)).toMatchObject({
      state: 'alive.connecting',
      effects: [],
      timers: { attachTimeout: 30_000 },
    });
    expect(lastStep(sessionMachine, input, [connected])).toMatchObject({
      state: 'alive.connected',
      effects: [],
      timers: {},
      cancelled: ['attachTimeout'],
    });
  });

  it('is disposed when that takes too long, and at once when its client is lost before', () => {
    expect(lastStep(sessionMachine, input, ['after:attachTimeout']).output).toEqual({ shutdown: 'never_attached' });
    expect(lastStep(sessionMachine, input, [lost])).toMatchObject({
      state: 'disposed',
      effects: ['disposeSession'],
      output: { shutdown: 'cancelled' },
    });
  });
});

describe('a session whose client is lost', () => {
  it('waits for it, with everything suspended', () => {
    expect(lastStep(sessionMachine, input, [connected, lost])).toMatchObject({
      state: 'alive.grace',
      effects: ['suspendSession'],
      timers: { grace: 60_000 },
    });
  });

  it('goes on when it comes back, and waits as long again the next time', () => {
    const [, , , back, again] = steps(sessionMachine, input, [connected, lost, connected, lost]);
    expect(back).toMatchObject({ state: 'alive.connected', effects: ['resumeSession'], cancelled: ['grace'] });
    expect(again).toMatchObject({ state: 'alive.grace', timers: { grace: 60_000 } });
  });

  it('is disposed once at the end of the grace', () => {
    expect(lastStep(sessionMachine, input, [connected, lost, 'after:grace'])).toMatchObject({
      state: 'disposed',
      effects: ['disposeSession'],
      output: { shutdown: 'grace_expired' },
    });
  });
});

describe.each([
  ['connecting', []],
  ['connected', [connected]],
  ['in grace', [connected, lost]],
] as const)('a session that is %s', (_state, way) => {
  it.each(WAYS_OUT)('is disposed once by $type', (event, reason) => {
    const end = lastStep(sessionMachine, input, [...way, event]);
    expect(end).toMatchObject({ state: 'disposed', effects: ['disposeSession'], output: reason });
  });
});

describe('sessionExitReason', () => {
  it.each([...WAYS_OUT, [lost, { shutdown: 'cancelled' }], [connected, 'normal']] as const)(
    'of $type',
    (event, reason) => {
      expect(sessionExitReason(event)).toEqual(reason);
    },
  );
});
