/** The chart of a room, without a runtime. */
import { describe, expect, it } from 'vitest';
import { type RoomEvent, roomExitReason, roomMachine } from '../../machines/room.js';
import { lastStep, steps } from './chart.js';

const input = { openMs: 10_000, vacantMs: 30_000, closeMs: 5_000 };
const opened: RoomEvent = { type: 'backend.opened' };
const entered: RoomEvent = { type: 'room.entered' };
const vacated: RoomEvent = { type: 'room.vacated' };
const closed: RoomEvent = { type: 'backend.closed' };
const failed: RoomEvent = { type: 'backend.failed', error: new Error('gone') };

describe('a room', () => {
  it('is opened for the first who comes, and closed behind the last who leaves', () => {
    const [begun, open, full, empty, gone] = steps(roomMachine, input, [opened, entered, vacated, closed]);
    expect(begun).toMatchObject({ state: 'alive.opening', effects: ['openBackend'], timers: { openTimeout: 10_000 } });
    expect(open).toMatchObject({ state: 'alive.vacant', effects: ['welcomeUsers'], timers: { vacantTimeout: 30_000 } });
    expect(full).toMatchObject({ state: 'alive.occupied', cancelled: ['vacantTimeout'] });
    expect(empty).toMatchObject({ state: 'closing', effects: ['dismissUsers', 'closeBackend'] });
    expect(gone).toMatchObject({ state: 'closed', output: { shutdown: 'ended' } });
  });

  it.each([
    ['that does not open', ['after:openTimeout'], 'room_lost'],
    ['that fails to open', [failed], 'room_lost'],
    ['into which nobody comes', [opened, 'after:vacantTimeout'], 'never_attached'],
    ['whose backend is lost', [opened, entered, failed], 'room_lost'],
    ['that is told to go', [opened, { type: 'supervisor.stop', reason: { shutdown: 'drain' } }], 'drain'],
  ] as const)('%s dismisses its users and closes', (_what, way, detail) => {
    const end = steps(roomMachine, input, [...(way as readonly RoomEvent[]), closed]);
    expect(end.at(-2)).toMatchObject({ state: 'closing', effects: ['dismissUsers', 'closeBackend'] });
    expect(end.at(-1)).toMatchObject({ state: 'closed', output: { shutdown: detail } });
  });

  it('that cannot be closed is left behind', () => {
    expect(lastStep(roomMachine, input, [failed, 'after:closeTimeout'])).toMatchObject({ state: 'closed' });
  });
});

describe('roomExitReason', () => {
  it.each([
    [opened, 'normal'],
    [entered, 'normal'],
    [closed, 'normal'],
    [vacated, { shutdown: 'ended' }],
    [failed, { shutdown: 'room_lost' }],
    [{ type: 'supervisor.stop', reason: 'shutdown' }, 'shutdown'],
  ] as const)('of $type', (event, reason) => {
    expect(roomExitReason(event)).toEqual(reason);
  });
});
