/**
 * A client as an actor: the chart of `machines/client.ts`, its registration in the client manager, and the words said to
 * it on its control stream.
 */

import { type ClientEvent, type ClientInput, clientMachine } from '../../machines/client.js';
import { describeReason, type ExitReason } from '../otp/exit-reason.js';
import type { Process, ProcessBody } from '../otp/process.js';
import { bodyOf } from './body.js';
import type { ClientInfo, ClientManager } from './client-manager.js';
import { GatewayError } from './gateway-error.js';
import type { StreamBody } from './stream.js';
import type { ServerWord } from './transport.js';

/** Ends after which a client does not come back: it left, it was replaced, or this gateway goes away. */
const LEAVING: ReadonlySet<unknown> = new Set(['bye', 'superseded', 'fenced', 'drain', 'max_clients_reached']);

/** Whether somebody who ended so is not waited for. */
export function hasLeft(reason: ExitReason): boolean {
  if (typeof reason === 'object' && 'shutdown' in reason) return LEAVING.has(reason.shutdown);
  return reason === 'normal' || reason === 'shutdown';
}

/** A stream on which a client can be spoken to. */
export type ClientControl = StreamBody & { say(word: ServerWord): void };

export interface ClientOptions {
  readonly manager: ClientManager;
  readonly info: ClientInfo;
  readonly inactivityMs: number;
  readonly heartbeatMs: number;
}

export class Client implements ProcessBody {
  /** Resolves when it is registered; rejects with a `GatewayError` when it is refused or ends before. */
  ready: Promise<void>;
  /** Called when it is registered, and again when it is upgraded. */
  onReady: () => void = nothing;
  readonly #options: ClientOptions;
  #info: ClientInfo;
  #process: Process | undefined;
  #control: ClientControl | undefined;
  #handedOver = false;
  #settle: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#info = options.info;
    this.ready = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever waits hears of it; when nobody does, a refusal is no unhandled rejection.
    this.ready.catch(() => {});
  }

  attach(process: Process): void {
    this.#process = process;
    process.scope.acquire('registration', () => {
      this.#options.manager.clientDisconnected(process.ref, { left: this.#leaves(process.exit ?? 'normal') });
      if (!this.#settle) return;
      const message = `superseded: client "${this.nodeId}" ended while connecting`;
      this.#settle.reject(new GatewayError('superseded', message));
    });
  }

  get process(): Process {
    return this.#process as Process;
  }

  get id(): string {
    return this.process.path;
  }

  get nodeId(): string {
    return this.#info.nodeId;
  }

  get info(): ClientInfo {
    return this.#info;
  }

  get implicit(): boolean {
    return this.#info.implicit === true;
  }

  get control(): ClientControl | undefined {
    return this.#control;
  }

  get input(): ClientInput {
    const { inactivityMs, heartbeatMs } = this.#options;
    return { implicit: this.implicit, inactivityMs, heartbeatMs };
  }

  send(event: ClientEvent): void {
    this.#process?.send(event);
  }

  /** A hello for a client that was known by its calls alone. Its calls stay. */
  upgrade(info: ClientInfo): void {
    this.#info = info;
    this.#options.manager.clientConnected(this.process.ref, info);
    this.send({ type: 'client.upgraded' });
  }

  /** It makes room for its owner, who is back on another connection: its place is held meanwhile. */
  handOver(): void {
    this.#handedOver = true;
    this.send({ type: 'client.superseded' });
  }

  takeControl(control: ClientControl): void {
    this.#control = control;
    // It may have ended before it was ours; then that end was nobody's, and is told now.
    if (!control.alive) this.controlClosed(control, control.process.exit ?? 'killed');
  }

  controlClosed(control: ClientControl, reason: ExitReason): void {
    if (this.#control !== control) return;
    this.#control = undefined;
    this.process.system.post(this.process.ref, { type: 'stream.closed', reason } as ClientEvent);
  }

  /** It is not here, and its place is held for it. */
  get mayReturn(): boolean {
    const exit = this.#process?.exit;
    return this.#info.resumable === true && (exit === undefined || !this.#leaves(exit));
  }

  #leaves(reason: ExitReason): boolean {
    return hasLeft(reason) && !this.#handedOver;
  }

  // Effects of the chart

  registerClient(): void {
    const { ref, system } = this.process;
    const refusal = this.#options.manager.clientConnected(ref, this.#info);
    if (refusal === undefined) {
      system.post(ref, { type: 'client.registered' });
      return;
    }
    this.#settle?.reject(registrationError(refusal, this.nodeId));
    system.post(ref, { type: 'client.refused', reason: { shutdown: refusal } } as ClientEvent);
  }

  welcomeClient(): void {
    this.#settle?.resolve();
    // Who asks from now on is told the same by a promise that all clients share.
    this.#settle = undefined;
    this.ready = READY;
    this.onReady();
  }

  sendHeartbeat(): void {
    this.#control?.say({ type: 'heartbeat', timestampMs: this.process.system.clock.wallMs() });
  }

  /** The last word: why it has to go, and whether it may come back at once. */
  sayBye(reason: ExitReason): void {
    const control = this.#control;
    this.#control = undefined;
    this.#options.manager.clientDisconnected(this.process.ref, { left: this.#leaves(reason) });
    if (!control) return;
    const detail =
      typeof reason === 'object' && 'shutdown' in reason ? String(reason.shutdown) : describeReason(reason);
    if (detail !== 'bye') {
      control.say({ type: 'bye', reason: detail, retryAfterMs: 0, reconnect: detail !== 'superseded' });
    }
    control.send({ type: 'owner.lost', reason });
  }
}

const READY = Promise.resolve();
const nothing = (): void => {};

export function registrationError(refusal: string, nodeId: string): GatewayError {
  switch (refusal) {
    case 'max_clients_reached':
      return new GatewayError(refusal, `${refusal}: no room for another client`);
    case 'max_streams_reached':
      return new GatewayError(refusal, `${refusal}: client "${nodeId}" has as many streams as it may have`);
    case 'node_id_required':
      return new GatewayError('invalid_argument', 'hello.node_id: expected a name, got an empty string');
    default:
      return new GatewayError('draining', `draining: the client manager is restarting (${refusal})`, {
        retryAfterMs: 100,
      });
  }
}

export const clientLogic = clientMachine.provide({
  actions: {
    registerClient: ({ self }) => bodyOf<Client>(self).registerClient(),
    welcomeClient: ({ self }) => bodyOf<Client>(self).welcomeClient(),
    sendHeartbeat: ({ self }) => bodyOf<Client>(self).sendHeartbeat(),
    sayBye: ({ context, self }) => bodyOf<Client>(self).sayBye(context.reason),
  },
});
