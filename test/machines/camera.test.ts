/** The chart of a camera, without a runtime. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CameraEvent, cameraMachine, failuresMax, fastLaneSpent, retryDelayMs } from '../../machines/camera.js';
import { lastStep, steps } from './chart.js';

const retry = { attempts: 3, delayMs: 500, slowMs: 1_000, slowMaxMs: 10_000 };
const input = {
  connectMs: 5_000,
  firstFrameMs: 10_000,
  lingerMs: 4_000,
  staleLimitMs: 9_000,
  closeMs: 3_000,
  retry,
  jitter: 0,
};

type Way = readonly (CameraEvent | `after:${string}`)[];
const began: CameraEvent = { type: 'demand.began' };
const ended: CameraEvent = { type: 'demand.ended' };
const opened: CameraEvent = { type: 'source.opened' };
const delivered: CameraEvent = { type: 'source.delivered' };
const failed: CameraEvent = { type: 'source.failed', final: false };
const failedForGood: CameraEvent = { type: 'source.failed', final: true };
const ceased: CameraEvent = { type: 'pictures.ceased' };
const closed: CameraEvent = { type: 'attempt.closed' };
const again: CameraEvent = { type: 'camera.retry' };
const stop: CameraEvent = { type: 'supervisor.stop', reason: 'shutdown' };

const live: Way = [began, opened, delivered];
const LIVE = 'alive.live(pictures.fresh demand.wanted)';
const failure: Way = [failed, closed, 'after:retryDelay'];
const end = (way: Way) => lastStep(cameraMachine, input, way);
const walk = (way: Way) => steps(cameraMachine, input, way);

describe('a camera that nobody watches', () => {
  it('opens nothing', () => {
    expect(end([])).toMatchObject({ state: 'alive.idle', effects: [], timers: {} });
  });
});

describe('a camera that somebody wants', () => {
  it('opens its source and waits for it, then for a picture, each for its own time', () => {
    const [, connecting, waiting, showing] = walk(live);
    expect(connecting).toMatchObject({ state: 'alive.opening.connecting', effects: ['openAttempt'] });
    expect(connecting?.timers).toEqual({ connectTimeout: 5_000 });
    expect(waiting).toMatchObject({ state: 'alive.opening.awaitingPicture', effects: [] });
    expect(waiting?.timers).toEqual({ firstFrameTimeout: 10_000 });
    expect(showing).toMatchObject({ state: LIVE, timers: {}, cancelled: ['firstFrameTimeout'] });
  });

  it.each([
    ['does not answer', [began, 'after:connectTimeout']],
    ['answers and gives no picture', [began, opened, 'after:firstFrameTimeout']],
    ['fails while it opens', [began, failed]],
    ['fails while it is live', [...live, failed]],
    ['is frozen for too long', [...live, ceased, 'after:staleLimit']],
  ] as readonly (readonly [string, Way])[])('a source that %s is closed before the next attempt', (_how, way) => {
    const [recovering, pausing, next] = walk([...way, closed, 'after:retryDelay']).slice(-3);
    expect(recovering).toMatchObject({ state: 'alive.recovering', effects: ['closeAttempt'], timers: {} });
    expect(pausing).toMatchObject({
      state: 'alive.backingOff',
      effects: ['announceRetry'],
      timers: { retryDelay: 500 },
    });
    expect(next).toMatchObject({ state: 'alive.opening.connecting', effects: ['openAttempt'] });
  });

  it('S0-29 tries three times half a second apart, then ever more slowly, up to the ceiling', () => {
    const tries = walk([began, ...Array.from({ length: 9 }, () => failure).flat()]);
    const pauses = tries.map(({ timers }) => timers['retryDelay']).filter((ms) => ms !== undefined);
    expect(pauses).toEqual([500, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  });

  it('is announced as disconnected once, when the fast lane is spent, and keeps trying', () => {
    const tries = walk([began, ...Array.from({ length: 8 }, () => failure).flat()]);
    const announced = tries.map(({ effects }) => effects.includes('announceDisconnect'));
    expect(announced.indexOf(true)).toBe(9);
    expect(announced.filter(Boolean)).toHaveLength(1);
    expect(tries.at(-1)?.state).toBe('alive.opening.connecting');
  });

  it('forgets its failures with the first picture', () => {
    const step = end([began, ...failure, ...failure, opened, delivered, failed, closed]);
    expect(step.context.failures).toBe(1);
  });

  it('is tried at once when somebody asks for it', () => {
    expect(end([began, failed, closed, again])).toMatchObject({ effects: ['openAttempt'], cancelled: ['retryDelay'] });
  });
});

describe('a camera whose source is frozen', () => {
  it('is stale, and fresh again with the next picture', () => {
    const stale = end([...live, ceased]);
    expect(stale).toMatchObject({ state: 'alive.live(pictures.stale demand.wanted)', timers: { staleLimit: 9_000 } });
    expect(end([...live, ceased, { type: 'pictures.resumed' }])).toMatchObject({
      state: LIVE,
      cancelled: ['staleLimit'],
    });
  });
});

describe('a camera whose last viewer has left', () => {
  it('keeps its source a while, for somebody may come back', () => {
    const lingering = end([...live, ended]);
    expect(lingering).toMatchObject({ effects: [], timers: { linger: 4_000 } });
    expect(end([...live, ended, began])).toMatchObject({ state: LIVE, effects: [], cancelled: ['linger'] });
  });

  it('then lets go of it, and is idle when it is closed', () => {
    const [releasing, idle] = walk([...live, ended, 'after:linger', closed]).slice(-2);
    expect(releasing).toMatchObject({ state: 'alive.releasing.unwanted', effects: ['closeAttempt'] });
    expect(idle).toMatchObject({ state: 'alive.idle' });
  });

  it.each([
    ['it fails while it lingers', [...live, ended, failed]],
    ['it is frozen for too long while it lingers', [...live, ended, ceased, 'after:staleLimit']],
    ['it is still opening', [began, ended]],
    ['it is being closed after a failure', [began, failed, ended]],
  ] as readonly (readonly [string, Way])[])('does not try again when %s', (_when, way) => {
    expect(end(way).state).toBe('alive.releasing.unwanted');
    expect(end([...way, closed])).toMatchObject({ state: 'alive.idle', timers: {} });
  });

  it('is idle at once when it was only waiting', () => {
    expect(end([began, failed, closed, ended])).toMatchObject({ state: 'alive.idle', cancelled: ['retryDelay'] });
  });

  it('opens again for a newcomer only when the old attempt is gone', () => {
    const [wanted, next] = walk([began, ended, began, closed]).slice(-2);
    expect(wanted).toMatchObject({ state: 'alive.releasing.wantedAgain', effects: [] });
    expect(next).toMatchObject({ state: 'alive.opening.connecting', effects: ['openAttempt'] });
    expect(end([began, ended, began, ended, closed]).state).toBe('alive.idle');
  });
});

describe('a camera whose source says that no retry can help', () => {
  it.each([
    ['opening', [began]],
    ['live', live],
  ] as const)('S0-12 gives up from %s: closes, then tells its viewers', (_state, way) => {
    const [failing, given] = walk([...way, failedForGood, closed]).slice(-2);
    expect(failing).toMatchObject({ state: 'alive.failing', effects: ['closeAttempt'], timers: {} });
    expect(given).toMatchObject({ state: 'alive.failed', effects: ['announceDisconnect', 'endViewers'], timers: {} });
  });

  it('S0-13 says that it is disconnected once, also where its fast tries were spent before', () => {
    const spent: Way = [began, failed, closed, again, failed, closed, again, failed, closed, again];
    const told = walk([...spent, failedForGood, closed]).flatMap(({ effects }) => effects);
    expect(told.filter((effect) => effect === 'announceDisconnect')).toHaveLength(1);
  });

  it('tells whoever comes later, and begins anew only when asked', () => {
    const given: Way = [began, failedForGood, closed];
    expect(end([...given, began])).toMatchObject({ state: 'alive.failed', effects: ['endViewers'] });
    expect(end([...given, again, began])).toMatchObject({ state: 'alive.opening.connecting' });
  });
});

describe('a camera that is asked to stop', () => {
  it.each([
    ['idle', []],
    ['connecting', [began]],
    ['waiting for a picture', [began, opened]],
    ['live', live],
    ['recovering', [began, failed]],
    ['backing off', [began, failed, closed]],
    ['releasing', [began, ended]],
    ['failing', [began, failedForGood]],
    ['failed', [began, failedForGood, closed]],
  ] as readonly (readonly [string, Way])[])('while %s tells its viewers, closes, and waits for that', (_state, way) => {
    const [stopping, stopped] = walk([...way, stop, closed]).slice(-2);
    expect(stopping).toMatchObject({ state: 'stopping', effects: ['endViewers', 'closeAttempt'] });
    expect(stopping?.timers).toEqual({ closeTimeout: 3_000 });
    expect(stopped).toMatchObject({ state: 'stopped', output: 'shutdown' });
  });

  it('ends without its source when that does not close', () => {
    expect(end([...live, stop, 'after:closeTimeout'])).toMatchObject({ state: 'stopped', output: 'shutdown' });
  });
});

const policies = fc.record({
  attempts: fc.integer({ min: 1, max: 20 }),
  delayMs: fc.integer({ min: 0, max: 5_000 }),
  slowMs: fc.integer({ min: 1, max: 5_000 }),
  slowMaxMs: fc.integer({ min: 1, max: 60_000 }),
});

describe('the pause before the next attempt', () => {
  it('is the fast one until the fast lane is spent', () => {
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 0, max: 100 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (policy, failures, jitter) => {
          fc.pre(!fastLaneSpent(failures, policy));
          expect(retryDelayMs(failures, policy, jitter)).toBe(policy.delayMs);
        },
      ),
    );
  });

  it('then never shrinks, never exceeds the ceiling, and jitter takes a fifth at most', () => {
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 0, max: 40 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (policy, slow, jitter) => {
          const failures = policy.attempts + slow;
          const whole = retryDelayMs(failures, policy, 0);
          expect(retryDelayMs(failures + 1, policy, 0)).toBeGreaterThanOrEqual(whole);
          expect(whole).toBeLessThanOrEqual(policy.slowMaxMs);
          const shortened = retryDelayMs(failures, policy, jitter);
          expect(shortened).toBeLessThanOrEqual(whole);
          expect(shortened).toBeGreaterThanOrEqual(Math.floor(whole * 0.8));
        },
      ),
    );
  });

  it('is the ceiling at the most failures that are counted, so that counting further would change nothing', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        expect(retryDelayMs(failuresMax(policy), policy, 0)).toBe(policy.slowMaxMs);
      }),
    );
  });
});

describe('the count of failures', () => {
  it('is bounded however often a source fails', () => {
    const step = end([began, ...Array.from({ length: 50 }, () => failure).flat()]);
    expect(step.context.failures).toBe(failuresMax(retry));
  });
});
