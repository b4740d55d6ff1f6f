/** The chart of an app, without a runtime. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AppEvent, appMachine, resurrectionDelayMs, resurrectionsMax } from '../../machines/app.js';
import { lastStep, steps } from './chart.js';

const resurrection = { attempts: 2, slowMs: 1_000, slowLaneMs: 30_000 };
const input = { graceMs: 5_000, connectMs: 10_000, stopMs: 3_000, resurrection };

type Way = readonly (AppEvent | `after:${string}`)[];
const away: AppEvent = { type: 'owner.lost' };
const back: AppEvent = { type: 'owner.returned' };
const connected: AppEvent = { type: 'app.connected' };
const dropped: AppEvent = { type: 'app.disconnected' };
const startFailed: AppEvent = { type: 'app.startFailed' };
const stopped: AppEvent = { type: 'app.stopped' };
const stop: AppEvent = { type: 'supervisor.stop', reason: 'shutdown' };

const end = (way: Way) => lastStep(appMachine, input, way);
const walk = (way: Way) => steps(appMachine, input, way);
const here = (app: string) => `alive(owner.here app.${app})`;
const gone = (app: string) => `alive(owner.away app.${app})`;

describe('an app whose owner is there', () => {
  it('is started, and has its time to connect', () => {
    expect(end([])).toMatchObject({
      state: here('starting'),
      effects: ['startApp'],
      timers: { connectTimeout: 10_000 },
    });
    expect(end([connected])).toMatchObject({ state: here('running'), cancelled: ['connectTimeout'] });
  });

  it('may come back by itself within its grace, and is not started anew then', () => {
    expect(end([connected, dropped])).toMatchObject({ state: here('grace'), effects: [], timers: { appGrace: 5_000 } });
    expect(end([connected, dropped, connected])).toMatchObject({ state: here('running'), effects: [] });
  });

  it('is stopped and then started once more when it does not', () => {
    const [stopping, pausing, starting] = walk([
      connected,
      dropped,
      'after:appGrace',
      stopped,
      'after:resurrectionDelay',
    ]).slice(-3);
    expect(stopping).toMatchObject({
      state: here('resurrecting'),
      effects: ['stopForRestart'],
      timers: { stopTimeout: 3_000 },
    });
    expect(pausing).toMatchObject({ state: here('pausing'), effects: [], timers: { resurrectionDelay: 0 } });
    expect(starting).toMatchObject({ state: here('starting'), effects: ['startApp'] });
  });

  it('is started at once a few times, then ever more slowly, up to the ceiling', () => {
    const tries = walk(Array.from({ length: 10 }, (): Way => [startFailed, 'after:resurrectionDelay']).flat());
    const pauses = tries.map(({ timers }) => timers['resurrectionDelay']).filter((ms) => ms !== undefined);
    expect(pauses).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('is aborted when it does not connect in time', () => {
    expect(end(['after:connectTimeout'])).toMatchObject({ state: here('pausing'), effects: ['abortStart'] });
  });

  it('has its failures forgotten when it has run for long enough', () => {
    expect(end([startFailed, 'after:resurrectionDelay', connected]).context.failures).toBe(1);
    expect(end([startFailed, 'after:resurrectionDelay', connected, 'after:settled']).context.failures).toBe(0);
  });
});

describe('an app whose owner is away', () => {
  it.each([
    ['starting', [away], ['abortStart', 'noteSkipped']],
    ['being stopped to be started again', [connected, dropped, 'after:appGrace', away], ['noteSkipped']],
    ['pausing', [startFailed, away], ['noteSkipped']],
  ] as readonly (readonly [string, Way, readonly string[]])[])(
    'is started no more while it is %s',
    (_state, way, effects) => {
      expect(end(way)).toMatchObject({ state: gone('disconnected'), effects, timers: {} });
    },
  );

  it('is not started when its grace ends', () => {
    const [left] = walk([connected, dropped, away, 'after:appGrace']).slice(-1);
    expect(left).toMatchObject({ state: gone('disconnected'), effects: ['noteSkipped'] });
  });

  it('goes on running, and is started when its owner is back if it is gone', () => {
    expect(end([connected, away])).toMatchObject({ state: gone('running'), effects: [] });
    expect(end([away, back])).toMatchObject({ state: here('starting'), effects: ['startApp'] });
  });

  it('is never started, whatever happens', () => {
    const event = fc.constantFrom(away, connected, dropped, startFailed, stopped);
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const after = walk([away, ...events]).slice(2);
        expect(after.flatMap(({ effects }) => effects)).not.toContain('startApp');
      }),
    );
  });
});

describe('an app that is asked to stop', () => {
  it.each([
    ['starting', []],
    ['running', [connected]],
    ['in its grace', [connected, dropped]],
    ['pausing', [startFailed]],
    ['disconnected', [away]],
  ] as readonly (readonly [string, Way])[])('while it is %s is stopped for good, and waited for', (_state, way) => {
    const [stopping, over] = walk([...way, stop, stopped]).slice(-2);
    expect(stopping).toMatchObject({
      state: 'stopping',
      effects: ['abortStart', 'stopForGood'],
      timers: { stopTimeout: 3_000 },
    });
    expect(over).toMatchObject({ state: 'stopped', output: 'shutdown' });
    expect(end([...way, stop, 'after:stopTimeout'])).toMatchObject({ state: 'stopped' });
  });
});

describe('the pause before the next start', () => {
  it('never shrinks, never exceeds the ceiling, and is the ceiling at the most failures that are counted', () => {
    const policies = fc.record({
      attempts: fc.integer({ min: 0, max: 10 }),
      slowMs: fc.integer({ min: 1, max: 5_000 }),
      slowLaneMs: fc.integer({ min: 1, max: 60_000 }),
    });
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 40 }), (policy, failures) => {
        const pause = resurrectionDelayMs(failures, policy);
        expect(pause).toBeLessThanOrEqual(policy.slowLaneMs);
        expect(resurrectionDelayMs(failures + 1, policy)).toBeGreaterThanOrEqual(pause);
        expect(resurrectionDelayMs(resurrectionsMax(policy), policy)).toBe(policy.slowLaneMs);
      }),
    );
  });
});
