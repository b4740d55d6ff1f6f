/**
 * Those who call others over the gateway's channels: they acquire leases, for themselves or for a session, make calls, give
 * back, forget to, and shut channels. Far ends die under them.
 */
import type { Lease } from '../../src/gateway/lease.js';
import type { Process } from '../../src/otp/process.js';
import { CHANNELS_MAX } from './limits.js';
import type { Stage } from './stage.js';
import type { FarEnd } from './upstream.js';
import type { Ask } from './world.js';

const TARGETS = ['alpha:1', 'beta:1', 'gamma:1', 'delta:1'];

interface Loan {
  readonly label: string;
  readonly lease: Lease<unknown>;
  readonly farEnd: FarEnd | undefined;
  /** Whose lease it is; nobody's but ours when it is absent. */
  readonly owner: Process | undefined;
  readonly calls: Set<() => void>;
  given: boolean;
}

export class Borrowers {
  readonly #stage: Stage;
  readonly #loans: Loan[] = [];
  readonly #asks: Ask[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
    const { world } = stage;
    world.checks.push(() => this.#faults());
    world.lastChecks.push(() => this.#leftBehind());
    world.upstream.onClosing = (farEnd) => {
      // Without a pool there is nobody whose rule it would be.
      if (!world.tree.channels.counts) return;
      for (const loan of this.#loans)
        if (loan.farEnd === farEnd && loan.lease.open)
          world.breach(`I-pool: ${farEnd.label} was closed under ${loan.label}`);
    };
  }

  borrow(): void {
    const { world, dice } = this.#stage;
    const target = dice.pick(TARGETS) ?? '';
    const ask = this.#stage.newAsk(`lease-${target}`);
    const session = dice.chance(0.5)
      ? dice.pick([...world.tree.sessions.all()].filter(({ alive }) => alive))
      : undefined;
    const owner = session?.process;
    this.#stage.note(`${ask.label} is asked for${session ? ` by ${session.nodeId}` : ''}`);
    this.#asks.push(ask);
    const waitMs = dice.pick([0, 500, 2_000]);
    world.ask(ask, world.tree.channels.acquire(target, { waitMs, scope: owner?.scope }), (lease) => {
      const farEnd = lease.open ? (lease.channel as unknown as FarEnd) : undefined;
      this.#loans.push({ label: ask.label, lease, farEnd, owner, calls: new Set(), given: false });
      if (farEnd && farEnd.target !== target) world.breach(`I-pool: ${ask.label} was given ${farEnd.label}`);
    });
  }

  /** Calls over a lease, or ends one of its calls. */
  call(): void {
    const loan = this.#stage.dice.pick(this.#loans.filter(({ given, lease }) => !given && lease.open));
    if (!loan) return;
    const [running] = loan.calls;
    if (running && this.#stage.dice.chance(0.5)) {
      this.#stage.note(`a call over ${loan.label} ends`);
      loan.calls.delete(running);
      running();
      return;
    }
    this.#stage.note(`a call over ${loan.label} begins`);
    let over: () => void = () => {};
    const ended = loan.lease.track({ cancel: () => void loan.calls.delete(over) });
    over = ended;
    loan.calls.add(over);
  }

  giveBack(): void {
    const loan = this.#stage.dice.pick(this.#loans.filter(({ given }) => !given));
    if (!loan) return;
    this.#stage.note(`${loan.label} is given back`);
    loan.given = true;
    loan.lease.release();
    loan.lease.release();
  }

  shut(): void {
    const target = this.#stage.dice.pick(TARGETS) ?? '';
    const ask = this.#stage.newAsk(`shut-${target}`);
    this.#stage.note(`${ask.label} is asked for`);
    this.#stage.world.ask(ask, this.#stage.world.tree.channels.close(target), () => {});
  }

  die(): void {
    const farEnd = this.#stage.dice.pick([...this.#stage.world.upstream.standing]);
    if (!farEnd) return;
    this.#stage.note(`${farEnd.label} dies`);
    farEnd.dies();
  }

  *#faults(): Generator<string> {
    const { tree, upstream } = this.#stage.world;
    for (const { owner, lease, label } of this.#loans)
      if (owner?.gone && lease.open) yield `I-pool: ${label} is open and its owner is gone`;
    for (const { label, lease, farEnd, given } of this.#loans)
      if (lease.open && (given || farEnd?.state !== 'ready'))
        yield `I-pool: ${label} is open on a channel that is ${farEnd?.state}`;
    const { counts } = tree.channels;
    if (!counts) return;
    const standing = upstream.standing.size;
    if (counts.open !== standing) yield `I-pool: ${counts.open} channels are counted, ${standing} stand`;
    const due = this.#asks.filter(({ answer }) => answer === 'none').length;
    const waiting = tree.channels.views().reduce((sum, { waiting: n }) => sum + n, counts.waiting);
    if (due !== waiting) yield `I-pool: ${due} wait for a lease, ${waiting} are counted`;
    if (counts.waiting > 0 && (counts.idle > 0 || counts.open < CHANNELS_MAX))
      yield `I-pool: ${counts.waiting} wait for room, ${counts.idle} of ${counts.open} channels are idle`;
    const calls = this.#loans.reduce((sum, loan) => sum + loan.calls.size, 0);
    if (counts.calls !== calls) yield `I-pool: ${counts.calls} calls are counted, ${calls} are open`;
  }

  *#leftBehind(): Generator<string> {
    for (const { label } of this.#stage.world.upstream.standing) yield `I-zero: ${label} was never closed`;
    for (const { label, lease, calls } of this.#loans)
      if (lease.open || calls.size > 0) yield `I-zero: ${label} is open, with ${calls.size} calls`;
  }
}
