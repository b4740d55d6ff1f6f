/**
 * A session as a supervisor: the keeper, which is the chart of `machines/session.ts`; the client, which comes, is lost and
 * comes back; and the client's streams. The keeper is significant: the session ends with it and with nothing else, and
 * nothing in it outlives it.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { type SessionEvent, sessionMachine } from '../../machines/session.js';
import type { ExitReason } from '../otp/exit-reason.js';
import { monitor } from '../otp/monitor.js';
import type { Process, ProcessBody } from '../otp/process.js';
import { supervisor } from '../otp/supervisor.js';
import { startChild } from '../otp/supervisor-api.js';
import { Apps } from './apps.js';
import { bodyOf } from './body.js';
import { Client, type ClientOptions, clientLogic, hasLeft } from './client.js';
import type { Courier } from './courier.js';
import { GatewayError } from './gateway-error.js';
import type { GatewayOptions } from './options.js';
import type { OwnershipToken } from './ownership.js';
import { ResumeToken } from './resume-token.js';
import { type StreamBody, streamInput, streamLogic } from './stream.js';
import { stateOf } from './structure.js';

/** How long a client or a stream of a session may take to end when it is asked to. */
const SHUTDOWN_MS = 2_000;

export interface SessionParts {
  readonly id: string;
  readonly options: GatewayOptions;
  readonly client: ClientOptions;
  /** This session's right to act for its node id. */
  readonly token: OwnershipToken;
  /** The highest ordinal that this node id has connected with. */
  readonly ordinal: number;
  readonly courier: Courier;
  /** What happened, for the chronicle: `session.grace`, `session.resumed`, `session.disposed`, `app.started`, … */
  readonly note: (
    type: string,
    session: Session,
    reason?: ExitReason,
    detail?: Readonly<Record<string, unknown>>,
  ) => void;
  /** The session is gone. */
  readonly onEnd: () => void;
}

export class Session implements ProcessBody {
  readonly id: string;
  readonly nodeId: string;
  /** Its right to act for its node id; another one when an implicit client becomes somebody. */
  token: OwnershipToken;
  readonly resumeToken = new ResumeToken();
  ordinal: number;
  /** Resolves when its start is over, however it went. */
  begun: Promise<void> = BEGUN;
  readonly #parts: SessionParts;
  /** Replaced, never changed. */
  #streams: readonly StreamBody[] = NO_STREAMS;
  readonly #keeper = new Keeper(this);
  #client: Client;
  #apps: Apps | undefined;
  #process: Process | undefined;
  #lastStream = 0;
  /** It is to end, whatever its client does: nobody comes back to it. */
  #ending = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.nodeId = parts.client.info.nodeId;
    this.token = parts.token;
    this.ordinal = parts.ordinal;
    this.#client = new Client(parts.client);
  }

  attach(process: Process): void {
    this.#process = process;
    process.scope.acquire('session_entry', () => {
      this.#parts.client.manager.releasePlace(this.nodeId);
      this.#parts.onEnd();
    });
  }

  get process(): Process {
    return this.#process as Process;
  }

  /** Made when somebody first asks for them: most sessions have none. */
  get apps(): Apps {
    this.#apps ??= new Apps(this, this.#parts.options, this.#parts.courier);
    return this.#apps;
  }

  get hasApps(): boolean {
    return this.#apps !== undefined;
  }

  /** Started, and not ended. */
  get alive(): boolean {
    return this.#process?.alive === true;
  }

  /** The client that is here, or was here last. */
  get client(): Client {
    return this.#client;
  }

  get keeper(): Keeper {
    return this.#keeper;
  }

  get streams(): readonly StreamBody[] {
    return this.#streams;
  }

  /** `connecting`, `connected` or `grace`; `disposed` at the end. */
  get state(): string {
    return this.#keeper.state;
  }

  /** Whether its client is here: nothing is started for somebody who is not. Its end is known before the keeper hears of it. */
  get connected(): boolean {
    return this.state === 'connected' && this.#client.process?.alive === true;
  }

  /** Its first client is not registered yet. */
  get connecting(): boolean {
    return this.state === 'connecting';
  }

  /** Ends it, telling its client why if there is one. */
  end(reason: ExitReason): void {
    this.#ending = true;
    if (this.#client.process?.alive) {
      this.#client.process.system.post(this.#client.process.ref, { type: 'supervisor.stop', reason } as never);
    } else this.#keeper.send({ type: 'supervisor.stop', reason });
  }

  /** A newer connect takes the node id. */
  supersede(): void {
    this.#ending = true;
    if (this.#client.process?.alive) this.#client.send({ type: 'client.superseded' });
    else this.#keeper.send({ type: 'session.superseded' });
  }

  /** A new token for the client that is here now. */
  rotateToken(): string {
    return this.resumeToken.rotate(this.process.system.clock.now(), this.#parts.options.session.tokenTtlMs);
  }

  /** The client is back, on another connection. The one before is told that it was replaced, if it still is there. */
  async resume(info: ClientOptions['info']): Promise<Client> {
    // Whoever takes the node id waits for the end of this session; nobody takes it over meanwhile.
    if (this.#ending) throw new GatewayError('superseded', `superseded: session "${this.nodeId}" is ending`);
    const before = this.#client;
    // From here on the end of the old client says nothing about this session.
    this.#client = new Client({ ...this.#parts.client, info });
    if (before.process?.alive) {
      await new Promise<void>((resolve) => {
        monitor(before.process.ref, () => resolve());
        before.handOver();
      });
    }
    await this.#start('client', CLIENT);
    await this.#client.ready;
    return this.#client;
  }

  /** Starts a stream under this session. It is registered by `register`; when that refuses, the stream is ended again. */
  async startStream<B extends StreamBody>(
    body: B,
    register: (ref: AnyActorRef) => GatewayError | undefined,
  ): Promise<B> {
    this.#lastStream += 1;
    await this.#start(`${body.kind}:${this.#lastStream}`, {
      restart: 'temporary',
      shutdown: SHUTDOWN_MS,
      start: { logic: streamLogic, input: streamInput(this.#parts.options.stream), body },
    });
    this.#streams = [...this.#streams, body];
    body.process.scope.acquire('stream_entry', () => {
      this.#streams = this.#streams.filter((other) => other !== body);
      if (this.#streams.length === 0) this.#client.send({ type: 'client.unused' });
    });
    const refused = register(body.process.ref);
    if (!refused) return body;
    body.send({ type: 'owner.lost', reason: { shutdown: refused } });
    throw refused;
  }

  async #start(id: string, spec: Omit<Parameters<typeof startChild>[1], 'id'>): Promise<void> {
    const answer = await startChild(this.process.ref, { id, ...spec }).catch((error: unknown) => ({ error }));
    if (answer.error) throw new GatewayError('superseded', `superseded: session "${this.nodeId}" is ending`);
  }

  /** A client of this session was registered. */
  clientConnected(client: Client): void {
    if (client === this.#client) this.#keeper.send({ type: 'client.connected' });
  }

  /** A client of this session has ended, and with it its streams. For the session only the current one matters. */
  clientDown(client: Client, reason: ExitReason): void {
    // The client manager has told them already, unless it was not there to be told of this end.
    for (const stream of this.#streams) stream.send({ type: 'owner.lost', reason: { shutdown: 'client_gone' } });
    if (client !== this.#client) return;
    // The token's time counts from when its owner was last here.
    this.resumeToken.renew(client.process.system.clock.now(), this.#parts.options.session.tokenTtlMs);
    const gone = this.#ending || client.info.resumable !== true || hasLeft(reason);
    this.#keeper.send({ type: gone ? 'client.left' : 'client.lost', reason });
  }

  note(type: string, reason?: ExitReason, detail?: Readonly<Record<string, unknown>>): void {
    this.#parts.note(type, this, reason, detail);
  }

  get input(): { readonly attachMs: number; readonly graceMs: number } {
    return this.#parts.options.session;
  }
}

/** The body of a session's chart. */
export class Keeper implements ProcessBody {
  readonly #session: Session;
  #process: Process | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  attach(process: Process): void {
    this.#process = process;
  }

  get state(): string {
    const state = this.#process ? stateOf(this.#process) : 'alive.connecting';
    return state.replace('alive.', '');
  }

  send(event: SessionEvent): void {
    this.#process?.send(event);
  }

  suspendSession(): void {
    this.#session.note('session.grace');
    if (this.#session.hasApps) this.#session.apps.ownerLost();
  }

  resumeSession(): void {
    this.#session.note('session.resumed');
    if (this.#session.hasApps) this.#session.apps.ownerReturned();
  }

  disposeSession(reason: ExitReason): void {
    this.#session.note('session.disposed', reason);
  }
}

const BEGUN = Promise.resolve();
const NO_STREAMS: readonly StreamBody[] = [];

const keeperLogic = sessionMachine.provide({
  actions: {
    suspendSession: ({ self }) => bodyOf<Keeper>(self).suspendSession(),
    resumeSession: ({ self }) => bodyOf<Keeper>(self).resumeSession(),
    disposeSession: ({ context, self }) => bodyOf<Keeper>(self).disposeSession(context.reason),
  },
});

/** One for all sessions: whose it is, its supervisor knows. */
const CLIENT: Omit<Parameters<typeof startChild>[1], 'id'> = {
  restart: 'temporary',
  shutdown: SHUTDOWN_MS,
  start: ({ spawn, supervisor: of }) => {
    const session = bodyOf<Session>(of);
    const { client } = session;
    client.onReady = () => session.clientConnected(client);
    const ref = spawn(clientLogic, client.input, client);
    monitor(ref, ({ reason }) => session.clientDown(client, reason));
    return ref;
  },
};

/** Its body is the session. */
export const sessionLogic: AnyActorLogic = supervisor({
  autoShutdown: 'any_significant',
  parallelStop: true,
  children: [
    {
      id: 'keeper',
      restart: 'temporary',
      significant: true,
      shutdown: SHUTDOWN_MS,
      start: ({ spawn, supervisor: of }) => {
        const { input, keeper } = bodyOf<Session>(of);
        return spawn(keeperLogic, input, keeper);
      },
    },
    { id: 'client', ...CLIENT },
  ],
});
