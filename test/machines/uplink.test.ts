/** The chart of an uplink, without a runtime. */
import { describe, expect, it } from 'vitest';
import { reconnectDelayMs, reconnectFailuresMax, type UplinkEvent, uplinkMachine } from '../../machines/uplink.js';
import { lastStep, steps } from './chart.js';

const input = {
  connectMs: 5_000,
  firstMessageMs: 4_000,
  stableMs: 30_000,
  closeMs: 3_000,
  degradedMs: 2_000,
  retry: { initialMs: 100, maxMs: 800, jitter: 0.5 },
  chance: 0,
};
const opened: UplinkEvent = { type: 'attempt.opened' };
const heard: UplinkEvent = { type: 'peer.heard' };
const failed: UplinkEvent = { type: 'attempt.failed', final: false };
const refused: UplinkEvent = { type: 'attempt.failed', final: true };
const silent: UplinkEvent = { type: 'silence.detected' };
const closed: UplinkEvent = { type: 'attempt.closed' };
const LIVE = [opened, heard] as const;

describe('an uplink', () => {
  it('is live with the first word of its peer, and not before', () => {
    const [begun, accepted, live] = steps(uplinkMachine, input, LIVE);
    expect(begun).toMatchObject({
      state: 'alive(link.connecting service.missed)',
      effects: ['openAttempt'],
      timers: { connectTimeout: 5_000, degradedAfter: 2_000 },
    });
    expect(accepted).toMatchObject({
      state: 'alive(link.accepted service.missed)',
      timers: { firstMessageTimeout: 4_000 },
    });
    expect(live).toMatchObject({
      state: 'alive(link.live.settling service.available)',
      effects: ['beginBeating', 'announceAvailable'],
      timers: { stable: 30_000 },
    });
  });

  it.each([
    ['does not accept', ['after:connectTimeout'], true],
    ['accepts and says nothing', [opened, 'after:firstMessageTimeout'], true],
    ['falls silent', [...LIVE, silent], true],
    ['fails', [...LIVE, failed], false],
  ] as const)('whose peer %s closes the attempt before it thinks of another', (_what, way, stuck) => {
    const lost = lastStep(uplinkMachine, input, way as readonly UplinkEvent[]);
    expect(lost).toMatchObject({ effects: ['closeAttempt'], context: { failures: 1, stuck } });
    expect(lost.state).toMatch(/^alive\(link\.recovering/);
    const next = lastStep(uplinkMachine, input, [...(way as readonly UplinkEvent[]), closed]);
    expect(next).toMatchObject({ effects: ['announcePause'], timers: { retryDelay: 100 } });
  });

  it('S2-12 waits longer each time, up to a ceiling, and from the beginning once it has held for a while', () => {
    const failure = [failed, closed, 'after:retryDelay'] as const;
    const many = steps(uplinkMachine, input, [...failure, ...failure, ...failure, ...failure, ...failure]);
    expect(many.flatMap(({ timers }) => timers['retryDelay'] ?? [])).toEqual([100, 200, 400, 800, 800]);
    const held = lastStep(uplinkMachine, input, [...failure, ...failure, ...LIVE, 'after:stable', failed, closed]);
    expect(held.timers).toEqual({ retryDelay: 100 });
    const notYet = lastStep(uplinkMachine, input, [...failure, ...failure, ...LIVE, failed, closed]);
    expect(notYet.timers).toEqual({ retryDelay: 400 });
  });

  it('S2-16 is missed at first, degraded after a while, and available again with the first word', () => {
    const way = [...LIVE, failed, 'after:degradedAfter', closed, 'after:retryDelay', ...LIVE] as const;
    const [, , , lost, degraded, , , , back] = steps(uplinkMachine, input, way);
    expect(lost).toMatchObject({ state: 'alive(link.recovering service.missed)', timers: { degradedAfter: 2_000 } });
    expect(degraded).toMatchObject({ state: 'alive(link.recovering service.degraded)', effects: ['announceDegraded'] });
    expect(back?.effects).toEqual(['beginBeating', 'announceAvailable']);
  });

  it('that is refused for good does not try again', () => {
    expect(lastStep(uplinkMachine, input, [opened, refused, closed])).toMatchObject({
      state: 'closed',
      output: { shutdown: 'refused' },
    });
  });

  it.each([
    ['connecting', []],
    ['accepted', [opened]],
    ['live', LIVE],
    ['recovering', [failed]],
    ['pausing', [failed, closed]],
  ] as const)(
    'S2-13 that is told to stop while it is %s closes what it has, and nothing comes after',
    (_state, way) => {
      const stop: UplinkEvent = { type: 'supervisor.stop', reason: 'shutdown' };
      const [stopping, end] = steps(uplinkMachine, input, [...way, stop, closed]).slice(-2);
      expect(stopping).toMatchObject({ state: 'closing', effects: ['closeAttempt'], timers: { closeTimeout: 3_000 } });
      expect(end).toMatchObject({ state: 'closed', output: 'shutdown', timers: {} });
    },
  );

  it('whose attempt cannot be closed goes on without it', () => {
    expect(lastStep(uplinkMachine, input, [failed, 'after:closeTimeout']).state).toMatch(/link\.pausing/);
  });
});

describe('reconnectDelayMs', () => {
  it('is shortened by up to the share that is jitter', () => {
    const retry = { initialMs: 100, maxMs: 1_000, jitter: 0.5 };
    expect(reconnectDelayMs(1, retry, 0)).toBe(100);
    expect(reconnectDelayMs(1, retry, 0.999)).toBe(50);
    expect(reconnectDelayMs(50, retry, 0)).toBe(1_000);
    expect(reconnectFailuresMax(retry)).toBe(5);
  });
});
