/**
 * Who provides which procedure, as data. A procedure has any number of providers, kept in the order of their turns: who
 * was asked longest ago stands first. A registration lives for its time to live, counted from the last time it was used or
 * its provider was heard, so that a service in use is never swept away for being old.
 *
 * Every change is checked first and made last. Nothing here knows actors, clocks or wires: "now" comes from outside.
 */

export interface ServiceEntry<Ref> {
  readonly provider: Ref;
  readonly procedure: string;
  ttlMs: number;
  usedAtMs: number;
}

interface ProviderEntry<Ref> {
  readonly procedures: Map<string, ServiceEntry<Ref>>;
  /** Counts for all its registrations; written at each heartbeat, so it is one field and not a walk. */
  heardAtMs: number;
}

export class ServiceTable<Ref> {
  readonly #servicesMax: number;
  readonly #byProcedure = new Map<string, Map<Ref, ServiceEntry<Ref>>>();
  readonly #byProvider = new Map<Ref, ProviderEntry<Ref>>();
  #size = 0;

  constructor(servicesMax: number) {
    this.#servicesMax = servicesMax;
  }

  /** Registrations: one provider of two procedures counts twice. */
  get size(): number {
    return this.#size;
  }

  get providers(): number {
    return this.#byProvider.size;
  }

  /** Registers or registers anew, which takes no further room. False when there is no room. */
  register(provider: Ref, procedure: string, ttlMs: number, nowMs: number): boolean {
    const known = this.#byProvider.get(provider);
    const entry = known?.procedures.get(procedure);
    if (!entry && this.#size >= this.#servicesMax) return false;
    if (entry) {
      entry.ttlMs = ttlMs;
      entry.usedAtMs = nowMs;
      return true;
    }
    const added: ServiceEntry<Ref> = { provider, procedure, ttlMs, usedAtMs: nowMs };
    if (known) known.procedures.set(procedure, added);
    else this.#byProvider.set(provider, { procedures: new Map([[procedure, added]]), heardAtMs: nowMs });
    const providers = this.#byProcedure.get(procedure);
    if (providers) providers.set(provider, added);
    else this.#byProcedure.set(procedure, new Map([[provider, added]]));
    this.#size += 1;
    return true;
  }

  /** Idempotent. */
  unregister(provider: Ref, procedure: string): void {
    const known = this.#byProvider.get(provider);
    if (!known?.procedures.delete(procedure)) return;
    if (known.procedures.size === 0) this.#byProvider.delete(provider);
    this.#leave(provider, procedure);
  }

  /** Takes away all that this provider registered. */
  forget(provider: Ref): void {
    const known = this.#byProvider.get(provider);
    if (!known) return;
    this.#byProvider.delete(provider);
    for (const procedure of known.procedures.keys()) this.#leave(provider, procedure);
  }

  /** The provider was heard of: all its registrations are young again. */
  heard(provider: Ref, nowMs: number): void {
    const known = this.#byProvider.get(provider);
    if (known) known.heardAtMs = nowMs;
  }

  /** The provider was chosen: its registration is young again, and its turn comes last. */
  used(provider: Ref, procedure: string, nowMs: number): void {
    const providers = this.#byProcedure.get(procedure);
    const entry = providers?.get(provider);
    if (!providers || !entry) return;
    entry.usedAtMs = nowMs;
    providers.delete(provider);
    providers.set(provider, entry);
  }

  /** The providers of a procedure by turn, without those whose time is over. */
  *providersOf(procedure: string, nowMs: number): Generator<Ref> {
    for (const entry of this.#byProcedure.get(procedure)?.values() ?? []) {
      if (this.expiresAtMs(entry) > nowMs) yield entry.provider;
    }
  }

  proceduresOf(provider: Ref): readonly string[] {
    return [...(this.#byProvider.get(provider)?.procedures.keys() ?? [])];
  }

  has(provider: Ref): boolean {
    return this.#byProvider.has(provider);
  }

  *entries(): Generator<ServiceEntry<Ref>> {
    for (const providers of this.#byProcedure.values()) yield* providers.values();
  }

  expiresAtMs(entry: ServiceEntry<Ref>): number {
    return Math.max(entry.usedAtMs, this.#byProvider.get(entry.provider)?.heardAtMs ?? 0) + entry.ttlMs;
  }

  /** Takes away every registration whose time is over. @returns those. O(registrations). */
  sweep(nowMs: number): readonly ServiceEntry<Ref>[] {
    const over = [...this.entries()].filter((entry) => this.expiresAtMs(entry) <= nowMs);
    for (const { provider, procedure } of over) this.unregister(provider, procedure);
    return over;
  }

  #leave(provider: Ref, procedure: string): void {
    const providers = this.#byProcedure.get(procedure);
    if (!providers?.delete(provider)) return;
    if (providers.size === 0) this.#byProcedure.delete(procedure);
    this.#size -= 1;
  }
}
