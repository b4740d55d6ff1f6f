/**
 * All sessions by node id, and how one begins: by a hello, or by a call of somebody who never said hello. One node id has
 * one session. Whoever comes later with the same node id replaces the one before, which is told so and is gone before the
 * new one begins.
 */

import { nanoid } from 'nanoid';
import type { AnyActorRef } from 'xstate';
import { startChild } from '../otp/supervisor-api.js';
import type { AppLink } from './app.js';
import { appNotFound } from './apps.js';
import { registrationError } from './client.js';
import type { ClientInfo, ClientManager, Registration } from './client-manager.js';
import { ControlStream } from './control-stream.js';
import type { Courier } from './courier.js';
import { GatewayError } from './gateway-error.js';
import { checkName, clientInfoOf } from './hello.js';
import type { GatewayOptions } from './options.js';
import type { OwnershipStore, OwnershipToken } from './ownership.js';
import { Session, type SessionParts, sessionLogic } from './session.js';
import { ended } from './session-end.js';
import type { Switchboard } from './switchboard.js';
import type { ControlWire, Hello } from './transport.js';
import type { SessionView } from './views.js';

/** How often a hello may find another one in its place before it is told to come back later. */
const TRIES_MAX = 100;

export interface SessionsParts {
  readonly options: GatewayOptions;
  readonly manager: ClientManager;
  /** The supervisor of sessions that is alive now. */
  readonly supervisor: () => AnyActorRef | undefined;
  readonly ownership: OwnershipStore;
  readonly courier: Courier;
  readonly board: Switchboard;
  readonly note: SessionParts['note'];
}

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #byNode = new Map<string, Session>();

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#byNode.size;
  }

  all(): IterableIterator<Session> {
    return this.#byNode.values();
  }

  get(nodeId: string): Session | undefined {
    return this.#byNode.get(nodeId);
  }

  /** Everybody alive, for a fresh client manager. */
  *registrations(): Generator<Registration> {
    for (const session of this.#byNode.values()) {
      const { client, nodeId } = session;
      if (!session.alive) continue;
      if (!client.process?.alive) {
        // It is waited for, or is being resumed on another connection.
        if (client.mayReturn && !session.connecting) yield { held: nodeId };
        continue;
      }
      yield { client: client.process.ref, info: client.info };
      for (const stream of session.streams) {
        if (!stream.alive) continue;
        const { ref } = stream.process;
        const { endpoint } = client.info;
        if (stream !== client.control) yield { nodeId, stream: ref, control: false };
        else yield { nodeId, stream: ref, control: true, ...(endpoint === undefined ? {} : { endpoint }) };
      }
    }
  }

  /** A hello: a new session, the resumption of one, or the upgrade of an implicit client, whose calls stay. */
  async connect(hello: Hello, wire: ControlWire): Promise<ControlStream> {
    const info = clientInfoOf(hello, this.#parts.options.node.realm);
    const owner = hello.role === 'app' ? this.#ownerOf(hello) : undefined;
    const { session, resumed } = await this.#sessionFor(hello, info);
    const { client } = session;
    const control = new ControlStream(client, wire, this.#parts.options.stream);
    await session.startStream(control, (ref) => {
      client.takeControl(control);
      // By now its session may belong to somebody else, in whose name it must not be registered.
      if (!control.alive || !client.process.alive) return connectionEnded(client.nodeId);
      const refusal = this.#parts.manager.storeClientStream(client.nodeId, ref, info.endpoint);
      return refusal === undefined ? undefined : registrationError(refusal, client.nodeId);
    });
    if (owner && !owner.apps.get(hello.packageName)) {
      // The owner has left meanwhile; nobody could come back to a session that was never welcomed.
      session.end({ shutdown: 'app_not_found' });
      throw appNotFound(owner.nodeId, hello.packageName);
    }
    control.begin();
    control.say({
      type: 'welcome',
      clientId: client.id,
      sessionId: session.id,
      resumeToken: session.rotateToken(),
      token: session.token,
      heartbeatMs: this.#parts.options.session.heartbeatMs,
      resumed,
    });
    this.#parts.board.join(session, control);
    if (owner) this.#attachApp(owner, hello.packageName, control);
    return control;
  }

  /** The session that an app names. The app is a client of its own and never that session's. */
  #ownerOf({ nodeId, sessionId, packageName }: Hello): Session {
    for (const session of this.#byNode.values()) {
      if (session.id !== sessionId || !session.alive) continue;
      if (session.nodeId === nodeId) {
        throw new GatewayError('invalid_argument', `hello.node_id: an app needs a name of its own, got its owner's`);
      }
      if (!session.apps.get(packageName)) throw appNotFound(session.nodeId, packageName);
      return session;
    }
    throw new GatewayError(
      'session_not_found',
      `session_not_found: hello.session_id: there is no session "${sessionId}"`,
    );
  }

  /** Lets the app's actor know that it is there, and later that it is not. */
  #attachApp(owner: Session, packageName: string, control: ControlStream): void {
    // It may have gone already, and then nobody would say so.
    if (!control.alive) return;
    const link: AppLink = { send: (topic, payload) => control.event(topic, payload) };
    const app = owner.apps.connected(packageName, link);
    control.onClosed = () => app.disconnected(link);
  }

  async #sessionFor(hello: Hello, info: ClientInfo): Promise<{ readonly session: Session; readonly resumed: boolean }> {
    const { nodeId } = info;
    const present = this.#byNode.get(nodeId);
    await present?.begun;
    if (present && hello.ordinal !== 0 && hello.ordinal < present.ordinal) {
      throw new GatewayError(
        'stale_connect',
        `stale_connect: hello.ordinal: expected at least ${present.ordinal}, got ${hello.ordinal}`,
      );
    }
    if (hello.resumeToken !== '') {
      const session = this.#opened(present, hello);
      await session.resume(info);
      return { session, resumed: true };
    }
    if (present?.alive && present.client.implicit) {
      await present.client.ready;
      // Until now it was somebody of this gateway only. Its last call may end meanwhile: then this is somebody new.
      const token = await this.#claim(nodeId, hello.ordinal, true, () => present);
      if (present.client.process.alive) {
        Object.assign(present, { token, ordinal: Math.max(present.ordinal, hello.ordinal) });
        present.client.upgrade(info);
        return { session: present, resumed: false };
      }
    }
    const session = await this.#replace(info, hello.ordinal);
    await session.client.ready;
    return { session, resumed: false };
  }

  /** The session that the hello's token opens. The token is spent by it. */
  #opened(present: Session | undefined, { nodeId, resumeToken, ordinal }: Hello): Session {
    const nowMs = present?.process?.system.clock.now() ?? 0;
    if (!present?.alive || present.state === 'disposed' || !present.resumeToken.opens(resumeToken, nowMs)) {
      throw new GatewayError('unauthenticated', `unauthenticated: hello.resume_token opens no session of "${nodeId}"`);
    }
    present.rotateToken();
    present.ordinal = Math.max(present.ordinal, ordinal);
    return present;
  }

  /** The session that a call belongs to: that of the client it names, or one of its own. */
  async forCall(nodeId: string | undefined): Promise<Session> {
    if (nodeId !== undefined) checkName('x-node-id', nodeId);
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const present = nodeId === undefined ? undefined : this.#byNode.get(nodeId);
      await present?.begun;
      if (present && !present.alive) continue;
      // Whoever is in grace is not present; a call in their name is somebody of its own until they are back.
      const attached = present?.state === 'grace' ? undefined : present;
      const name = present ? undefined : nodeId;
      const session = attached ?? (await this.#begin({ nodeId: name ?? `anon-${nanoid(12)}`, implicit: true }, 0));
      if (!session) continue;
      await session.client.ready;
      return session;
    }
    throw this.#crowded(nodeId ?? '');
  }

  views(): readonly SessionView[] {
    return [...this.#byNode.values()]
      .filter((session) => session.alive && session.state !== 'disposed')
      .map((session) => ({
        id: session.process.path,
        nodeId: session.nodeId,
        state: session.state,
      }));
  }

  /** Ends whoever holds the node id and begins a session in its place. */
  async #replace(info: ClientInfo, ordinal: number): Promise<Session> {
    let highest = ordinal;
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const present = this.#byNode.get(info.nodeId);
      if (present) {
        highest = Math.max(highest, present.ordinal);
        await ended(present, () => present.supersede());
      }
      const session = await this.#begin(info, highest);
      if (session) return session;
    }
    throw this.#crowded(info.nodeId);
  }

  #crowded(nodeId: string): GatewayError {
    return new GatewayError('superseded', `superseded: too many connects at once for "${nodeId}"`, {
      retryAfterMs: 1_000,
    });
  }

  /** Takes the node id. Whoever takes it elsewhere later ends the session that is named then. */
  #claim(
    nodeId: string,
    ordinal: number,
    shared: boolean,
    sessionNow: () => Session | undefined,
  ): Promise<OwnershipToken> {
    return this.#parts.ownership.claim(nodeId, {
      ordinal,
      shared,
      onLost: (reason) => {
        const session = sessionNow();
        if (reason === 'superseded') session?.supersede();
        else session?.end({ shutdown: reason });
      },
    });
  }

  /** Begins a session; `undefined` when somebody else has just begun one for this node id. */
  async #begin(info: ClientInfo, ordinal: number): Promise<Session | undefined> {
    const { options, manager, supervisor, ownership, courier, note } = this.#parts;
    const { nodeId } = info;
    // A claim makes the token before it stale, so nobody claims what somebody else holds here; of several who claim at
    // once the last one begins, and the others look again.
    if (this.#byNode.has(nodeId)) return undefined;
    const claimed: { session?: Session } = {};
    const token = await this.#claim(nodeId, ordinal, info.implicit !== true, () => claimed.session);
    const parent = supervisor();
    if (!parent) throw registrationError('noproc', nodeId);
    if (this.#byNode.has(nodeId) || !ownership.owns(nodeId, token)) return undefined;
    const session: Session = new Session({
      id: sessionId(),
      options,
      client: { manager, info, ...options.session },
      token,
      ordinal,
      courier,
      note,
      onEnd: () => {
        ownership.release(nodeId, session.token);
        if (this.#byNode.get(nodeId) === session) this.#byNode.delete(nodeId);
      },
    });
    claimed.session = session;
    this.#byNode.set(nodeId, session);
    const starting = startChild(parent, {
      id: `session:${nodeId}`,
      type: 'supervisor',
      restart: 'temporary',
      start: ({ spawn }) => spawn(sessionLogic, undefined, session),
    }).catch((error: unknown) => ({ error }));
    session.begun = starting.then(() => {});
    const answer = await starting;
    session.begun = BEGUN;
    if (!answer.error) return session;
    ownership.release(nodeId, token);
    if (this.#byNode.get(nodeId) === session) this.#byNode.delete(nodeId);
    throw registrationError('noproc', nodeId);
  }
}

const BEGUN = Promise.resolve();

/** In one piece: a string that was put together of single characters holds on to all of its parts. */
function sessionId(): string {
  return Buffer.from(nanoid(), 'latin1').toString('latin1');
}

function connectionEnded(nodeId: string): GatewayError {
  return new GatewayError('superseded', `superseded: the connection of "${nodeId}" ended while it began`);
}
