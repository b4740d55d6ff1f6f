/** An uplink on virtual time: its beats, its watch, its pauses, and what it tells. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Turn } from '../../src/gateway/turn.js';
import { Uplink, uplinkLogic } from '../../src/gateway/uplink.js';
import { ReconnectRate } from '../../src/gateway/uplink-rate.js';
import { UPLINK_DEFAULTS, type UplinkEvent, type UplinkOptions } from '../../src/gateway/uplink-transport.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { fromProcess } from '../../src/otp/from-process.js';
import { leftovers } from '../../src/otp/leaks.js';
import type { Process } from '../../src/otp/process.js';
import { exit, requestStop } from '../../src/otp/signals.js';
import { spawn, startRoot } from '../../src/otp/spawn.js';
import { System } from '../../src/otp/system.js';
import { HeldTransport } from './paths/held-transport.js';

let clock: VirtualClock;
let system: System;
let root: Process;
let transport: HeldTransport;
let told: UplinkEvent[];

beforeEach(() => {
  clock = new VirtualClock();
  system = new System({ clock });
  root = startRoot(
    system,
    fromProcess(() => ({})),
    { id: 'root' },
  ).process as Process;
  transport = new HeldTransport({ quick: true });
  told = [];
});

afterEach(() => {
  exit(root.ref, 'kill');
  for (const process of [...system.processes].reverse()) if (process.alive) exit(process.ref, 'kill');
  system.flush();
  expect(leftovers(system)).toEqual({});
  expect(clock.pending, 'timers').toBe(0);
  system.close();
});

function begin(options: Partial<UplinkOptions> = {}): Uplink {
  const uplink = new Uplink({
    transport,
    options: { ...UPLINK_DEFAULTS, ...options },
    turn: new Turn(),
    random: () => 0,
    tell: (event) => told.push(event),
  });
  spawn(root, uplinkLogic, { id: 'uplink', input: uplink.input, body: uplink });
  return uplink;
}

function becomesLive(): void {
  transport.current?.listener.opened();
  transport.current?.listener.heard();
  system.flush();
}

const types = (): string[] => told.map(({ type }) => type.replace('uplink.', ''));

describe('an uplink that is live', () => {
  it('S2-10 S2-27 beats every 5 s, from its first word until it is lost, and not once more', () => {
    begin();
    clock.advance(4_000);
    expect(transport.current?.beats).toBe(0);
    becomesLive();
    const [attempt] = transport.attempts;
    for (let at = 0; at < 4; at += 1) {
      clock.advance(4_999);
      attempt?.listener.heard();
      clock.advance(1);
    }
    expect(attempt?.beats).toBe(4);
    attempt?.listener.failed(new Error('reset'));
    clock.advance(60_000);
    expect(attempt?.beats).toBe(4);
  });

  it('S2-11 is given up when nothing has been heard for too long, and the next goes over something new', () => {
    begin({ inactivityMs: 15_000 });
    becomesLive();
    clock.advance(10_000);
    transport.current?.listener.heard();
    clock.advance(14_999);
    expect(types()).not.toContain('lost');
    clock.advance(1);
    expect(told.at(-1)).toEqual({ type: 'uplink.lost', reason: 'nothing was heard for 15000 ms', retryInMs: 250 });
    clock.advance(250);
    expect(transport.attempts.map(({ fresh }) => fresh)).toEqual([false, true]);
  });
});

describe('an uplink that is lost', () => {
  it('S2-12 S2-14 comes back after longer and longer pauses, and says how often it had to', () => {
    const uplink = begin({ retry: { initialMs: 100, maxMs: 400, jitter: 0 } });
    for (const pauseMs of [100, 200, 400, 400]) {
      transport.current?.listener.failed(new Error('refused'));
      system.flush();
      expect(told.at(-1)).toEqual({ type: 'uplink.lost', reason: 'refused', retryInMs: pauseMs });
      clock.advance(pauseMs - 1);
      expect(transport.alive).toEqual([]);
      clock.advance(1);
      expect(transport.alive).toHaveLength(1);
    }
    expect(uplink.view()).toMatchObject({ attempts: 5, reconnects: 4, reconnectsLately: 4, lastError: 'refused' });
    clock.advance(4_999);
    becomesLive();
    clock.advance(5_000);
    for (let at = 0; at < 12; at += 1) {
      transport.current?.listener.heard();
      clock.advance(5_000);
    }
    expect(uplink.view()).toMatchObject({ reconnects: 4, reconnectsLately: 0 });
  });

  it('S2-15 tells once that it happens too often, and again when it has been rare meanwhile', () => {
    begin({ retry: { initialMs: 100, maxMs: 100, jitter: 0 }, alert: { reconnects: 3, perMs: 10_000 } });
    const fail = (): void => {
      transport.current?.listener.failed(new Error('refused'));
      clock.advance(100);
    };
    for (let at = 0; at < 10; at += 1) fail();
    expect(told.filter(({ type }) => type === 'uplink.alert')).toEqual([
      { type: 'uplink.alert', reconnects: 4, perMs: 10_000 },
    ]);
    becomesLive();
    for (let at = 0; at < 4; at += 1) {
      clock.advance(5_000);
      transport.current?.listener.heard();
    }
    for (let at = 0; at < 10; at += 1) fail();
    expect(told.filter(({ type }) => type === 'uplink.alert')).toHaveLength(2);
  });

  it('S2-16 is degraded after two seconds, and available when it is back; a short break is not told', () => {
    const uplink = begin({ degradedMs: 2_000, retry: { initialMs: 500, maxMs: 500, jitter: 0 } });
    becomesLive();
    transport.current?.listener.failed(new Error('reset'));
    clock.advance(500);
    becomesLive();
    expect(types().filter((type) => type === 'degraded')).toEqual([]);
    expect(uplink.available).toBe(true);
    transport.current?.listener.failed(new Error('reset'));
    clock.advance(1_999);
    expect(uplink.available).toBe(true);
    clock.advance(1);
    expect(uplink.available).toBe(false);
    expect(types().at(-1)).toBe('degraded');
    becomesLive();
    expect(types().slice(-2)).toEqual(['live', 'available']);
  });

  it('S2-13 and is stopped while it waits does not come back', () => {
    const uplink = begin();
    transport.current?.listener.failed(new Error('reset'));
    clock.advance(100);
    requestStop(uplink.process, 'shutdown');
    clock.advance(600_000);
    expect(transport.attempts).toHaveLength(1);
    expect(types().at(-1)).toBe('closed');
  });

  it('hears nothing more of the attempt that it has given up', () => {
    begin();
    becomesLive();
    const [old] = transport.attempts;
    old?.listener.failed(new Error('reset'));
    clock.advance(250);
    old?.listener.opened();
    old?.listener.heard();
    old?.listener.failed(new Error('late'), true);
    system.flush();
    expect(types().filter((type) => type === 'live')).toHaveLength(1);
    becomesLive();
    expect(types().at(-1)).toBe('live');
  });
});

describe('an uplink whose peer accepts and says nothing', () => {
  it('is not connected, and says where it hung', () => {
    begin({
      connectMs: 1_000,
      firstMessageMs: 2_000,
      degradedMs: 60_000,
      retry: { initialMs: 10, maxMs: 10, jitter: 0 },
    });
    clock.advance(1_000);
    transport.current?.listener.opened();
    clock.advance(10);
    transport.current?.listener.opened();
    clock.advance(2_000);
    expect(told.flatMap((event) => (event.type === 'uplink.lost' ? [event.reason] : []))).toEqual([
      'the peer did not accept in time',
      'the peer accepted and said nothing in time',
    ]);
    expect(types()).not.toContain('live');
  });
});

describe('a rate of reconnections', () => {
  it('counts those within the time that ends now', () => {
    const rate = new ReconnectRate({ reconnects: 2, perMs: 100 });
    expect([rate.count(0), rate.count(10), rate.count(20), rate.count(30)]).toEqual([false, false, true, false]);
    expect(rate.within(30)).toBe(3);
    expect(rate.within(119)).toBe(2);
    expect(rate.within(500)).toBe(0);
    expect(rate.total).toBe(4);
  });
});
