/**
 * An app along every path of `machines/app.ts`: a third party with a real HTTP port is told to start and to stop, refuses to
 * start when it is to, connects back and drops, while its owner comes and goes. Whatever the path, nothing is started for an
 * owner who is away.
 */
import { afterAll, beforeAll, expect } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { type AppInput, appMachine } from '../../machines/app.js';
import { configure } from '../../src/configuration.js';
import { App, type AppLink, type AppOwner, appLogic } from '../../src/gateway/app.js';
import { Courier, courierLogic } from '../../src/gateway/courier.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import { Place } from '../../src/gateway/place.js';
import { isDelay, type ModelEvent } from './paths/model.js';
import { type Cause, Subject } from './paths/subject.js';
import { walkEveryPath } from './paths/walk.js';
import { ThirdParty } from './third-party.js';

const GRACE_MS = 5_000;
const options = configure({
  // One try a call: what the third party answers first counts. Two pauses in the slow lane, so that there is a ceiling.
  app: { attempts: 1, graceMs: GRACE_MS, slowLaneMs: 2 * GRACE_MS },
}) as GatewayOptions;
const { attempts, graceMs, slowLaneMs, webhookTimeoutMs } = options.app;

const third = new ThirdParty();
beforeAll(() => third.listen());
afterAll(() => third.close());

/** A session as far as an app sees it. */
class Owner implements AppOwner {
  readonly id = 's1';
  readonly nodeId = 'n1';
  readonly token = { era: 1, rev: 1 };
  readonly notes: string[] = [];
  /** Starts that were made for nobody. */
  readonly resurrections: string[] = [];
  connected = true;

  note(type: string): void {
    this.notes.push(type);
    if (type === 'app.started' && !this.connected) this.resurrections.push(`start after ${this.notes.length} notes`);
  }

  noted(type: string): number {
    return this.notes.filter((note) => note === type).length;
  }
}

class AppSubject extends Subject {
  readonly #owner = new Owner();
  readonly #app: App;
  #link: AppLink | undefined;
  /** Where the model was before this step, and how often it has entered what starts, stops and gives up. */
  #before = 'starting';
  readonly #entered: Record<string, number> = { starting: 1 };

  constructor() {
    super();
    // No pause at all is one of a millisecond, as Node has it: time never jumps over a state that the walk is to see.
    const set = this.clock.setTimeout.bind(this.clock);
    this.clock.setTimeout = (fn, ms) => set(fn, Math.max(1, ms));
    const place = new Place();
    place.starts(courierLogic)({
      supervisor: this.root.ref,
      previous: undefined,
      args: [],
      spawn: (logic, input, body) => this.start(logic, { id: 'courier', input, body }).ref,
    });
    this.#app = new App({
      spec: { packageName: 'captions', start: third.target(), stop: third.target() },
      owner: this.#owner,
      options,
      courier: new Courier(place),
      supervisor: () => undefined,
    });
    this.walksAs(this.start(appLogic, { id: 'app', input: this.#app.input, body: this.#app }));
  }

  protected override causeOf({ type }: ModelEvent): Cause | undefined {
    const app = this.#app;
    if (isDelay(type)) return () => this.advanceTo(type);
    switch (type) {
      case 'owner.lost':
      case 'owner.returned':
        // In this order, as a session does it: it is away before its apps are told.
        return () => {
          this.#owner.connected = type === 'owner.returned';
          app.send({ type });
        };
      case 'app.connected':
        return () => {
          this.#link = { send: () => {} };
          app.connected(this.#link);
        };
      case 'app.disconnected': {
        const link = this.#link;
        return link && this.#isApp('running') ? () => app.disconnected(link) : undefined;
      }
      case 'app.startFailed':
        return this.#isApp('starting') ? () => this.#refused(type) : undefined;
      case 'app.stopped':
        if (this.is('stopping')) return () => this.system.flush();
        return this.#isApp('resurrecting') ? () => this.#hears(type) : undefined;
      default:
        return undefined;
    }
  }

  override check({ value, context }: AnyMachineSnapshot): void {
    const state = typeof value === 'string' ? value : (value as { alive: { app: string } }).alive.app;
    if (state !== this.#before) this.#entered[state] = this.#times(state) + 1;
    this.#before = state;
    expect(this.snapshot.context).toEqual(context);
    expect(this.#app.state).toBe(state);
    expect(this.#owner.resurrections, 'starts for an owner who is away').toEqual([]);
    expect(this.#app.starts, 'starts').toBe(this.#times('starting'));
    expect(this.#app.stops, 'stops').toBe(this.#times('resurrecting') + this.#times('stopping'));
    expect(this.#owner.noted('app.resurrectionSkipped'), 'starts that were not made').toBe(this.#times('disconnected'));
    if (this.#owner.connected) return;
    // A message for it is refused, wherever the app is, and is no reason to start it.
    const answer = this.#app.message('topic', Buffer.from('message'));
    expect(answer).toMatchObject({ sent: false, resurrectionTriggered: false });
  }

  override checkEnd(): void {
    expect(this.#owner.resurrections, 'starts for an owner who is away').toEqual([]);
    expect(this.#owner.noted('app.started'), 'starts').toBe(this.#times('starting'));
    expect(third.forged).toEqual([]);
  }

  #isApp(app: 'starting' | 'running' | 'resurrecting'): boolean {
    return this.is({ alive: { app } });
  }

  #times(state: string): number {
    return this.#entered[state] ?? 0;
  }

  /** The third party says no to the start that is on its way to it. */
  async #refused(type: string): Promise<void> {
    third.answers.push(500);
    await this.#hears(type);
    expect(third.answers, 'answers that nobody asked for').toEqual([]);
  }

  /** What the third party answers comes when it comes; nothing else happens meanwhile, for the clock stands still. */
  async #hears(type: string): Promise<void> {
    while (!this.received.includes(type)) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.system.flush();
    }
  }
}

walkEveryPath('an app', {
  machine: appMachine,
  size: { states: 39, moves: 130 },
  input: {
    graceMs,
    connectMs: attempts * webhookTimeoutMs + graceMs,
    stopMs: attempts * webhookTimeoutMs,
    resurrection: { attempts, slowMs: graceMs, slowLaneMs },
  } satisfies AppInput,
  events: [
    { type: 'owner.lost' },
    { type: 'owner.returned' },
    { type: 'app.connected' },
    { type: 'app.disconnected' },
    { type: 'app.startFailed' },
    { type: 'app.stopped' },
    { type: 'supervisor.stop', reason: 'shutdown' },
  ],
  begin: () => new AppSubject(),
  injected: {
    'supervisor.stop': 'the request as its supervisor sends it, delivered without what it posts being delivered too',
  },
});
