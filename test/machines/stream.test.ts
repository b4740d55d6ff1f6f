/** The chart of a stream, without a runtime. */
import { describe, expect, it } from 'vitest';
import { type StreamEvent, type StreamExit, streamExitReason, streamMachine } from '../../machines/stream.js';
import { lastStep, steps } from './chart.js';

const input = { sendTimeoutMs: 2_000, stallMs: 30_000, teardownMs: 500 };
const error = new Error('connection reset');

const WAYS_OUT: readonly (readonly [StreamExit, unknown])[] = [
  [{ type: 'stream.ended' }, { shutdown: 'ended' }],
  [{ type: 'stream.failed', error }, error],
  [{ type: 'peer.cancelled' }, { shutdown: 'cancelled' }],
  [{ type: 'deadline.exceeded' }, { shutdown: 'deadline_exceeded' }],
  [{ type: 'iterator.broken' }, { shutdown: 'cancelled' }],
  [{ type: 'send.failed', error }, error],
  [{ type: 'silence.detected' }, { shutdown: 'inactivity' }],
  [{ type: 'owner.lost', reason: { shutdown: 'source_failed' } }, { shutdown: 'source_failed' }],
  [{ type: 'supervisor.stop', reason: 'shutdown' }, 'shutdown'],
];

const opened: StreamEvent = { type: 'stream.opened' };
const filled: StreamEvent = { type: 'queue.filled' };
const drained: StreamEvent = { type: 'queue.drained' };
const written: StreamEvent = { type: 'write.completed' };

const ALIVE: readonly (readonly [string, readonly (StreamEvent | `after:${string}`)[]])[] = [
  ['alive.opening', []],
  ['alive.open.flowing', [opened]],
  ['alive.open.paused', [opened, filled]],
  ['alive.open.stalled', [opened, filled, 'after:sendTimeout']],
  ['alive.halfClosed', [opened, { type: 'peer.halfClosed' }]],
];

describe('a stream', () => {
  it('begins with nothing done and nothing awaited', () => {
    expect(steps(streamMachine, input)).toMatchObject([{ state: 'alive.opening', effects: [], timers: {} }]);
  });

  it('flows when it is opened', () => {
    expect(lastStep(streamMachine, input, [opened])).toMatchObject({ state: 'alive.open.flowing', timers: {} });
  });
});

describe('a stream whose queue is full', () => {
  it('is paused, and stalled when no write completes for the send timeout', () => {
    const [, , paused, stalled] = steps(streamMachine, input, [opened, filled, 'after:sendTimeout']);
    expect(paused).toMatchObject({ state: 'alive.open.paused', timers: { sendTimeout: 2_000 }, effects: [] });
    expect(stalled).toMatchObject({ state: 'alive.open.stalled', timers: { stallTimeout: 30_000 }, effects: [] });
  });

  it('waits anew after each completed write', () => {
    const again = lastStep(streamMachine, input, [opened, filled, written]);
    expect(again).toMatchObject({
      state: 'alive.open.paused',
      cancelled: ['sendTimeout'],
      timers: { sendTimeout: 2_000 },
    });
  });

  it('flows again when the queue has drained, stalled or not', () => {
    const state = 'alive.open.flowing';
    expect(lastStep(streamMachine, input, [opened, filled, drained])).toMatchObject({ state, timers: {} });
    const late = lastStep(streamMachine, input, [opened, filled, 'after:sendTimeout', drained]);
    expect(late).toMatchObject({ state, cancelled: ['stallTimeout'], timers: {} });
  });

  it('is merely paused again when a stalled write completes', () => {
    const moving = lastStep(streamMachine, input, [opened, filled, 'after:sendTimeout', written]);
    expect(moving).toMatchObject({ state: 'alive.open.paused', timers: { sendTimeout: 2_000 } });
  });

  it('ends with slow_consumer when it stays stalled', () => {
    const end = lastStep(streamMachine, input, [opened, filled, 'after:sendTimeout', 'after:stallTimeout']);
    expect(end).toMatchObject({ state: 'closing', effects: ['tearDown'] });
    expect(end.context.reason).toEqual({ shutdown: 'slow_consumer' });
  });
});

describe('a stream whose peer has said its last', () => {
  const halfClosed = [opened, { type: 'peer.halfClosed' }] as const;

  it('sends what is queued', () => {
    const step = lastStep(streamMachine, input, halfClosed);
    expect(step).toMatchObject({ state: 'alive.halfClosed', effects: ['drainQueue'], timers: { sendTimeout: 2_000 } });
  });

  it('ends with ended when all is sent, with slow_consumer when that takes too long', () => {
    expect(lastStep(streamMachine, input, [...halfClosed, { type: 'stream.ended' }]).context.reason).toEqual({
      shutdown: 'ended',
    });
    expect(lastStep(streamMachine, input, [...halfClosed, 'after:sendTimeout']).context.reason).toEqual({
      shutdown: 'slow_consumer',
    });
  });
});

describe.each(ALIVE)('a stream that is %s', (state, way) => {
  it('is where this test thinks it is', () => {
    expect(lastStep(streamMachine, input, way).state).toBe(state);
  });

  it.each(WAYS_OUT)('is torn down once by $type', (event, reason) => {
    const [closing, closed] = steps(streamMachine, input, [...way, event, { type: 'teardown.completed' }]).slice(-2);
    expect(closing).toMatchObject({ state: 'closing', effects: ['tearDown'], timers: { teardownTimeout: 500 } });
    expect(closed).toMatchObject({ state: 'closed', effects: [], output: reason });
  });
});

describe('a stream that is closing', () => {
  const closing = [opened, { type: 'peer.cancelled' }] as const;

  it.each(WAYS_OUT)('keeps its first reason when $type comes too', (event) => {
    const step = lastStep(streamMachine, input, [...closing, event]);
    expect(step).toMatchObject({ state: 'closing', effects: [], context: { reason: { shutdown: 'cancelled' } } });
  });

  it('is closed without its teardown when that takes too long', () => {
    const step = lastStep(streamMachine, input, [...closing, 'after:teardownTimeout']);
    expect(step).toMatchObject({ state: 'closed', output: { shutdown: 'cancelled' } });
  });
});

describe('streamExitReason', () => {
  it.each(WAYS_OUT)('of $type', (event, reason) => {
    expect(streamExitReason(event)).toEqual(reason);
  });
});
