/**
 * A session along every path of `machines/session.ts`: the real keeper under the real session, with real clients that
 * come, are lost and come back, and the client manager that holds their place.
 */
import { expect } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { type SessionInput, sessionMachine } from '../../machines/session.js';
import { configure } from '../../src/configuration.js';
import { ClientManager, clientManagerLogic } from '../../src/gateway/client-manager.js';
import { Courier } from '../../src/gateway/courier.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import { Place } from '../../src/gateway/place.js';
import { Session, sessionLogic } from '../../src/gateway/session.js';
import type { ExitReason } from '../../src/otp/exit-reason.js';
import { exit } from '../../src/otp/signals.js';
import { childrenOf } from '../../src/otp/supervisor.js';
import { isDelay, type ModelEvent } from './paths/model.js';
import { type Cause, Subject } from './paths/subject.js';
import { walkEveryPath } from './paths/walk.js';

const NODE_ID = 'n1';
const info = { nodeId: NODE_ID, resumable: true };
const options = configure({}) as GatewayOptions;
const { inactivityMs, heartbeatMs, attachMs, graceMs } = options.session;

class SessionSubject extends Subject {
  readonly #manager: ClientManager;
  readonly #session: Session;
  readonly #notes: string[] = [];
  #ends = 0;

  constructor() {
    super();
    const manager = this.start(clientManagerLogic, {
      id: 'clients',
      input: { clientsMax: 1, streamsPerClientMax: 4, adopt: () => [] },
    });
    this.#manager = new ClientManager(() => manager);
    this.#session = new Session({
      id: 's1',
      options,
      client: { manager: this.#manager, info, inactivityMs, heartbeatMs },
      token: { era: 1, rev: 1 },
      ordinal: 0,
      courier: new Courier(new Place()),
      note: (type) => this.#notes.push(type),
      onEnd: () => {
        this.#ends += 1;
      },
    });
    const session = this.start(sessionLogic, { id: 'session', input: { session: this.#session }, body: this.#session });
    const keeper = childrenOf(session.ref).find(({ process }) => process?.kind === 'session')?.process;
    if (!keeper) throw new Error('the session has no keeper');
    this.walksAs(keeper);
  }

  protected override causeOf({ type }: ModelEvent): Cause | undefined {
    const { client } = this.#session;
    const connecting = this.is({ alive: 'connecting' });
    const connected = this.is({ alive: 'connected' });
    const grace = this.is({ alive: 'grace' });
    if (isDelay(type)) return () => this.advanceTo(type);
    switch (type) {
      case 'client.connected':
        if (connecting) return () => this.system.flush();
        return grace ? () => this.#resume() : undefined;
      case 'client.lost':
        return connecting || connected ? () => this.#after(() => exit(client.process.ref, 'kill')) : undefined;
      case 'client.left':
        return connecting || connected ? () => this.#after(() => client.send({ type: 'client.bye' })) : undefined;
      case 'session.superseded':
        return grace ? () => this.#session.supersede() : undefined;
      case 'supervisor.stop':
        return grace ? () => this.#session.end({ shutdown: 'drain' }) : undefined;
      default:
        return undefined;
    }
  }

  override check({ value, context }: AnyMachineSnapshot): void {
    const disposed = value === 'disposed';
    expect((this.snapshot.context as { reason: ExitReason }).reason).toEqual(
      (context as { reason: ExitReason }).reason,
    );
    expect(this.#notes.filter((note) => note === 'session.disposed')).toHaveLength(disposed ? 1 : 0);
    expect(this.#session.state).toBe(disposed ? 'disposed' : this.#state);
    expect(this.#manager.faults()).toEqual([]);
    if (disposed) return;
    expect(this.#ends, 'ends').toBe(0);
    expect(this.#manager.counts.clients, 'clients').toBe(this.is({ alive: 'grace' }) ? 0 : 1);
    // One place, taken or held: nobody else gets it.
    expect(this.#manager.clientConnected(this.bystander('other'), { nodeId: 'other' })).toBe('max_clients_reached');
  }

  /** The session goes with its keeper by itself; nobody has to end it. */
  override async end(): Promise<void> {
    const disposed = this.is('disposed');
    await this.settled();
    if (disposed) {
      expect(this.#session.alive).toBe(false);
      expect(this.#manager.clientConnected(this.bystander('next'), { nodeId: 'next' })).toBeUndefined();
    }
    await super.end();
  }

  override checkEnd(): void {
    expect(this.#ends, 'ends').toBe(1);
  }

  get #state(): string {
    return ['connecting', 'connected', 'grace'].find((state) => this.is({ alive: state })) ?? '';
  }

  #after(act: () => void): void {
    act();
    this.system.flush();
  }

  async #resume(): Promise<void> {
    await this.#session.resume(info);
  }
}

walkEveryPath('a session', {
  machine: sessionMachine,
  size: { states: 9, moves: 15 },
  input: { attachMs, graceMs } satisfies SessionInput,
  events: [
    { type: 'client.connected' },
    { type: 'client.lost', reason: 'killed' },
    { type: 'client.left', reason: { shutdown: 'bye' } },
    { type: 'session.superseded' },
    { type: 'supervisor.stop', reason: { shutdown: 'drain' } },
  ],
  begin: () => new SessionSubject(),
  injected: {
    'client.left': 'in the grace there is no client that could leave',
    'session.superseded': 'while its client is here, the client is told, and the session hears that it left',
    'supervisor.stop': 'while its client is here, the client is told; here its supervisor tells the session itself',
  },
});
