/**
 * A whole gateway under whatever comes in whatever order: hellos, calls, hang-ups, crashes of every kind of actor, time.
 * After each step every table agrees with every other, and at the end of each run nothing is left. A run that fails is
 * printed with its seed, and the same run shrunk.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/gateway/gateway-error.js';
import type { RecordedControl } from './paths/held-wire.js';
import { type Connected, type QuickWire, WholeGateway } from './whole-gateway.js';

const RUNS = 60;
const CLIENTS_MAX = 3;

const nodeId = fc.constantFrom('n1', 'n2', 'n3');
const act = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('hello' as const), nodeId) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('resume' as const), nodeId) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('watch' as const), nodeId) },
  fc.tuple(fc.constant('watch' as const), fc.constant(undefined)),
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('hangUp' as const, 'bye' as const, 'beat' as const), nodeId) },
  fc.tuple(fc.constantFrom('killClient' as const, 'killSession' as const), nodeId),
  fc.tuple(fc.constant('killAt' as const), fc.constantFrom('core/clients', 'cameras/camera:front', 'core', 'sessions')),
  fc.tuple(fc.constant('pass' as const), fc.constantFrom(10, 1_000, 31_000, 61_000)),
);

type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

class Town {
  readonly #gateway: WholeGateway;
  readonly #clients = new Map<string, Connected>();
  readonly #tokens = new Map<string, string>();
  readonly #controls: RecordedControl[] = [];
  readonly #viewers: QuickWire[] = [];

  constructor(gateway: WholeGateway) {
    this.#gateway = gateway;
  }

  /** Does it. What the gateway refuses is refused with a reason of its own, and anything else is a failure. */
  async does([what, whom]: Act): Promise<void> {
    const name = String(whom);
    switch (what) {
      case 'hello':
        return this.#hello(name, '');
      case 'resume':
        return this.#hello(name, this.#tokens.get(name) ?? 'made up');
      case 'watch':
        return this.#refusable(async () => void this.#viewers.push((await this.#gateway.watch(whom)).wire));
      case 'hangUp':
        return this.#clients.get(name)?.control.peerCancelled();
      case 'bye':
        return this.#clients.get(name)?.control.bye('done');
      case 'beat':
        return this.#clients.get(name)?.control.heartbeat(1);
      case 'killClient':
        return this.#gateway.gateway.sessions.get(name)?.client.process?.terminate('killed');
      case 'killSession':
        return this.#gateway.gateway.sessions.get(name)?.process?.terminate('killed');
      case 'killAt':
        return this.#gateway.killIfThere(`sluice/${name}`).then(() => {});
      case 'pass':
        return this.#gateway.pass(whom);
    }
  }

  /** What holds at every moment, nobody being in the middle of anything. */
  check(): void {
    const { manager, live } = this.#gateway;
    expect(manager.faults()).toEqual([]);
    expect(live.resources().orphans, 'orphans').toBe(0);
    const open = live.streams();
    expect(manager.counts.streams, 'streams').toBe(open.length);
    expect(this.#gateway.viewers, 'viewers').toBe(open.filter(({ kind }) => kind === 'watch').length);
    const here = this.#gateway.states
      .filter((state) => state.endsWith(' connected'))
      .map((state) => state.split(' ')[0]);
    expect([...manager.getAllNodeIds()].sort()).toEqual(here.sort());
    const wires = [...this.#controls, ...this.#viewers].filter(({ ends }) => ends.length === 0);
    expect(wires.length, 'open wires').toBe(open.length);
  }

  checkEnd(): void {
    for (const { ends } of [...this.#controls, ...this.#viewers]) expect(ends, 'ends of a wire').toHaveLength(1);
  }

  /** A refusal is one of the gateway's own, and a full house is full: every place is taken, or held for somebody. */
  async #refusable(ask: () => Promise<void>): Promise<void> {
    const places = this.#gateway.states.length;
    try {
      await ask();
    } catch (error) {
      expect(error).toBeInstanceOf(GatewayError);
      if ((error as GatewayError).code === 'max_clients_reached') expect(places).toBe(CLIENTS_MAX);
    }
  }

  async #hello(name: string, resumeToken: string): Promise<void> {
    await this.#refusable(async () => {
      const client = await this.#gateway.hello(name, { resumeToken });
      this.#clients.set(name, client);
      this.#controls.push(client.wire);
      this.#tokens.set(name, client.wire.of('welcome')[0]?.resumeToken ?? '');
    });
  }
}

describe('a whole gateway', () => {
  it('S3-12 keeps every table right, whatever comes in whatever order, and leaves nothing', {
    timeout: 180_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 30 }), async (acts) => {
        const gateway = await WholeGateway.start({ limits: { clients: CLIENTS_MAX, streamsPerClient: 3 } });
        const town = new Town(gateway);
        try {
          for (const one of acts) {
            await town.does(one);
            await gateway.settle();
            town.check();
          }
        } finally {
          await gateway.stop();
        }
        town.checkEnd();
      }),
      { numRuns: RUNS },
    );
  });
});
