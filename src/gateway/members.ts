/**
 * What a session has declared: the topics it subscribed to and the procedures it provides, and where it is reached now.
 * The declaration belongs to the session and not to its client or its connection, so that it survives a resume; and it
 * stands outside the desks, so that a desk that has crashed is told of it anew.
 *
 * While the session's client is away, a publication to it is dropped and counted, and nobody is asked: it counts as absent.
 */
import type { AnyActorRef } from 'xstate';
import type { Process } from '../otp/process.js';
import { GatewayError } from './gateway-error.js';
import type { Port, Provider, Registered, Services } from './services.js';
import { patternFault } from './topic-trie.js';
import type { Subscriber, Subscription, TopicEvent, Topics } from './topics.js';

/** The connection of a member: it takes publications and questions. */
export interface Outlet extends Port {
  /** It has more to take than it should wait for; it is not asked until it has taken it. */
  readonly busy: boolean;
  deliver(event: TopicEvent): void;
}

/** Longest name of a procedure, in characters. */
const PROCEDURE_LENGTH_MAX = 256;

export interface MembersParts {
  readonly topics: Topics;
  readonly services: Services;
  readonly topicsPerClient: number;
}

export class Member implements Subscriber, Provider {
  readonly ref: AnyActorRef;
  readonly nodeId: string;
  readonly #parts: MembersParts;
  /** Made when they are first needed, as what it provides: most declare nothing. */
  #patterns: Set<string> | undefined;
  /** The time to live of each, as it was asked for. */
  #procedures: Map<string, number> | undefined;
  #outlet: Outlet | undefined;
  #missed = 0;

  constructor(ref: AnyActorRef, nodeId: string, parts: MembersParts) {
    this.ref = ref;
    this.nodeId = nodeId;
    this.#parts = parts;
  }

  get patterns(): Iterable<string> {
    return this.#patterns ?? [];
  }

  get procedures(): Iterable<readonly [string, number]> {
    return this.#procedures ?? [];
  }

  get port(): Port | undefined {
    return this.#outlet?.busy ? undefined : this.#outlet;
  }

  /** It is reached here from now on. @returns how many publications it missed while it was away. */
  arrived(outlet: Outlet): number {
    this.#outlet = outlet;
    this.heard();
    const missed = this.#missed;
    this.#missed = 0;
    return missed;
  }

  /** This connection is gone; a newer one stays. */
  left(outlet: Outlet): void {
    if (this.#outlet === outlet) this.#outlet = undefined;
  }

  deliver(event: TopicEvent): void {
    if (this.#outlet) this.#outlet.deliver(event);
    else this.#missed += 1;
  }

  /** It gave a sign of life, which renews what it provides. */
  heard(): void {
    if (this.#procedures && this.#procedures.size > 0) this.#parts.services.heard(this.ref);
  }

  /** Twice is once. Throws `invalid_argument` naming the field. */
  subscribe(pattern: string): void {
    const fault = patternFault(pattern);
    if (fault) throw refused(`subscribe.pattern: ${fault}`);
    this.#patterns ??= new Set();
    if (this.#patterns.has(pattern)) return;
    const { topics, topicsPerClient } = this.#parts;
    if (this.#patterns.size >= topicsPerClient) {
      throw refused(
        `subscribe.pattern: max_topics_reached: expected at most ${topicsPerClient} patterns of one client`,
      );
    }
    this.#patterns.add(pattern);
    topics.subscribe(this, pattern);
  }

  unsubscribe(pattern: string): void {
    if (this.#patterns?.delete(pattern)) this.#parts.topics.unsubscribe(this.ref, pattern);
  }

  /** Once more renews it and replaces its time to live. Throws `invalid_argument` naming the field. */
  register(procedure: string, ttlMs: number): void {
    const fault = procedureFault(procedure);
    if (fault) throw refused(`register.procedure: ${fault}`);
    if (!this.#parts.services.register(this, procedure, ttlMs)) {
      throw refused('register.procedure: max_services_reached: no room for another registration');
    }
    this.#procedures ??= new Map();
    this.#procedures.set(procedure, ttlMs);
  }

  unregister(procedure: string): void {
    if (this.#procedures?.delete(procedure)) this.#parts.services.unregister(this.ref, procedure);
  }

  expired(procedure: string): void {
    this.#procedures?.delete(procedure);
  }
}

export class Members {
  readonly #parts: MembersParts;
  readonly #bySession = new Map<Process, Member>();

  constructor(parts: MembersParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#bySession.size;
  }

  /** The member that this session is. It ends with the session. */
  of(session: Process, nodeId: string): Member {
    const known = this.#bySession.get(session);
    if (known) return known;
    const member = new Member(session.ref, nodeId, this.#parts);
    this.#bySession.set(session, member);
    session.scope.acquire('member', () => void this.#bySession.delete(session));
    return member;
  }

  /** Every subscription that stands, for a fresh topic desk. */
  *subscriptions(): Generator<Subscription> {
    for (const member of this.#bySession.values()) {
      for (const pattern of member.patterns) yield { subscriber: member, pattern };
    }
  }

  /** Every registration that stands, for a fresh service desk. */
  *registrations(): Generator<Registered> {
    for (const member of this.#bySession.values()) {
      for (const [procedure, ttlMs] of member.procedures) yield { provider: member, procedure, ttlMs };
    }
  }
}

/** What is wrong with the name of a procedure, in words. */
export function procedureFault(procedure: string): string | undefined {
  if (procedure === '') return 'expected a name, got an empty string';
  if (procedure.length <= PROCEDURE_LENGTH_MAX) return undefined;
  return `expected at most ${PROCEDURE_LENGTH_MAX} characters, got ${procedure.length}`;
}

function refused(message: string): GatewayError {
  return new GatewayError('invalid_argument', message);
}
