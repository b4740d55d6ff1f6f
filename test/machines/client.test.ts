/** The chart of a client, without a runtime. */
import { describe, expect, it } from 'vitest';
import { type ClientEvent, clientExitReason, clientMachine } from '../../machines/client.js';
import { lastStep, steps } from './chart.js';

const connecting = { implicit: false, inactivityMs: 30_000, heartbeatMs: 5_000 };
const calling = { ...connecting, implicit: true };
const registered: ClientEvent = { type: 'client.registered' };
const CONNECTED = 'alive.connected(hearing.recently speaking.between)';

const WAYS_OUT: readonly (readonly [ClientEvent, unknown])[] = [
  [{ type: 'client.bye' }, { shutdown: 'bye' }],
  [{ type: 'client.superseded' }, { shutdown: 'superseded' }],
  [{ type: 'stream.closed', reason: { shutdown: 'cancelled' } }, { shutdown: 'cancelled' }],
  [{ type: 'supervisor.stop', reason: { shutdown: 'drain' } }, { shutdown: 'drain' }],
];

describe('a client that said hello', () => {
  it('registers first; it is not welcomed before', () => {
    expect(lastStep(clientMachine, connecting)).toMatchObject({
      state: 'alive.registering',
      effects: ['registerClient'],
      timers: {},
    });
  });

  it('is welcomed, heard and spoken to when it is registered', () => {
    expect(lastStep(clientMachine, connecting, [registered])).toMatchObject({
      state: CONNECTED,
      effects: ['welcomeClient'],
      timers: { inactivityTimeout: 30_000, heartbeatInterval: 5_000 },
    });
  });

  it('is gone without a word when there is no room', () => {
    const reason = { shutdown: 'max_clients_reached' } as const;
    const end = lastStep(clientMachine, connecting, [{ type: 'client.refused', reason }]);
    expect(end).toMatchObject({ state: 'gone', effects: [], output: reason });
  });
});

describe('a connected client', () => {
  it('gets a heartbeat at each interval, whatever it does', () => {
    const [, , first, , second] = steps(clientMachine, connecting, [
      registered,
      'after:heartbeatInterval',
      { type: 'message.received' },
      'after:heartbeatInterval',
    ]);
    const beat = {
      state: CONNECTED,
      effects: ['sendHeartbeat'],
      timers: { heartbeatInterval: 5_000 },
      cancelled: ['heartbeatInterval'],
    };
    expect(first).toMatchObject(beat);
    expect(second).toMatchObject(beat);
  });

  it('is waited for anew with each message', () => {
    const heard = lastStep(clientMachine, connecting, [registered, { type: 'message.received' }]);
    expect(heard).toMatchObject({ state: CONNECTED, effects: [], timers: { inactivityTimeout: 30_000 } });
    expect(heard.cancelled).toEqual(['inactivityTimeout']);
  });

  it('is told bye and gone when it is silent for too long', () => {
    const end = lastStep(clientMachine, connecting, [registered, 'after:inactivityTimeout']);
    expect(end).toMatchObject({ state: 'gone', effects: ['sayBye'], output: { shutdown: 'inactivity' } });
  });

  it('stays when somebody says that it is unused', () => {
    expect(lastStep(clientMachine, connecting, [registered, { type: 'client.unused' }]).state).toBe(CONNECTED);
  });
});

describe('a client known by its calls alone', () => {
  it('is attached: nobody expects a heartbeat of it', () => {
    const step = lastStep(clientMachine, calling, [registered]);
    expect(step).toMatchObject({ state: 'alive.attached', effects: ['welcomeClient'], timers: {} });
  });

  it('ends with its last call', () => {
    const end = lastStep(clientMachine, calling, [registered, { type: 'client.unused' }]);
    expect(end).toMatchObject({ state: 'gone', effects: ['sayBye'], output: 'normal' });
  });

  it('is connected by a hello', () => {
    const step = lastStep(clientMachine, calling, [registered, { type: 'client.upgraded' }]);
    expect(step).toMatchObject({ state: CONNECTED, effects: ['welcomeClient'] });
    expect(step.timers).toEqual({ inactivityTimeout: 30_000, heartbeatInterval: 5_000 });
  });
});

describe.each([
  ['registering', connecting, []],
  ['attached', calling, [registered]],
  ['connected', connecting, [registered]],
] as const)('a client that is %s', (_state, input, way) => {
  it.each(WAYS_OUT)('says bye once and is gone by $type', (event, reason) => {
    const end = lastStep(clientMachine, input, [...way, event]);
    expect(end).toMatchObject({ state: 'gone', effects: ['sayBye'], output: reason });
  });
});

describe('clientExitReason', () => {
  it.each([
    ...WAYS_OUT,
    [{ type: 'client.unused' }, 'normal'],
    [{ type: 'client.refused', reason: { shutdown: 'max_clients_reached' } }, { shutdown: 'max_clients_reached' }],
    [registered, 'normal'],
    [{ type: 'client.upgraded' }, 'normal'],
    [{ type: 'message.received' }, 'normal'],
  ] as readonly (readonly [ClientEvent, unknown])[])('of $type', (event, reason) => {
    expect(clientExitReason(event)).toEqual(reason);
  });
});
