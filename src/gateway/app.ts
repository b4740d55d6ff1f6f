/**
 * An app as an actor: the chart of `machines/app.ts` over a driver, which starts and stops the third party. A start runs
 * through the app's scope and is aborted when the owner is lost, so that no start is ever made for somebody who has gone.
 */
import type { AnyActorRef } from 'xstate';
import { type AppEvent, type AppInput, appMachine } from '../../machines/app.js';
import type { StartContext } from '../otp/child-spec.js';
import type { ExitReason } from '../otp/exit-reason.js';
import { monitor } from '../otp/monitor.js';
import { type Process, type ProcessBody, processOf } from '../otp/process.js';
import { requestStop } from '../otp/signals.js';
import { startChild } from '../otp/supervisor-api.js';
import { bodyOf } from './body.js';
import type { Courier } from './courier.js';
import type { GatewayOptions } from './options.js';
import type { OwnershipToken } from './ownership.js';
import { stateOf } from './structure.js';
import type { WebhookTarget } from './webhook.js';

/** Whom an app acts for: what it needs of a session. */
export interface AppOwner {
  readonly id: string;
  readonly nodeId: string;
  /** The right to act for the node id; what is told to third parties carries it. */
  readonly token: OwnershipToken;
  /** Whether the client is here. Nothing is started for one who is not. */
  readonly connected: boolean;
  note(type: string, reason?: ExitReason, detail?: Readonly<Record<string, unknown>>): void;
}

/** An app that runs elsewhere: it is told by webhook, and connects back with role APP. */
export interface RemoteApp {
  readonly packageName: string;
  readonly start: WebhookTarget;
  readonly stop: WebhookTarget;
}

/** An app in this process: a child that the host gives. It is connected while it lives. */
export interface LocalApp {
  readonly packageName: string;
  readonly child: (context: StartContext, owner: AppOwner) => AnyActorRef;
  /** Hands it a message. Default: the event `{ type: 'app.message', topic, payload }`. */
  readonly deliver?: (app: AnyActorRef, topic: string, payload: Buffer) => void;
}

export type AppSpec = RemoteApp | LocalApp;

/** Whoever is at the other end now. */
export interface AppLink {
  send(topic: string, payload: Buffer): void;
}

export interface SendResult {
  readonly sent: boolean;
  /** A start of it is under way, so that the same message may reach it soon. No message is the reason for one. */
  readonly resurrectionTriggered: boolean;
  readonly error?: string;
}

export interface AppParts {
  readonly spec: AppSpec;
  readonly owner: AppOwner;
  readonly options: GatewayOptions;
  readonly courier: Courier;
  /** The supervisor under which local apps run: that of all apps of the session. */
  readonly supervisor: () => AnyActorRef | undefined;
}

/** States in which a start is under way or due. */
const STARTING: readonly string[] = ['starting', 'resurrecting', 'failing', 'pausing'];

export class App implements ProcessBody {
  readonly spec: AppSpec;
  readonly #owner: AppOwner;
  readonly #options: GatewayOptions;
  readonly #courier: Courier;
  readonly #supervisor: () => AnyActorRef | undefined;
  #process: Process | undefined;
  #link: AppLink | undefined;
  #starting: AbortController | undefined;
  #local: Process | undefined;
  /** The third party was told to start, and not yet to stop. */
  #stopOwed = false;
  #starts = 0;
  #stops = 0;

  constructor({ spec, owner, options, courier, supervisor }: AppParts) {
    this.spec = spec;
    this.#owner = owner;
    this.#options = options;
    this.#courier = courier;
    this.#supervisor = supervisor;
  }

  attach(process: Process): void {
    this.#process = process;
    process.scope.acquire('app', () => {
      this.abortStart();
      this.#local?.terminate('shutdown');
      // Whatever its end was: who was told to start is told to stop.
      if (this.#stopOwed) this.stopApp(false);
    });
  }

  get process(): Process {
    return this.#process as Process;
  }

  get input(): AppInput {
    const { graceMs, attempts, webhookTimeoutMs, slowLaneMs } = this.#options.app;
    const callsMs = attempts * webhookTimeoutMs;
    return {
      graceMs,
      connectMs: callsMs + graceMs,
      stopMs: callsMs,
      resurrection: { attempts, slowMs: graceMs, slowLaneMs },
    };
  }

  /** `starting`, `running`, `grace`, `resurrecting`, `pausing`, `disconnected`; `stopped` at the end. */
  get state(): string {
    // Asked for, and not yet begun by its supervisor.
    if (!this.#process) return 'starting';
    const state = stateOf(this.#process);
    return /app\.(\w+)/.exec(state)?.[1] ?? state;
  }

  /** How often it was started, for whoever counts. */
  get starts(): number {
    return this.#starts;
  }

  get stops(): number {
    return this.#stops;
  }

  send(event: AppEvent): void {
    if (this.#process?.alive) this.#process.ref.send(event);
  }

  /** It connected back. The link is the latest; one before is forgotten. */
  connected(link: AppLink): void {
    this.#link = link;
    this.send({ type: 'app.connected' });
  }

  disconnected(link: AppLink): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.send({ type: 'app.disconnected' });
  }

  /** A message for the app. Without an owner who is there it is refused, and nothing is started for it. */
  message(topic: string, payload: Buffer): SendResult {
    if (!this.#owner.connected) {
      return { sent: false, resurrectionTriggered: false, error: `owner "${this.#owner.nodeId}" is not connected` };
    }
    if (this.#link) {
      this.#link.send(topic, payload);
      return { sent: true, resurrectionTriggered: false };
    }
    const { state } = this;
    const resurrectionTriggered = STARTING.includes(state);
    return { sent: false, resurrectionTriggered, error: `app "${this.spec.packageName}" is ${state}` };
  }

  // Effects of the chart

  startApp(): void {
    this.#starts += 1;
    this.#owner.note('app.started', undefined, { packageName: this.spec.packageName, start: this.#starts });
    if ('child' in this.spec) this.#startLocal(this.spec);
    else this.#startRemote(this.spec);
  }

  abortStart(): void {
    this.#starting?.abort();
    this.#starting = undefined;
  }

  stopApp(restart: boolean): void {
    this.#stops += 1;
    this.#owner.note('app.stopped', undefined, { packageName: this.spec.packageName, restart });
    const stopped = (): void => this.#post({ type: 'app.stopped' });
    this.#link = undefined;
    if ('child' in this.spec) {
      if (this.#local) requestStop(this.#local, 'shutdown');
      stopped();
      return;
    }
    const { stop } = this.spec;
    const told = (): void => {
      this.#stopOwed = false;
      stopped();
    };
    const call = (signal: AbortSignal): Promise<void> => this.#call(stop, 'app.stop', restart, signal);
    if (restart) {
      // The start waits for the stop. One that cannot be told to stop is started all the same.
      this.process.scope.task((signal) => call(signal).then(told, stopped));
    } else {
      this.#courier.carry(call);
      told();
    }
  }

  noteSkipped(): void {
    this.#owner.note('app.resurrectionSkipped', undefined, { packageName: this.spec.packageName });
  }

  #startRemote({ start }: RemoteApp): void {
    this.#stopOwed = true;
    const abort = new AbortController();
    this.#starting = abort;
    this.process.scope.task(async (signal) => {
      try {
        await this.#call(start, 'app.start', false, AbortSignal.any([signal, abort.signal]));
      } catch (error) {
        if (abort.signal.aborted || signal.aborted) return;
        this.#owner.note('app.startFailed', undefined, {
          packageName: this.spec.packageName,
          error: error instanceof Error ? error.message : String(error),
        });
        this.#post({ type: 'app.startFailed' });
      }
    });
  }

  async #call(
    target: WebhookTarget,
    type: 'app.start' | 'app.stop',
    restart: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { attempts, webhookTimeoutMs } = this.#options.app;
    const { id: sessionId, nodeId, token } = this.#owner;
    const { packageName } = this.spec;
    const nowMs = (): number => this.process.system.clock.wallMs();
    const options = { attempts, timeoutMs: webhookTimeoutMs, nowMs, signal };
    await this.#courier.call(target, { type, sessionId, nodeId, packageName, restart, token }, options);
  }

  #startLocal({ child, packageName, deliver = deliverAsEvent }: LocalApp): void {
    const parent = this.#supervisor();
    if (!parent) return;
    const abort = new AbortController();
    this.#starting = abort;
    const spec = {
      id: `run:${packageName}:${this.#starts}`,
      restart: 'temporary' as const,
      // Asked in its turn: by then the owner may have gone, and nothing is started for somebody who is not there.
      start: (context: StartContext) =>
        abort.signal.aborted || !this.#owner.connected ? 'ignore' : child(context, this.#owner),
    };
    const failed = (): void => {
      if (!abort.signal.aborted) this.#post({ type: 'app.startFailed' });
    };
    startChild(parent, spec).then((answer) => {
      if (answer.error || !answer.ok) failed();
      else this.#localStarted(answer.ok, deliver, abort.signal);
    }, failed);
  }

  #localStarted(ref: AnyActorRef, deliver: NonNullable<LocalApp['deliver']>, aborted: AbortSignal): void {
    const local = processOf(ref);
    if (!this.#process?.alive || aborted.aborted) {
      local?.terminate('shutdown');
      return;
    }
    const link: AppLink = { send: (topic, payload) => deliver(ref, topic, payload) };
    monitor(ref, ({ ref: gone }) => {
      if (this.#local?.ref === gone) this.#local = undefined;
      this.disconnected(link);
    });
    this.#local = local;
    this.connected(link);
  }

  #post(event: AppEvent): void {
    if (this.#process?.alive) this.#process.system.post(this.#process.ref, event);
  }
}

function deliverAsEvent(app: AnyActorRef, topic: string, payload: Buffer): void {
  app.send({ type: 'app.message', topic, payload } as never);
}

export const appLogic = appMachine.provide({
  actions: {
    startApp: ({ self }) => bodyOf<App>(self).startApp(),
    abortStart: ({ self }) => bodyOf<App>(self).abortStart(),
    stopForRestart: ({ self }) => bodyOf<App>(self).stopApp(true),
    stopForGood: ({ self }) => bodyOf<App>(self).stopApp(false),
    noteSkipped: ({ self }) => bodyOf<App>(self).noteSkipped(),
  },
});
