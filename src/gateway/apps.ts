/**
 * The apps of one session: a supervisor that starts with the first of them, and a table by package name. It tells each app
 * when the owner is lost and when it is back.
 */
import type { AnyActorRef } from 'xstate';
import { type Process, processOf } from '../otp/process.js';
import { dynamicSupervisor } from '../otp/supervisor.js';
import { startChild, terminateChild } from '../otp/supervisor-api.js';
import { App, type AppLink, type AppOwner, type AppSpec, appLogic, type SendResult } from './app.js';
import type { Courier } from './courier.js';
import { GatewayError } from './gateway-error.js';
import type { GatewayOptions } from './options.js';

/** Apps of one session at most; each is a third party that is called over the network. */
const APPS_MAX = 100;

/** An owner under whose supervisor apps can be started. */
interface AppHost extends AppOwner {
  readonly process: Process;
}

const appsLogic = dynamicSupervisor({ intensity: 100, period: 60 });

export class Apps {
  readonly #owner: AppHost;
  readonly #options: GatewayOptions;
  readonly #courier: Courier;
  readonly #byPackage = new Map<string, App>();
  #supervisor: Promise<AnyActorRef> | undefined;
  #ref: AnyActorRef | undefined;

  constructor(owner: AppHost, options: GatewayOptions, courier: Courier) {
    this.#owner = owner;
    this.#options = options;
    this.#courier = courier;
  }

  get size(): number {
    return this.#byPackage.size;
  }

  get(packageName: string): App | undefined {
    return this.#byPackage.get(packageName);
  }

  all(): readonly App[] {
    return [...this.#byPackage.values()];
  }

  /** Starts an app for this session. One package is there once; a second start of it is refused. */
  async start(spec: AppSpec): Promise<App> {
    const { packageName } = spec;
    if (this.#byPackage.has(packageName)) {
      throw new GatewayError('app_exists', `app_exists: session "${this.#owner.nodeId}" has app "${packageName}"`);
    }
    if (this.#byPackage.size >= APPS_MAX) {
      throw new GatewayError('max_apps_reached', `max_apps_reached: a session has at most ${APPS_MAX} apps`);
    }
    if (!this.#owner.connected) throw ownerAway(this.#owner.nodeId);
    const app = new App({
      spec,
      owner: this.#owner,
      options: this.#options,
      courier: this.#courier,
      supervisor: () => this.#ref,
    });
    this.#byPackage.set(packageName, app);
    try {
      const answer = await startChild(await this.#supervise(), {
        id: `app:${packageName}`,
        restart: 'temporary',
        start: ({ spawn }) => {
          // Asked once more, in its turn: the owner may have been lost since.
          if (!this.#owner.connected) return 'ignore';
          const ref = spawn(appLogic, app.input, app);
          app.process.scope.acquire('app_entry', () => void this.#byPackage.delete(packageName));
          return ref;
        },
      });
      if (answer.error) throw new Error(answer.error.code);
      if (!answer.ok) throw ownerAway(this.#owner.nodeId);
      return app;
    } catch (error) {
      this.#byPackage.delete(packageName);
      if (error instanceof GatewayError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new GatewayError('superseded', `superseded: session "${this.#owner.nodeId}" is ending (${why})`);
    }
  }

  /** Stops an app for good. Idempotent. */
  async stop(packageName: string): Promise<void> {
    if (this.#ref && this.#byPackage.has(packageName))
      await terminateChild(this.#ref, `app:${packageName}`).catch(() => {});
  }

  /** Hands an app a message; never throws, and starts nothing for an owner who is not there. */
  send(packageName: string, topic: string, payload: Buffer): SendResult {
    const app = this.#byPackage.get(packageName);
    if (!app) return { sent: false, resurrectionTriggered: false, error: `there is no app "${packageName}"` };
    return app.message(topic, payload);
  }

  /** A remote app has connected back with role APP. */
  connected(packageName: string, link: AppLink): App {
    const app = this.#byPackage.get(packageName);
    if (!app) throw appNotFound(this.#owner.nodeId, packageName);
    app.connected(link);
    return app;
  }

  ownerLost(): void {
    for (const app of this.#byPackage.values()) app.send({ type: 'owner.lost' });
  }

  ownerReturned(): void {
    for (const app of this.#byPackage.values()) app.send({ type: 'owner.returned' });
  }

  #supervise(): Promise<AnyActorRef> {
    this.#supervisor ??= startChild(this.#owner.process.ref, {
      id: 'apps',
      type: 'supervisor',
      restart: 'temporary',
      start: ({ spawn }) => {
        const ref = spawn(appsLogic);
        this.#ref = ref;
        // The next app brings another one, should this one be killed.
        processOf(ref)?.scope.acquire('apps_entry', () => {
          this.#ref = undefined;
          this.#supervisor = undefined;
        });
        return ref;
      },
    }).then((answer) => {
      if (answer.error || !answer.ok) throw new Error(answer.error?.code ?? 'ignored');
      return answer.ok;
    });
    return this.#supervisor;
  }
}

function ownerAway(nodeId: string): GatewayError {
  return new GatewayError('owner_away', `owner_away: the client of "${nodeId}" is not connected`);
}

export function appNotFound(nodeId: string, packageName: string): GatewayError {
  return new GatewayError(
    'app_not_found',
    `app_not_found: hello.package_name: the session of "${nodeId}" has no app "${packageName}"`,
  );
}
