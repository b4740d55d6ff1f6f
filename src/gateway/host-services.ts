/**
 * The services as a host has them: what it registers directly, for actors of its own. A client's registrations are declared
 * on its session and survive the service desk there; a host's stand in this book, from which a fresh desk is told of them.
 *
 * An entry goes when it is withdrawn, when its time to live is over, or with its provider.
 */
import type { AnyActorRef } from 'xstate';
import type { Process } from '../otp/process.js';
import { processOf } from '../otp/process.js';
import { type Port, type Provider, type Registered, Services } from './services.js';

export class HostServices extends Services {
  readonly #book = new Map<AnyActorRef, HostProvider>();

  constructor(current: () => Process | undefined) {
    super(current);
  }

  override register(provider: Provider, procedure: string, ttlMs = 0): boolean {
    const { ref } = provider;
    const known = this.#book.get(ref);
    const entry = known ?? new HostProvider(provider);
    if (!super.register(entry, procedure, ttlMs)) return false;
    entry.procedures.set(procedure, ttlMs);
    if (known) return true;
    this.#book.set(ref, entry);
    // Whoever is no process of ours has no end that we could hear of here; the desk hears of none either.
    processOf(ref)?.scope.acquire('service_entry', () => void this.#book.delete(ref));
    return true;
  }

  override unregister(ref: AnyActorRef, procedure: string): void {
    this.#book.get(ref)?.procedures.delete(procedure);
    super.unregister(ref, procedure);
  }

  /** Every registration of a host's that stands, for a fresh desk. */
  *registrations(): Generator<Registered> {
    for (const provider of this.#book.values())
      for (const [procedure, ttlMs] of provider.procedures) yield { provider, procedure, ttlMs };
  }
}

/** A host's provider and what it has registered. */
class HostProvider implements Provider {
  readonly procedures = new Map<string, number>();
  readonly #provider: Provider;

  constructor(provider: Provider) {
    this.#provider = provider;
  }

  get ref(): AnyActorRef {
    return this.#provider.ref;
  }

  get nodeId(): string {
    return this.#provider.nodeId;
  }

  get port(): Port | undefined {
    return this.#provider.port;
  }

  expired(procedure: string): void {
    this.procedures.delete(procedure);
    this.#provider.expired(procedure);
  }
}
