/** Whatever happens in whatever order: each monitor gives one DOWN, nobody is orphaned, nothing is left over. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import {
  assertNoLeaks,
  call,
  exit,
  fromProcess,
  link,
  type Monitor,
  monitor,
  processOf,
  startApplication,
  startChild,
  stop,
  supervisor,
  terminateChild,
  trapExit,
  unlink,
  VirtualClock,
} from '../../src/otp/index.js';

const ACTORS = 6;
const index = fc.nat({ max: ACTORS - 1 });

const plain = { receive: crashOnRequest, call: (_: unknown, reply: (answer: unknown) => void) => reply('yes') };

function crashOnRequest(event: { type: string }): void {
  if (event.type === 'crash') throw new Error('crash');
}

/** Processes that differ in how they end. */
const logics = {
  plain: fromProcess(() => plain),
  trapping: fromProcess(() => plain, { trapExit: true }),
  deaf: fromProcess(() => ({ ...plain, terminate: () => new Promise<void>(() => {}) }), { trapExit: true }),
  holder: fromProcess(({ scope }) => {
    scope.timer(10_000, () => {});
    scope.acquire('thing', async () => {
      await null;
    });
    return plain;
  }),
  tree: supervisor({
    strategy: 'one_for_all',
    intensity: 2,
    children: ['x', 'y'].map((id) => ({ id, start: { logic: fromProcess(() => plain) } })),
  }),
};

const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('start' as const),
      a: index,
      kind: fc.constantFrom(...(Object.keys(logics) as (keyof typeof logics)[])),
      restart: fc.constantFrom('permanent' as const, 'transient' as const, 'temporary' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom(
        'crash' as const,
        'kill' as const,
        'stop' as const,
        'terminate' as const,
        'trap' as const,
        'flush' as const,
        'wait' as const,
      ),
      a: index,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom('link' as const, 'unlink' as const, 'monitor' as const, 'call' as const),
      a: index,
      b: index,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('demonitor' as const), a: fc.nat({ max: 40 }), flush: fc.boolean() }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

interface Watch {
  readonly monitor: Monitor;
  downs: number;
  /** Taken away while it stood. */
  removed: boolean;
}

class World {
  readonly clock = new VirtualClock();
  readonly watches: Watch[] = [];
  readonly #refs = new Map<number, AnyActorRef>();
  #app: Awaited<ReturnType<typeof startApplication>> | undefined;

  get app() {
    if (!this.#app) throw new Error('not begun');
    return this.#app;
  }

  async begin(): Promise<void> {
    this.#app = await startApplication('top', { intensity: 1_000 }, { clock: this.clock });
  }

  /** The actor of this number that was started last, whether it lives or not. */
  #ref(number: number): AnyActorRef {
    return this.#refs.get(number) ?? this.app.root;
  }

  async perform(command: Command): Promise<void> {
    switch (command.op) {
      case 'start': {
        const { a, kind, restart } = command;
        const spec = { id: `a${a}`, start: { logic: logics[kind] }, restart, shutdown: 50 };
        void startChild(this.app.root, spec).then(
          (answer) => void (!answer.error && answer.ok && this.#refs.set(a, answer.ok)),
        );
        return;
      }
      case 'crash':
        this.#ref(command.a).send({ type: 'crash' });
        return;
      case 'kill':
        if (this.#refs.has(command.a)) exit(this.#ref(command.a), 'kill');
        return;
      case 'stop':
        if (this.#refs.has(command.a)) void stop(this.#ref(command.a)).catch(() => {});
        return;
      case 'terminate':
        void terminateChild(this.app.root, `a${command.a}`);
        return;
      case 'trap':
        if (this.#refs.has(command.a)) trapExit(this.#ref(command.a), true);
        return;
      case 'link':
      case 'unlink':
        return this.#link(command.op, this.#ref(command.a), this.#ref(command.b));
      case 'call':
        void call(this.#ref(command.a), 'anything', { from: this.#ref(command.b), timeout: 100 }).catch(() => {});
        return;
      case 'monitor': {
        const watch: Partial<Watch> & { downs: number } = { downs: 0 };
        const down = (): void => {
          watch.downs += 1;
        };
        Object.assign(watch, { removed: false, monitor: monitor(this.#ref(command.a), down) });
        this.watches.push(watch as Watch);
        return;
      }
      case 'demonitor': {
        const watch = this.watches[command.a];
        if (watch?.monitor.demonitor({ flush: command.flush })) watch.removed = true;
        return;
      }
      case 'flush':
        this.app.system.flush();
        await settle();
        return;
      case 'wait':
        this.clock.advance(30);
        await settle();
    }
  }

  #link(op: 'link' | 'unlink', a: AnyActorRef, b: AnyActorRef): void {
    // A link to the root would end the whole tree: that is what links are for, and no interesting world.
    if (a === this.app.root || b === this.app.root) return;
    if (op === 'unlink') unlink(a, b);
    else if (processOf(a)?.alive && processOf(b)?.alive) link(a, b);
  }

  /** Every living actor is reachable from the root, and no supervisor lists the dead. */
  orphans(): string[] {
    const { system } = this.app;
    return [...system.processes].filter(({ parent }) => parent?.gone).map(({ path }) => path);
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('any interleaving of start, stop, crash, kill, link, unlink, monitor, demonitor and call', () => {
  it('gives each monitor one DOWN, orphans nobody and leaves nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 60 }), async (commands) => {
        const world = new World();
        await world.begin();
        for (const each of commands) await world.perform(each);
        world.app.system.flush();
        await settle();
        world.app.system.flush();
        expect(world.orphans()).toEqual([]);
        for (const { downs, removed } of world.watches) expect(downs).toBeLessThanOrEqual(removed ? 0 : 1);

        const stopped = world.app.stop();
        for (let ended = false; !ended; ) {
          void stopped.then(() => {
            ended = true;
          });
          world.app.system.flush();
          await settle();
          world.clock.advance(50);
          await settle();
        }
        world.app.system.flush();
        for (const { downs, removed } of world.watches) expect(downs).toBe(removed ? 0 : 1);
        assertNoLeaks(world.app.system);
        // A call's limit is the one timer that may be set still, and only until it is due.
        world.clock.advance(100);
        expect(world.clock.pending).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  }, 120_000);
});
