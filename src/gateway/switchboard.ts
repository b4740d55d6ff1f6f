/**
 * What clients say to each other, in one place: the topics, services and calls of a gateway, how each desk is started, and
 * how a connection comes to speak with them.
 */

import type { AnyActorRef } from 'xstate';
import type { StartContext } from '../otp/child-spec.js';
import { dynamicSupervisor } from '../otp/supervisor.js';
import { Calls, callsLogic } from './calls.js';
import type { ControlStream } from './control-stream.js';
import { HostServices } from './host-services.js';
import { Members } from './members.js';
import { Neighbours } from './neighbours.js';
import type { GatewayOptions } from './options.js';
import { Place } from './place.js';
import { type Registered, Services, servicesLogic } from './services.js';
import type { Session } from './session.js';
import { Topics, topicsLogic } from './topics.js';

export class Switchboard {
  readonly #topicDesk = new Place();
  readonly #serviceDesk = new Place();
  readonly #callDesk = new Place();
  /** The supervisor of the other gateways' actors, where there are any. */
  readonly #others = new Place();
  readonly topics = new Topics(
    () => this.#topicDesk.process,
    (topic, payload) => this.neighbours.published(topic, payload),
  );
  readonly services = new Services(() => this.#serviceDesk.process);
  /** The same desk, for what a host registers. */
  readonly hostServices = new HostServices(() => this.#serviceDesk.process);
  readonly calls = new Calls(() => this.#callDesk.process);
  readonly neighbours: Neighbours;
  readonly #members: Members;
  readonly #options: GatewayOptions;
  readonly #random: () => number;

  /** @param random in [0, 1) */
  constructor(options: GatewayOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
    const { topics, services, calls } = this;
    this.neighbours = new Neighbours({ topics, services, calls, supervisor: () => this.#others.ref });
    this.#members = new Members({ topics, services, topicsPerClient: options.limits.topicsPerClient });
  }

  readonly startTopics = this.#topicDesk.starts(topicsLogic, () => ({ adopt: () => this.#members.subscriptions() }));

  readonly startServices = this.#serviceDesk.starts(servicesLogic, () => ({
    ttlMs: this.#options.services.ttlMs,
    servicesMax: this.#options.limits.services,
    adopt: () => this.#registrations(),
    changed: () => this.neighbours.servicesChanged(),
  }));

  /** After the services, whom it asks who there is. */
  readonly startCalls = this.#callDesk.starts(callsLogic, () => ({
    ...this.#options.calls,
    callsMax: this.#options.limits.calls,
    random: this.#random,
    services: this.services,
  }));

  /** Last of all: what starts under it declares itself at the desks. */
  readonly startNeighbours = (context: StartContext): AnyActorRef => {
    const ref = this.#others.starts(dynamicSupervisor())(context);
    queueMicrotask(() => this.neighbours.bringUpAll());
    return ref;
  };

  *#registrations(): Generator<Registered> {
    yield* this.#members.registrations();
    yield* this.hostServices.registrations();
    yield* this.neighbours.registrations();
  }

  /** From here on what this connection says is said for its session, and the session is reached by it. */
  join(session: Session, control: ControlStream): void {
    if (!session.alive) return;
    const { topics, calls } = this;
    control.join({ member: this.#members.of(session.process, session.nodeId), topics, calls });
  }
}
