/** The chart of a node among others, without a runtime. */
import { describe, expect, it } from 'vitest';
import { type NodeEvent, nodeMachine } from '../../machines/node.js';
import { lastStep, steps } from './chart.js';

const input = { joinRetryMs: 2_000, rejoinMs: 100, eraCheckMs: 5_000, leaveMs: 3_000 };
const granted: NodeEvent = { type: 'lease.granted' };
const lost: NodeEvent = { type: 'lease.lost', why: 'its deadline passed' };
const wentBack: NodeEvent = { type: 'engine.wentBack' };
const stop: NodeEvent = { type: 'supervisor.stop', reason: 'shutdown' };

describe('a node that joins', () => {
  it('asks for its lease, and again while none comes', () => {
    expect(steps(nodeMachine, input, ['after:joinRetry'])).toMatchObject([
      { state: 'alive.joining', effects: ['takeLease'], timers: { joinRetry: 2_000 } },
      { state: 'alive.joining', effects: ['takeLease'], timers: { joinRetry: 2_000 } },
    ]);
  });

  it('is up with its lease, and asks no more', () => {
    expect(lastStep(nodeMachine, input, [granted])).toMatchObject({
      state: 'alive.up',
      effects: ['openForClaims'],
      timers: {},
      cancelled: ['joinRetry'],
    });
  });
});

describe('a node that is up', () => {
  it('drops everything when its lease is lost, and joins again as somebody new', () => {
    expect(steps(nodeMachine, input, [granted, lost, 'after:rejoinPause'])).toMatchObject([
      {},
      {},
      {
        state: 'alive.fenced',
        effects: ['dropAll'],
        timers: { rejoinPause: 100 },
        context: { fencedBecause: 'its deadline passed' },
      },
      { state: 'alive.joining', effects: ['takeLease'] },
    ]);
  });

  it('is never up again without a new lease', () => {
    const [, , fenced, again] = steps(nodeMachine, input, [granted, lost, granted]);
    expect([fenced?.state, again?.state]).toEqual(['alive.fenced', 'alive.fenced']);
  });

  it('gives back what it owns when it is stopped, and waits for that so long and no longer', () => {
    expect(lastStep(nodeMachine, input, [granted, stop])).toMatchObject({
      state: 'leaving',
      effects: ['giveBack'],
      timers: { leaveTimeout: 3_000 },
    });
    expect(lastStep(nodeMachine, input, [granted, stop, { type: 'keys.released' }])).toMatchObject({
      state: 'left',
      output: 'shutdown',
    });
    expect(lastStep(nodeMachine, input, [granted, stop, 'after:leaveTimeout'])).toMatchObject({ state: 'left' });
  });
});

describe('an engine that has gone back in time', () => {
  it.each([
    ['joins', []],
    ['is up', [granted]],
    ['is fenced', [granted, lost]],
  ] as const)('halts a node that %s, with an alarm', (_name, before) => {
    expect(lastStep(nodeMachine, input, [...before, wentBack])).toMatchObject({
      state: 'alive.halted',
      effects: ['dropAll', 'raiseAlarm'],
    });
  });

  it('is asked for its era again and again, and nobody acts before there is a new one', () => {
    const halted = [granted, wentBack, 'after:eraCheck', 'after:eraCheck'] as const;
    expect(lastStep(nodeMachine, input, halted)).toMatchObject({
      state: 'alive.looking',
      effects: ['lookForEra'],
      timers: { eraCheck: 5_000 },
    });
    expect(lastStep(nodeMachine, input, [...halted, granted])).toMatchObject({ state: 'alive.looking' });
    expect(lastStep(nodeMachine, input, [...halted, { type: 'era.began' }])).toMatchObject({
      state: 'alive.joining',
      effects: ['takeLease'],
    });
  });

  it('lets a halted node be stopped', () => {
    expect(lastStep(nodeMachine, input, [granted, wentBack, stop])).toMatchObject({ state: 'leaving' });
  });
});
