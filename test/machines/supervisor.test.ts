/** The chart of a supervisor's own life, without a runtime. */
import { describe, expect, it } from 'vitest';
import { type SupervisorEvent, supervisorMachine } from '../../machines/supervisor.js';
import { lastStep } from './chart.js';

const started: SupervisorEvent = { type: 'children.started' };
const broken: SupervisorEvent = { type: 'restart.begun' };
const stop: SupervisorEvent = { type: 'stop.begun' };
const end = (events: readonly SupervisorEvent[]) => lastStep(supervisorMachine, undefined as never, events);

describe('a supervisor', () => {
  it('is starting until its children are', () => {
    expect(end([]).state).toBe('starting');
    expect(end([broken]).state).toBe('starting');
    expect(end([started]).state).toBe('running');
  });

  it('is restarting while a child is not back', () => {
    expect(end([started, broken]).state).toBe('restarting');
    expect(end([started, broken, { type: 'restart.completed' }]).state).toBe('running');
  });

  it.each([
    ['starting', []],
    ['running', [started]],
    ['restarting', [started, broken]],
  ] as const)('stops from %s, and has stopped only when its children have', (_state, way) => {
    expect(end([...way, stop]).state).toBe('stopping');
    const stopped = end([...way, stop, { type: 'children.stopped', reason: { shutdown: 'drain' } }]);
    expect(stopped).toMatchObject({ state: 'stopped', output: { shutdown: 'drain' } });
  });

  it('starts nothing any more while it stops', () => {
    for (const event of [started, broken, { type: 'restart.completed' }, stop] as const) {
      expect(end([started, stop, event]).state).toBe('stopping');
    }
  });

  it('sets no timer and has no effect of its own: its table does the work', () => {
    expect(end([started, broken, stop])).toMatchObject({ effects: [], timers: {} });
  });
});
