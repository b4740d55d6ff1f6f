/**
 * The pool of channels under any order of events: askers come and go, connects succeed, fail or are never answered,
 * connections die, channels are shut, time passes, the pool crashes. After every step the pool is compared with what the far
 * side and the holders of leases know.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lease } from '../../src/gateway/lease.js';
import { assertNoLeaks, Scope } from '../../src/otp/index.js';
import { type Exchange, LIMITS, openExchange, type Wire } from './exchange.js';

const CHANNELS_MAX = 3;
const TARGETS = ['a:1', 'b:1', 'c:1', 'd:1', 'e:1'];

type Step =
  | { readonly does: 'acquire' | 'shut'; readonly target: number }
  | {
      readonly does: 'answers' | 'refuses' | 'dies' | 'releases' | 'calls' | 'ends' | 'owner ends';
      readonly which: number;
    }
  | { readonly does: 'waits'; readonly ms: number }
  | { readonly does: 'crash' };

const which = fc.nat({ max: 30 });
const target = fc.nat({ max: TARGETS.length - 1 });
const one = <T extends string>(does: T) => fc.record({ does: fc.constant(does), which });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ does: fc.constant('acquire' as const), target }) },
  { weight: 6, arbitrary: one('answers') },
  { weight: 2, arbitrary: one('refuses') },
  { weight: 2, arbitrary: one('dies') },
  { weight: 5, arbitrary: one('releases') },
  { weight: 3, arbitrary: one('calls') },
  { weight: 2, arbitrary: one('ends') },
  { weight: 2, arbitrary: one('owner ends') },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('shut' as const), target }) },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant('waits' as const), ms: fc.constantFrom(1, 700, 2_000, 6_000, 300_000) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('crash' as const) }) },
);

interface Request {
  readonly owner: Scope;
  lease: Lease<Wire> | undefined;
  wire: Wire | undefined;
  answered: boolean;
  released: boolean;
}

interface Call {
  readonly request: Request;
  readonly over: () => void;
  open: boolean;
}

/** Nobody has heard of it yet, or nobody should listen any more. */
const isMute = ({ state }: Wire): boolean => state === 'connecting' || state === 'closed';

const pick = <T>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)];

function release(request: Request | undefined): void {
  if (!request) return;
  request.released = true;
  request.lease?.release();
  // Twice is once.
  request.lease?.release();
}

function dispose(request: Request | undefined): void {
  if (!request) return;
  request.released = true;
  void request.owner.dispose();
}

function end(call: Call | undefined): void {
  if (!call) return;
  call.open = false;
  call.over();
}

class World {
  readonly place: Exchange;
  readonly requests: Request[] = [];
  readonly calls: Call[] = [];

  constructor(place: Exchange) {
    this.place = place;
  }

  get #standing(): readonly Wire[] {
    return this.place.far.standing;
  }

  ask(name: string): void {
    const { clock, census } = this.place.app.system;
    const owner = new Scope({ owner: 'asker', clock, census, crash: () => {} });
    const request: Request = { owner, lease: undefined, wire: undefined, answered: false, released: false };
    this.requests.push(request);
    this.place.channels.acquire(name, { scope: owner }).then(
      (lease) => {
        request.answered = true;
        request.lease = lease;
        // Between the grant and this line others may have run; an open lease is on a living channel all the same.
        if (!lease.open) return;
        request.wire = lease.channel;
        expect(lease.channel.state).toBe('ready');
        expect(lease.channel.target).toBe(name);
      },
      () => {
        request.answered = true;
      },
    );
  }

  take(step: Step): void {
    const { far, channels, clock } = this.place;
    const held = this.requests.filter(({ lease, released }) => lease && !released);
    switch (step.does) {
      case 'acquire':
        this.ask(TARGETS[step.target] as string);
        break;
      case 'shut':
        void channels.close(TARGETS[step.target] as string);
        break;
      case 'answers':
      case 'refuses':
        this.#hears(pick(far.wires.filter(isMute), step.which), step.does);
        break;
      case 'dies':
        pick(
          this.#standing.filter(({ state }) => state === 'ready'),
          step.which,
        )?.dies();
        break;
      case 'releases':
        release(pick(held, step.which));
        break;
      case 'owner ends':
        dispose(pick(this.requests, step.which));
        break;
      case 'calls':
        this.#call(pick(held, step.which));
        break;
      case 'ends':
        end(
          pick(
            this.calls.filter(({ open }) => open),
            step.which,
          ),
        );
        break;
      case 'waits':
        clock.advance(step.ms);
        break;
      case 'crash':
        this.place.crash();
        break;
    }
  }

  #hears(wire: Wire | undefined, does: 'answers' | 'refuses'): void {
    if (wire?.state === 'connecting') wire[does]();
    // It was closed meanwhile: what it says then must not matter.
    else if (does === 'answers') wire?.listener.ready();
    else wire?.listener.failed(new Error('too late'));
  }

  #call(request: Request | undefined): void {
    if (!request?.lease) return;
    const call: { request: Request; open: boolean; over: () => void } = { request, open: true, over: () => {} };
    call.over = request.lease.track({
      cancel: () => {
        // A call is cancelled while its channel can still say so.
        if (request.lease?.open) expect(request.wire?.state).not.toBe('closed');
        call.open = false;
      },
    });
    this.calls.push(call);
  }

  /** Channels in use: nothing but their own end may close them. */
  inUse(): readonly Request[] {
    return this.requests.filter(({ lease, released }) => lease?.open && !released);
  }

  check(): void {
    const { channels, held } = this.place;
    const counts = channels.counts;
    if (!counts) throw new Error('there is no pool');
    const standing = this.#standing;
    const views = channels.views();
    expect(standing.length).toBeLessThanOrEqual(CHANNELS_MAX);
    // No channel that nobody owns, none that is owned and does not exist.
    expect([counts.open, views.length, held('channel')]).toEqual(Array(3).fill(standing.length));
    for (const name of TARGETS) {
      expect(standing.filter((wire) => wire.target === name && wire.state === 'connecting').length).toBeLessThan(2);
    }
    const leases = this.requests.filter(
      ({ lease, wire, released }) => lease && !released && wire?.state !== 'closed' && wire,
    );
    expect(counts.leases).toBe(leases.length);
    expect(counts.calls).toBe(this.calls.filter(({ open }) => open).length);
    for (const { wire } of this.inUse()) expect(wire?.state).toBe('ready');
    // Nobody waits for a channel that is going, nor longer than a connect may take.
    expect(views.filter(({ state, waiting }) => state === 'closing' && waiting > 0)).toEqual([]);
    expect(views.filter(({ state, ageMs }) => state === 'connecting' && ageMs >= LIMITS.connectMs)).toEqual([]);
    const unused = views.filter(({ state, leases: n, waiting }) => state !== 'closing' && n === 0 && waiting === 0);
    expect(counts.idle).toBe(unused.length);
    if (counts.waiting > 0) expect([counts.open, counts.idle]).toEqual([CHANNELS_MAX, 0]);
    for (const wire of this.place.far.wires) expect(wire.closings).toBeLessThan(2);
  }
}

/** Whoever is told of something has heard of it. */
async function everybodyHears(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}

describe('a pool of channels', () => {
  it('S0-18 D-5 D-6 keeps its invariants in any order of events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 70 }), async (steps) => {
        const place = await openExchange({ channelsMax: CHANNELS_MAX });
        const world = new World(place);
        for (const taken of steps) {
          const before = world.inUse();
          world.take(taken);
          await everybodyHears();
          world.check();
          if (taken.does === 'shut' || taken.does === 'crash' || taken.does === 'dies') continue;
          // Somebody else's coming and going never takes a channel from under a lease.
          for (const { lease, released } of before) expect(lease?.open || released).toBe(true);
        }
        const stopped = place.app.stop();
        await everybodyHears();
        const opened = place.far.wires.length;
        world.ask('a:1');
        await everybodyHears();
        expect(place.far.wires.length).toBe(opened);
        place.clock.advance(5_000);
        await stopped;
        await everybodyHears();
        expect(place.far.standing).toEqual([]);
        expect(world.requests.filter(({ answered }) => !answered)).toEqual([]);
        expect(world.calls.filter(({ open }) => open)).toEqual([]);
        for (const { lease } of world.requests) expect(lease?.open ?? false).toBe(false);
        for (const { owner } of world.requests) await owner.dispose();
        assertNoLeaks(place.app.system);
      }),
      { numRuns: 300 },
    );
  });
});
