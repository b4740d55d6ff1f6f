/**
 * Calls that wait for their answers, as data, and who is asked. A call is put to one provider at a time; when that one dies
 * it is put to the next, to three distinct ones at most. A call may therefore reach two providers: it is made at least once,
 * and a procedure that must not run twice has to tell calls apart itself.
 *
 * A call that was put to somebody who is silent is not put to anybody else: its time is one for the whole call, and it is
 * over then. But whoever let a call time out is passed over for a while, as long as there is anybody else to ask.
 *
 * Every attempt has an id of its own, so that the reply to an earlier one finds nothing. Nothing here knows actors, timers
 * or wires: each change answers what has to be done.
 */

/** Somebody who provides the procedure, and where it is asked: absent while it cannot be. */
export interface Candidate<Ref> {
  readonly provider: Ref;
  readonly port: Ref | undefined;
}

export type Choice = 'round_robin' | 'random';

export const CHOICES: readonly Choice[] = ['round_robin', 'random'];

export interface PendingCall<Ref, D> {
  readonly caller: Ref;
  readonly procedure: string;
  readonly data: D;
  /** The attempt's id; it changes with each provider. Empty before the first. */
  readonly id: string;
  readonly provider: Ref | undefined;
  readonly port: Ref | undefined;
  /** Providers asked so far, the present one included. */
  readonly asked: ReadonlySet<Ref>;
}

/** How a call ended; `forgotten` is one whose caller has gone, so that nobody is told. */
export type CallEnd = 'answered' | 'not_found' | 'timeout' | 'provider_down' | 'forgotten';

export type CallEffect<Ref, D> =
  | { readonly type: 'watch' | 'unwatch'; readonly ref: Ref }
  | { readonly type: 'ask' | 'refused'; readonly call: PendingCall<Ref, D> }
  | { readonly type: 'end'; readonly call: PendingCall<Ref, D>; readonly how: CallEnd };

export interface CallTableOptions<Ref, D> {
  readonly callsMax: number;
  readonly attemptsMax: number;
  /** How long somebody who let a call time out is passed over. */
  readonly excludeMs: number;
  readonly choice: Choice;
  /** In [0, 1). */
  readonly random: () => number;
  /** Unique for ever: a reply may come from before a crash. */
  readonly nextId: () => string;
  /** The providers of a procedure, the one whose turn it is first. */
  readonly candidates: (procedure: string, data: D) => Iterable<Candidate<Ref>>;
}

interface Pending<Ref, D> extends PendingCall<Ref, D> {
  id: string;
  provider: Ref | undefined;
  port: Ref | undefined;
  readonly asked: Set<Ref>;
  over: boolean;
}

type Effects<Ref, D> = CallEffect<Ref, D>[];

export class CallTable<Ref, D> {
  readonly #options: CallTableOptions<Ref, D>;
  readonly #byId = new Map<string, Pending<Ref, D>>();
  /** The calls of a caller, and those that somebody was asked; each of these is watched once. */
  readonly #byRef = new Map<Ref, Set<Pending<Ref, D>>>();
  /** Until when whom is passed over. All waits are equally long, so the first to be put in is the first to be over. */
  readonly #excluded = new Map<Ref, number>();

  constructor(options: CallTableOptions<Ref, D>) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** How many actors are watched. */
  get watched(): number {
    return this.#byRef.size;
  }

  get excluded(): number {
    return this.#excluded.size;
  }

  all(): Iterable<PendingCall<Ref, D>> {
    return this.#byId.values();
  }

  /** A call is made. It is refused when there is no room, and ends at once when there is nobody to ask. */
  made(caller: Ref, procedure: string, data: D, nowMs: number): Effects<Ref, D> {
    const call: Pending<Ref, D> = {
      caller,
      procedure,
      data,
      id: '',
      provider: undefined,
      port: undefined,
      asked: new Set(),
      over: false,
    };
    if (this.#byId.size >= this.#options.callsMax) return [{ type: 'refused', call }];
    const effects = this.#watch(caller, call);
    return this.#askNext(call, nowMs, effects);
  }

  /** Somebody answers. What comes late, twice, or from somebody who was not asked finds nothing. */
  answered(id: string, from: Ref): Effects<Ref, D> {
    const call = this.#byId.get(id);
    if (!call || call.port !== from) return [];
    if (call.provider !== undefined) this.#excluded.delete(call.provider);
    return this.#end(call, 'answered', []);
  }

  /** Whoever was asked cannot answer this one, and says so: it is put to the next. */
  refused(id: string, from: Ref, nowMs: number): Effects<Ref, D> {
    const call = this.#byId.get(id);
    return call && call.port === from ? this.#askNext(call, nowMs, []) : [];
  }

  timedOut(pending: PendingCall<Ref, D>, nowMs: number): Effects<Ref, D> {
    const call = pending as Pending<Ref, D>;
    if (call.over) return [];
    if (call.provider !== undefined) this.#exclude(call.provider, nowMs);
    return this.#end(call, 'timeout', []);
  }

  /** Somebody watched has ended: its own calls are forgotten, those put to it are put to others. */
  down(ref: Ref, nowMs: number): Effects<Ref, D> {
    const calls = this.#byRef.get(ref);
    if (!calls) return [];
    this.#byRef.delete(ref);
    const effects: Effects<Ref, D> = [];
    for (const call of calls) {
      if (call.caller === ref) this.#end(call, 'forgotten', effects);
      else this.#askNext(call, nowMs, effects);
    }
    return effects;
  }

  #askNext(call: Pending<Ref, D>, nowMs: number, effects: Effects<Ref, D>): Effects<Ref, D> {
    this.#leavePort(call, effects);
    if (call.id !== '') this.#byId.delete(call.id);
    if (call.asked.size >= this.#options.attemptsMax) return this.#end(call, 'provider_down', effects);
    const { chosen, anybody } = this.#choose(call, nowMs);
    if (!chosen) return this.#end(call, anybody || call.asked.size > 0 ? 'provider_down' : 'not_found', effects);
    const { provider, port } = chosen;
    call.id = this.#options.nextId();
    call.provider = provider;
    call.port = port;
    call.asked.add(provider);
    this.#byId.set(call.id, call);
    if (port !== call.caller) effects.push(...this.#watch(port as Ref, call));
    effects.push({ type: 'ask', call });
    return effects;
  }

  /** The next one in turn, or any; who let a call time out only where there is nobody else. */
  #choose(call: Pending<Ref, D>, nowMs: number): { readonly chosen?: Candidate<Ref>; readonly anybody: boolean } {
    const { candidates, choice, random } = this.#options;
    const free: Candidate<Ref>[] = [];
    let silent: Candidate<Ref> | undefined;
    let anybody = false;
    for (const candidate of candidates(call.procedure, call.data)) {
      anybody = true;
      if (candidate.port === undefined || call.asked.has(candidate.provider)) continue;
      if ((this.#excluded.get(candidate.provider) ?? 0) > nowMs) {
        silent ??= candidate;
        continue;
      }
      free.push(candidate);
      if (choice === 'round_robin') break;
    }
    const chosen = free[Math.floor(random() * free.length)] ?? silent;
    return chosen ? { chosen, anybody } : { anybody };
  }

  #end(call: Pending<Ref, D>, how: CallEnd, effects: Effects<Ref, D>): Effects<Ref, D> {
    call.over = true;
    this.#byId.delete(call.id);
    this.#leavePort(call, effects);
    this.#unwatch(call.caller, call, effects);
    effects.push({ type: 'end', call, how });
    return effects;
  }

  #leavePort(call: Pending<Ref, D>, effects: Effects<Ref, D>): void {
    if (call.port !== undefined && call.port !== call.caller) this.#unwatch(call.port, call, effects);
    call.port = undefined;
  }

  #watch(ref: Ref, call: Pending<Ref, D>): Effects<Ref, D> {
    const calls = this.#byRef.get(ref);
    if (calls) {
      calls.add(call);
      return [];
    }
    this.#byRef.set(ref, new Set([call]));
    return [{ type: 'watch', ref }];
  }

  #unwatch(ref: Ref, call: Pending<Ref, D>, effects: Effects<Ref, D>): void {
    const calls = this.#byRef.get(ref);
    if (!calls?.delete(call) || calls.size > 0) return;
    this.#byRef.delete(ref);
    effects.push({ type: 'unwatch', ref });
  }

  #exclude(provider: Ref, nowMs: number): void {
    for (const [known, untilMs] of this.#excluded) {
      if (untilMs > nowMs) break;
      this.#excluded.delete(known);
    }
    // Put in anew, so that it stands behind those whose time is over earlier.
    this.#excluded.delete(provider);
    this.#excluded.set(provider, nowMs + this.#options.excludeMs);
  }
}
