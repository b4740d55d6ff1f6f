/** Uplinks under a supervisor that crashes, on virtual time: they come back, and no two of one id are ever at one target. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Uplink } from '../../src/gateway/uplink.js';
import { UPLINK_DEFAULTS, type UplinkOptions } from '../../src/gateway/uplink-transport.js';
import { Uplinks } from '../../src/gateway/uplinks.js';
import { type Application, startApplication } from '../../src/otp/application.js';
import { VirtualClock } from '../../src/otp/clock.js';
import { atWork } from '../../src/otp/crash-barrier.js';
import { leftovers } from '../../src/otp/leaks.js';
import type { Process } from '../../src/otp/process.js';
import { exit } from '../../src/otp/signals.js';
import { System } from '../../src/otp/system.js';
import { HeldTransport } from './paths/held-transport.js';

let clock: VirtualClock;
let system: System;
let transport: HeldTransport;
let uplinks: Uplinks;
let application: Application;
let over: string[];

beforeEach(async () => {
  clock = new VirtualClock();
  system = new System({ clock });
  transport = new HeldTransport();
  uplinks = new Uplinks();
  over = [];
  application = await startApplication(
    'test',
    { children: [{ id: 'uplinks', type: 'supervisor', start: uplinks.start }] },
    system,
  );
});

afterEach(async () => {
  const stopped = application.stop({ timeoutMs: 20_000 });
  await settle();
  for (const attempt of transport.alive) attempt.finish();
  await stopped;
  expect(leftovers(system)).toEqual({});
  expect(clock.pending, 'timers').toBe(0);
});

async function settle(): Promise<void> {
  do {
    system.flush();
    await new Promise<void>((resolve) => setImmediate(resolve));
  } while (!system.idle);
}

async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

const find = (id: string): Process =>
  [...system.processes].find((process) => process.id === id && process.alive) as Process;

/** Wants an uplink to the held transport, and waits for its first attempt. */
async function want(options: Partial<UplinkOptions> = {}, id = 'cloud'): Promise<void> {
  const all = { ...UPLINK_DEFAULTS, degradedMs: 600_000, ...options };
  uplinks.add({
    id,
    options: all,
    make: (turn) => new Uplink({ transport, options: all, turn, random: () => 0, tell: () => {} }),
    onOver: (error) => over.push(error?.message ?? 'ended'),
  });
  await settle();
}

describe('an uplink whose supervisor is killed', () => {
  it('S2-12 comes back, and opens its target when the one before has given everything back', async () => {
    await want();
    const owner = find('cloud');
    exit(find('uplinks').ref, 'kill');
    await settle();
    expect(find('cloud')).not.toBe(owner);
    expect([owner.alive, owner.gone]).toEqual([false, false]);
    expect(transport.attempts).toHaveLength(1);
    transport.attempts[0]?.finish();
    await settle();
    expect(transport.attempts).toHaveLength(2);
    expect(owner.gone).toBe(true);
  });

  it('waits too for an attempt that was given up early and is still being closed', async () => {
    await want({ closeMs: 60_000 });
    transport.current?.listener.failed(new Error('reset'));
    await settle();
    exit(find('uplinks').ref, 'kill');
    await settle();
    expect(transport.attempts).toHaveLength(1);
    transport.attempts[0]?.finish();
    await settle();
    expect(transport.attempts).toHaveLength(2);
  });

  it('answers for what it does then: nobody else is blamed', async () => {
    const owners: unknown[] = [];
    const open = transport.open.bind(transport);
    transport.open = (...args) => {
      owners.push(atWork.getStore());
      return open(...args);
    };
    await want();
    const first = find('cloud');
    exit(find('uplinks').ref, 'kill');
    await settle();
    transport.attempts[0]?.finish();
    await settle();
    expect(owners).toEqual([first, find('cloud')]);
  });

  it('is not answered meanwhile: its own time limit runs, and what it gave up is never opened', async () => {
    await want({ connectMs: 1_000, retry: { initialMs: 10_000, maxMs: 10_000, jitter: 0 } });
    exit(find('uplinks').ref, 'kill');
    await pass(1_000);
    transport.attempts[0]?.finish();
    await settle();
    expect(transport.attempts).toHaveLength(1);
    await pass(10_000);
    expect(transport.attempts).toHaveLength(2);
  });

  it('S2-13 does not come back when it was ended meanwhile, and has ended when all is given back', async () => {
    await want();
    exit(find('uplinks').ref, 'kill');
    let ended = false;
    const ending = uplinks.end('cloud').then(() => {
      ended = true;
    });
    await settle();
    expect([over, ended]).toEqual([['ended'], false]);
    transport.attempts[0]?.finish();
    await ending;
    await pass(60_000);
    expect(transport.attempts).toHaveLength(1);
  });
});

describe('an uplink that crashes', () => {
  it('S2-13 does not come back when it was ended while it waited for that', async () => {
    await want();
    find('cloud').crash(new Error('simulated: a crash'));
    transport.attempts[0]?.finish();
    await settle();
    await uplinks.end('cloud');
    await pass(60_000);
    expect(transport.attempts).toHaveLength(1);
    expect(over).toEqual(['ended']);
  });
});

describe('an uplink that is refused for good', () => {
  it('is over, once, and is not begun with again', async () => {
    await want();
    transport.current?.listener.failed(new Error('no such room'), true);
    await settle();
    transport.attempts[0]?.finish();
    await settle();
    expect(over).toEqual(['refused: no such room']);
    exit(find('uplinks').ref, 'kill');
    await pass(60_000);
    await uplinks.end('cloud');
    expect(transport.attempts).toHaveLength(1);
    expect(over).toHaveLength(1);
  });
});

describe('uplinks that are ended', () => {
  it('are closed at once and beside each other, and another can be begun meanwhile', async () => {
    await want();
    await want({}, 'hub');
    const ended = [uplinks.end('cloud'), uplinks.end('hub')];
    await settle();
    expect(transport.attempts.map(({ closing }) => closing)).toEqual([true, true]);
    await want({}, 'other');
    expect(transport.attempts).toHaveLength(3);
    for (const attempt of transport.attempts) if (attempt.closing) attempt.finish();
    await Promise.all(ended);
    expect(over).toEqual(['ended', 'ended']);
    expect([...system.processes].map(({ id }) => id)).toEqual(['test', 'uplinks', 'other']);
  });
});
