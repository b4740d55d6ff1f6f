/** The chart of a user in a room, without a runtime. */
import { describe, expect, it } from 'vitest';
import { type ParticipantEvent, participantExitReason, participantMachine } from '../../machines/participant.js';
import { lastStep } from './chart.js';

const input = { attachMs: 30_000 };
const attached: ParticipantEvent = { type: 'stream.attached' };
const closed: ParticipantEvent = { type: 'stream.closed', reason: { shutdown: 'inactivity' } };

const WAYS_OUT: readonly (readonly [ParticipantEvent, unknown])[] = [
  [{ type: 'user.left' }, { shutdown: 'bye' }],
  [{ type: 'user.superseded' }, { shutdown: 'superseded' }],
  [{ type: 'room.lost', reason: { shutdown: 'room_lost' } }, { shutdown: 'room_lost' }],
  [{ type: 'supervisor.stop', reason: { shutdown: 'drain' } }, { shutdown: 'drain' }],
];

describe('a user who has joined', () => {
  it('S2-20 has a window to open its stream, and is gone when it has passed', () => {
    expect(lastStep(participantMachine, input)).toMatchObject({
      state: 'alive.attaching',
      timers: { attachTimeout: 30_000 },
    });
    expect(lastStep(participantMachine, input, ['after:attachTimeout'])).toMatchObject({
      state: 'gone',
      effects: ['leaveRoom'],
      output: { shutdown: 'never_attached' },
    });
  });

  it('is there as long as its stream, and for the reason of its end no more', () => {
    expect(lastStep(participantMachine, input, [attached])).toMatchObject({
      state: 'alive.attached',
      cancelled: ['attachTimeout'],
    });
    expect(lastStep(participantMachine, input, [attached, closed])).toMatchObject({
      state: 'gone',
      effects: ['leaveRoom'],
      output: { shutdown: 'inactivity' },
    });
  });

  it('is not ended by the end of a stream that it does not have', () => {
    expect(lastStep(participantMachine, input, [closed]).state).toBe('alive.attaching');
  });
});

describe.each([
  ['attaching', []],
  ['attached', [attached]],
] as const)('a user who is %s', (_state, way) => {
  it.each(WAYS_OUT)('leaves the room once by $type', (event, reason) => {
    expect(lastStep(participantMachine, input, [...way, event])).toMatchObject({
      state: 'gone',
      effects: ['leaveRoom'],
      output: reason,
    });
  });
});

describe('participantExitReason', () => {
  it.each([...WAYS_OUT, [closed, { shutdown: 'inactivity' }], [attached, 'normal']] as const)(
    'of $type',
    (event, reason) => {
      expect(participantExitReason(event)).toEqual(reason);
    },
  );
});
