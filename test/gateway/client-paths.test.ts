/**
 * A client along every path of `machines/client.ts`: the real actor in a real session, with its control stream, its calls
 * and the client manager; only the wire is the test's.
 */
import { describe, expect } from 'vitest';
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { type ClientInput, clientMachine } from '../../machines/client.js';
import { configure } from '../../src/configuration.js';
import type { Client } from '../../src/gateway/client.js';
import { ClientManager, clientManagerLogic } from '../../src/gateway/client-manager.js';
import { ControlStream } from '../../src/gateway/control-stream.js';
import { Courier } from '../../src/gateway/courier.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import { Place } from '../../src/gateway/place.js';
import { Session, sessionLogic } from '../../src/gateway/session.js';
import type { ExitReason } from '../../src/otp/exit-reason.js';
import type { Process } from '../../src/otp/process.js';
import { RecordedControl } from './paths/held-wire.js';
import { isDelay, type ModelEvent } from './paths/model.js';
import { type Cause, Subject } from './paths/subject.js';
import { walkEveryPath } from './paths/walk.js';

const STREAM = configure({}).stream as GatewayOptions['stream'];

const NODE_ID = 'n1';
const options = configure({}) as GatewayOptions;
const { inactivityMs, heartbeatMs } = options.session;

class ClientSubject extends Subject {
  readonly #manager: ClientManager;
  readonly #session: Session;
  readonly #client: Client;
  readonly #implicit: boolean;
  readonly #full: boolean;
  readonly #wire = new RecordedControl();
  #control: ControlStream | undefined;
  /** A call of somebody who never said hello. */
  #call: ControlStream | undefined;

  constructor(way: readonly ModelEvent[], implicit: boolean) {
    super();
    this.#implicit = implicit;
    this.#full = way[0]?.type === 'client.refused';
    const manager: Process = this.start(clientManagerLogic, {
      id: 'clients',
      input: { clientsMax: this.#full ? 1 : 100, streamsPerClientMax: 4, adopt: () => [] },
    });
    this.#manager = new ClientManager(() => manager);
    if (this.#full) this.#manager.clientConnected(this.bystander('other'), { nodeId: 'other' });
    this.#session = new Session({
      id: 's1',
      options,
      client: { manager: this.#manager, info: { nodeId: NODE_ID, implicit }, inactivityMs, heartbeatMs },
      token: { era: 1, rev: 1 },
      ordinal: 0,
      courier: new Courier(new Place()),
      note: () => {},
      onEnd: () => {},
    });
    this.#client = this.#session.client;
    this.start(sessionLogic, { id: 'session', input: { session: this.#session }, body: this.#session });
    this.walksAs(this.#client.process);
  }

  protected override causeOf({ type }: ModelEvent): Cause | undefined {
    const registering = this.is({ alive: 'registering' });
    const attached = this.is({ alive: 'attached' });
    const control = this.#control;
    if (isDelay(type)) return () => this.advanceTo(type);
    switch (type) {
      case 'client.registered':
        return registering && !this.#full ? () => this.#register() : undefined;
      case 'client.refused':
        return registering && this.#full ? () => this.system.flush() : undefined;
      case 'client.upgraded':
        return attached ? () => this.#upgrade() : undefined;
      case 'message.received':
        return control && (() => control.heard());
      case 'client.bye':
        return control && (() => control.bye('done'));
      case 'client.unused':
        return attached ? () => this.#endCall() : undefined;
      case 'client.superseded':
        return registering ? undefined : () => this.#supersede();
      case 'stream.closed':
        return control && (() => this.#cancel(control));
      default:
        return undefined;
    }
  }

  override check({ value, context, status }: AnyMachineSnapshot): void {
    const { reason } = context as { reason: ExitReason };
    const gone = value === 'gone';
    expect((this.snapshot.context as { reason: ExitReason }).reason).toEqual(reason);
    expect(this.process.exit).toEqual(status === 'done' ? reason : undefined);
    const { ref } = this.process;
    expect(this.#manager.getClientInfo(ref) !== undefined, 'known to the manager').toBe(!gone && !this.#full);
    expect(this.#manager.faults()).toEqual([]);
    if (this.#control) this.#checkWords(gone, this.received.at(-1) === 'stream.closed');
  }

  override checkEnd(): void {
    if (this.#control) expect(this.#wire.ends, 'ends of the wire').toHaveLength(1);
    expect(this.#manager.counts).toEqual({ clients: 0, clientStreams: 0, streams: 0 });
  }

  /** The last word is said once, to whoever is still there to hear it and did not say it first. */
  #checkWords(gone: boolean, hungUp: boolean): void {
    const detail = (this.process.exit as { shutdown?: string } | undefined)?.shutdown ?? this.process.exit;
    const silent = !gone || hungUp || detail === 'bye';
    expect(this.#wire.of('bye')).toEqual(
      silent ? [] : [{ type: 'bye', reason: detail, retryAfterMs: 0, reconnect: detail !== 'superseded' }],
    );
    expect(this.#wire.ends.length, 'ends of the wire').toBe(gone ? 1 : 0);
    expect(this.#wire.of('heartbeat').length).toBeGreaterThanOrEqual(
      this.received.at(-1)?.includes('heartbeat') ? 1 : 0,
    );
  }

  #register(): void | Promise<void> {
    this.system.flush();
    return this.#implicit ? this.#beginCall() : this.#beginControl();
  }

  async #beginControl(): Promise<void> {
    const control = new ControlStream(this.#client, this.#wire, STREAM);
    await this.#session.startStream(control, (ref: AnyActorRef) => {
      this.#client.takeControl(control);
      expect(this.#manager.storeClientStream(NODE_ID, ref)).toBeUndefined();
      return undefined;
    });
    control.begin();
    this.#control = control;
  }

  async #beginCall(): Promise<void> {
    const call = new ControlStream(this.#client, new RecordedControl(), STREAM);
    await this.#session.startStream(call, (ref: AnyActorRef) => {
      expect(this.#manager.attachStream(NODE_ID, ref)).toBeUndefined();
      return undefined;
    });
    call.begin();
    this.#call = call;
  }

  async #upgrade(): Promise<void> {
    this.#client.upgrade({ nodeId: NODE_ID });
    await this.#beginControl();
  }

  #endCall(): void {
    this.#call?.peerCancelled();
    this.system.flush();
  }

  #cancel(control: ControlStream): void {
    control.peerCancelled();
    this.system.flush();
  }

  /** Somebody else takes the node id. */
  #supersede(): void {
    this.#manager.clientConnected(this.bystander('newcomer'), { nodeId: NODE_ID });
    this.system.flush();
  }
}

describe.each([
  ['a client that said hello', false, { states: 8, moves: 11 }],
  ['a client known by its calls alone', true, { states: 10, moves: 17 }],
])('%s', (who, implicit, size) => {
  walkEveryPath(who, {
    machine: clientMachine,
    size,
    input: { implicit, inactivityMs, heartbeatMs } satisfies ClientInput,
    events: [
      { type: 'client.registered' },
      { type: 'client.refused', reason: { shutdown: 'max_clients_reached' } },
      { type: 'client.upgraded' },
      { type: 'message.received' },
      { type: 'client.bye' },
      { type: 'client.unused' },
      { type: 'client.superseded' },
      { type: 'stream.closed', reason: { shutdown: 'cancelled' } },
      { type: 'supervisor.stop', reason: { shutdown: 'drain' } },
    ],
    begin: (way) => new ClientSubject(way, implicit),
    injected: {
      'client.bye': 'before it is connected a client has no control stream to say it on',
      'client.superseded': 'what it is told while it registers comes after the answer; here it comes first',
      'stream.closed': 'before it is connected a client has no control stream that could close',
      'supervisor.stop': 'the request as its supervisor sends it, delivered without what it posts being delivered too',
    },
  });
});
