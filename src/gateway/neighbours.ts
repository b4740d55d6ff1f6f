/**
 * The other gateways that this one shares an engine with, as its desks see them. Each is an actor under a supervisor that provides
 * here what its own clients provide there, so that calls find them by the rules they have: turns, failover, DOWN. What is
 * published here is told to all of them, and each tells its own subscribers.
 *
 * A question that comes from another gateway is put to our own clients only, so that none goes round in circles. Who the
 * others are and how they are reached is not here: a cluster implements `Neighbourhood` and tells of them.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { fromProcess } from '../otp/from-process.js';
import { type Process, processOf } from '../otp/process.js';
import { exit } from '../otp/signals.js';
import { startChild } from '../otp/supervisor-api.js';
import type { Calls } from './calls.js';
import type { Port, Provider, Question, Registered, Services } from './services.js';
import type { Topics } from './topics.js';

/** The way to the others. */
export interface Neighbourhood {
  /** Puts a question to that node's own clients. Answers once, or never when the question's time is over first. */
  ask(node: string, question: Question, answer: (answer: NeighbourAnswer) => void): void;
  /** Tells every other node, once each, at most once. */
  publish(topic: string, payload: Uint8Array): void;
  /** What this gateway's own clients provide may have changed. */
  changed(): void;
}

export type NeighbourAnswer =
  | { readonly type: 'answered'; readonly payload: Uint8Array }
  /** The provider's own error. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  /** Nobody there provides it, or there is nobody: somebody else may be asked. */
  | { readonly type: 'refused' };

export interface NeighboursParts {
  readonly services: Services;
  readonly calls: Calls;
  readonly topics: Topics;
  readonly supervisor: () => AnyActorRef | undefined;
}

const neighbourLogic: AnyActorLogic = fromProcess(() => ({}), { kind: 'neighbour' });

/** Another gateway. What it provides stands here, so that a service desk that has crashed is told of it anew. */
class Neighbour implements Provider, Port {
  readonly neighbour = true;
  readonly node: string;
  readonly procedures = new Set<string>();
  process: Process | undefined;
  starting = false;
  readonly #ask: (question: Question) => void;

  constructor(node: string, ask: (neighbour: Neighbour, question: Question) => void) {
    this.node = node;
    this.#ask = (question) => ask(this, question);
  }

  get nodeId(): string {
    return `neighbour:${this.node}`;
  }

  get ref(): AnyActorRef {
    return (this.process as Process).ref;
  }

  get alive(): boolean {
    return this.process?.alive === true;
  }

  get port(): Port | undefined {
    return this.alive ? this : undefined;
  }

  ask(question: Question): void {
    this.#ask(question);
  }

  expired(procedure: string): void {
    this.procedures.delete(procedure);
  }
}

export class Neighbours {
  readonly #parts: NeighboursParts;
  readonly #byNode = new Map<string, Neighbour>();
  /** What each is known to provide, whether or not its actor has started. */
  readonly #wanted = new Map<string, ReadonlySet<string>>();
  #way: Neighbourhood | undefined;

  constructor(parts: NeighboursParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#wanted.size;
  }

  nodes(): readonly string[] {
    return [...this.#wanted.keys()];
  }

  /** From now on the others are reached this way; `undefined`: not at all. */
  reachedBy(way: Neighbourhood | undefined): void {
    this.#way = way;
    if (!way) for (const node of [...this.#wanted.keys()]) this.gone(node);
  }

  /** That node is there and its clients provide this. Called again and again: what is missing is made good. */
  present(node: string, procedures: Iterable<string>): void {
    this.#wanted.set(node, new Set(procedures));
    this.#bringUp(node);
  }

  /** That node is there no more, or not heard of: what it was asked is put to others. */
  gone(node: string): void {
    this.#wanted.delete(node);
    const process = this.#byNode.get(node)?.process;
    if (process?.alive) exit(process.ref, 'noconnection');
  }

  /** The supervisor has started, perhaps again. */
  bringUpAll(): void {
    for (const node of this.#wanted.keys()) this.#bringUp(node);
  }

  /** What the others provide, for a fresh service desk. */
  *registrations(): Generator<Registered> {
    for (const provider of this.#byNode.values()) {
      if (!provider.alive) continue;
      for (const procedure of provider.procedures) yield { provider, procedure, ttlMs: 0 };
    }
  }

  /** What our own clients provide. */
  ownProcedures(): readonly string[] {
    return this.#parts.services.ownProcedures();
  }

  /** Own clients have begun or ceased to provide something, perhaps. */
  servicesChanged(): void {
    this.#way?.changed();
  }

  /** Something was published here. */
  published(topic: string, payload: Uint8Array): void {
    this.#way?.publish(topic, payload);
  }

  /** Something was published there, and is for our own subscribers. */
  heard(topic: string, payload: Uint8Array): void {
    this.#parts.topics.deliver(topic, payload);
  }

  /** Another gateway asks. The answer comes once, unless that gateway is lost first. */
  asked(from: string, question: Omit<Question, 'id'>, answer: (answer: NeighbourAnswer) => void): void {
    const { calls, supervisor } = this.#parts;
    const neighbour = this.#byNode.get(from);
    const caller = neighbour?.alive ? neighbour.ref : supervisor();
    if (!caller) {
      answer({ type: 'refused' });
      return;
    }
    calls.call({ ...question, caller, own: true }, (outcome) => {
      if (outcome.type === 'answered') answer(outcome);
      else if (outcome.own) answer({ type: 'failed', code: outcome.code, message: outcome.message });
      // Who asked has the same deadline and needs not be told of it.
      else if (outcome.code !== 'timeout') answer({ type: 'refused' });
    });
  }

  #bringUp(node: string): void {
    const known = this.#byNode.get(node);
    if (known?.alive) this.#reconcile(known);
    else if (!known?.starting) void this.#start(node);
  }

  async #start(node: string): Promise<void> {
    const parent = this.#parts.supervisor();
    if (!parent) return;
    const neighbour = new Neighbour(node, (one, question) => this.#ask(one, question));
    neighbour.starting = true;
    this.#byNode.set(node, neighbour);
    await startChild(parent, {
      id: `neighbour:${node}`,
      restart: 'temporary',
      start: ({ spawn }) => {
        const ref = spawn(neighbourLogic);
        neighbour.process = processOf(ref);
        neighbour.process?.scope.acquire('neighbour_entry', () => {
          if (this.#byNode.get(node) === neighbour) this.#byNode.delete(node);
        });
        return ref;
      },
    });
    neighbour.starting = false;
    if (!neighbour.alive && this.#byNode.get(node) === neighbour) this.#byNode.delete(node);
    if (!neighbour.alive) return;
    // It may have gone while its actor was started.
    if (this.#wanted.has(node)) this.#reconcile(neighbour);
    else exit(neighbour.ref, 'noconnection');
  }

  /** Registers what is missing, withdraws what is too much, renews the rest. */
  #reconcile(neighbour: Neighbour): void {
    const { services } = this.#parts;
    const wanted = this.#wanted.get(neighbour.node) ?? new Set();
    for (const procedure of neighbour.procedures) {
      if (wanted.has(procedure)) continue;
      neighbour.procedures.delete(procedure);
      services.unregister(neighbour.ref, procedure);
    }
    for (const procedure of wanted) {
      if (!neighbour.procedures.has(procedure) && services.register(neighbour, procedure)) {
        neighbour.procedures.add(procedure);
      }
    }
    services.heard(neighbour.ref);
  }

  #ask(neighbour: Neighbour, question: Question): void {
    const { calls } = this.#parts;
    const { ref, node } = neighbour;
    const { id } = question;
    const refused = (): void => calls.refused(ref, id);
    const way = this.#way;
    if (!way) {
      // Not from within the question: the desk is asking just now.
      queueMicrotask(refused);
      return;
    }
    way.ask(node, question, (answer) => {
      if (answer.type === 'refused') refused();
      else if (answer.type === 'answered') calls.reply(ref, { id, payload: answer.payload });
      else calls.reply(ref, { id, payload: new Uint8Array(), error: { code: answer.code, message: answer.message } });
    });
  }
}
