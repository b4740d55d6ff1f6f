/**
 * Services: which procedures somebody provides. The desk monitors each provider once, from its first registration to its
 * last; a registration ends when it is withdrawn, when its provider dies, or when its time to live is over and nobody has
 * used it or heard its provider since. What is called, and how, is not here.
 */
import type { AnyActorRef } from 'xstate';
import type { Process } from '../otp/process.js';
import { askDesk, type Desk, type DeskContext, deskLogic, deskOf } from './desk.js';
import { ServiceTable } from './service-table.js';
import type { ServiceView } from './views.js';

/** Where a provider is asked now. */
export interface Port {
  /** Who answers. When it ends, what it was asked will not be answered. */
  readonly ref: AnyActorRef;
  /** Puts the question; never waits, never throws, and asks nobody else before it has returned. */
  ask(question: Question): void;
}

/** What a provider is asked. Its reply names `id`. */
export interface Question {
  readonly id: string;
  readonly procedure: string;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
}

/** Somebody who provides: an actor whose end takes its registrations along. */
export interface Provider {
  readonly ref: AnyActorRef;
  readonly nodeId: string;
  /** Absent while it cannot be asked, which is not the same as gone. */
  readonly port: Port | undefined;
  /** True for another gateway, which provides what its own clients do. */
  readonly neighbour?: boolean;
  /** The time of this registration is over. */
  expired(procedure: string): void;
}

/** A registration that stands: what a fresh desk is told. */
export interface Registered {
  readonly provider: Provider;
  readonly procedure: string;
  /** 0: the gateway's own time to live. */
  readonly ttlMs: number;
}

export interface ServicesInput {
  readonly servicesMax: number;
  readonly ttlMs: number;
  /** Every registration of everybody alive. */
  readonly adopt: () => Iterable<Registered>;
  /** What is provided may have changed. Called within the change: not to ask anything then. */
  readonly changed?: () => void;
}

class ServiceDesk implements Desk {
  readonly table: ServiceTable<AnyActorRef>;
  readonly #input: ServicesInput;
  readonly #context: DeskContext;
  readonly #providers = new Map<AnyActorRef, Provider>();

  constructor(input: ServicesInput, context: DeskContext) {
    this.#input = input;
    this.#context = context;
    this.table = new ServiceTable(input.servicesMax);
    for (const { provider, procedure, ttlMs } of input.adopt()) this.register(provider, procedure, ttlMs);
  }

  get nowMs(): number {
    return this.#context.process.system.clock.now();
  }

  register(provider: Provider, procedure: string, ttlMs: number): boolean {
    const { ref } = provider;
    if (!this.table.register(ref, procedure, ttlMs || this.#input.ttlMs, this.nowMs)) return false;
    if (!this.#providers.has(ref)) {
      this.#providers.set(ref, provider);
      this.#context.watch(ref);
    }
    this.#input.changed?.();
    return true;
  }

  unregister(ref: AnyActorRef, procedure: string): void {
    this.table.unregister(ref, procedure);
    this.#letGo(ref);
    this.#input.changed?.();
  }

  down(ref: AnyActorRef): void {
    this.table.forget(ref);
    this.#providers.delete(ref);
    this.#input.changed?.();
  }

  sweep(): number {
    const over = this.table.sweep(this.nowMs);
    // All of it is told before anybody is let go: who is no longer known would keep the rest as declared.
    for (const { provider, procedure } of over) this.#providers.get(provider)?.expired(procedure);
    for (const { provider } of over) this.#letGo(provider);
    if (over.length > 0) this.#input.changed?.();
    return over.length;
  }

  provider(ref: AnyActorRef): Provider | undefined {
    return this.#providers.get(ref);
  }

  *providersOf(procedure: string): Generator<Provider> {
    for (const ref of this.table.providersOf(procedure, this.nowMs)) {
      const provider = this.#providers.get(ref);
      if (provider) yield provider;
    }
  }

  #letGo(ref: AnyActorRef): void {
    if (this.table.has(ref) || !this.#providers.delete(ref)) return;
    this.#context.unwatch(ref);
  }
}

export const servicesLogic = deskLogic<ServicesInput>('services', (input, context) => new ServiceDesk(input, context));

/** Stands for whichever service desk is alive now. */
export class Services {
  readonly #current: () => Process | undefined;

  constructor(current: () => Process | undefined) {
    this.#current = current;
  }

  /**
   * Registers a provider of a procedure; once more renews it and replaces its time to live. False when there is no room.
   * While the desk has crashed and is not yet back, what is declared counts: the next desk is told of it.
   */
  register(provider: Provider, procedure: string, ttlMs = 0): boolean {
    return askDesk<ServiceDesk, boolean>(this.#current(), (desk) => desk.register(provider, procedure, ttlMs)) ?? true;
  }

  /** Idempotent; an unknown provider is not an error. */
  unregister(ref: AnyActorRef, procedure: string): void {
    askDesk<ServiceDesk, void>(this.#current(), (desk) => desk.unregister(ref, procedure));
  }

  /** The provider was heard of, which renews all it provides. */
  heard(ref: AnyActorRef): void {
    const desk = this.#desk;
    // Every heartbeat comes by here, and most clients provide nothing.
    if (desk?.table.has(ref)) askDesk<ServiceDesk, void>(this.#current(), () => desk.table.heard(ref, desk.nowMs));
  }

  /** The provider was chosen for a call, which renews the registration and puts its turn last. */
  used(ref: AnyActorRef, procedure: string): void {
    askDesk<ServiceDesk, void>(this.#current(), (desk) => desk.table.used(ref, procedure, desk.nowMs));
  }

  /** The providers of a procedure, the one whose turn it is first. Read it at once. */
  providersOf(procedure: string): Iterable<Provider> {
    return this.#desk?.providersOf(procedure) ?? [];
  }

  /** What clients and actors of this gateway provide, without what its neighbours do. O(registrations). */
  ownProcedures(): readonly string[] {
    const desk = this.#desk;
    const own = new Set<string>();
    for (const { procedure, provider } of desk?.table.entries() ?? []) {
      if (desk?.provider(provider)?.neighbour !== true) own.add(procedure);
    }
    return [...own];
  }

  proceduresOf(ref: AnyActorRef): readonly string[] {
    return this.#desk?.table.proceduresOf(ref) ?? [];
  }

  /** Takes away what is over now. @returns how many registrations that were. */
  sweep(): number {
    return askDesk<ServiceDesk, number>(this.#current(), (desk) => desk.sweep()) ?? 0;
  }

  get counts(): { readonly services: number; readonly providers: number } {
    const table = this.#desk?.table;
    return { services: table?.size ?? 0, providers: table?.providers ?? 0 };
  }

  views(): readonly ServiceView[] {
    const desk = this.#desk;
    if (!desk) return [];
    return [...desk.table.entries()].map((entry) => {
      const { procedure, ttlMs } = entry;
      const provider = desk.provider(entry.provider) as Provider;
      return {
        id: `${procedure}@${provider.nodeId}`,
        procedure,
        nodeId: provider.nodeId,
        state: provider.port ? 'available' : 'absent',
        ttlMs,
        expiresInMs: Math.max(0, Math.round(desk.table.expiresAtMs(entry) - desk.nowMs)),
      };
    });
  }

  get #desk(): ServiceDesk | undefined {
    return deskOf<ServiceDesk>(this.#current());
  }
}
