/**
 * The service `grpc.health.v1` over a table of verdicts. The definition is the library's; its implementation keeps an entry
 * for every name that anybody ever watched, and writes to watchers that do not read, so this is ours: a name that nobody
 * watches and nobody serves is not kept, and of a watcher that does not read only the latest verdict waits.
 */
import type { ServerUnaryCall, ServerWritableStream, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import { status as Code, type Metadata, type Server } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';

export type Verdict = 'SERVING' | 'NOT_SERVING';
type ServingStatus = Verdict | 'SERVICE_UNKNOWN';

interface Request {
  readonly service: string;
}
interface Answer {
  readonly status: ServingStatus;
}
type WatchCall = ServerWritableStream<Request, Answer>;

/** Health is open to strangers: so many may watch at once, and one more is refused. */
const WATCHERS_MAX = 10_000;
/** As the protocol recommends: with more than these, list answers RESOURCE_EXHAUSTED. */
const LISTED_MAX = 100;
/** A longer name is nobody's. */
const NAME_LENGTH_MAX = 1024;

export class HealthService {
  readonly #verdicts = new Map<string, Verdict>();
  readonly #watchers = new Map<string, Set<Watcher>>();
  #watching = 0;
  /** What is said of a name besides its verdict: a check's trailers. */
  readonly #detail: (name: string) => Metadata | undefined;

  constructor(detail: (name: string) => Metadata | undefined = () => undefined) {
    this.#detail = detail;
  }

  /** Names that are kept: those that are served, and those that are watched. */
  get size(): number {
    return new Set([...this.#verdicts.keys(), ...this.#watchers.keys()]).size;
  }

  addTo(server: Pick<Server, 'addService'>): void {
    server.addService(service as unknown as ServiceDefinition, {
      check: (call: ServerUnaryCall<Request, Answer>, reply: sendUnaryData<Answer>) => this.#check(call.request, reply),
      watch: (call: WatchCall) => this.#watch(call),
      list: (_call: unknown, reply: sendUnaryData<unknown>) => this.#list(reply),
    });
  }

  verdict(name: string): Verdict | undefined {
    return this.#verdicts.get(name);
  }

  names(): Iterable<string> {
    return this.#verdicts.keys();
  }

  set(name: string, verdict: Verdict): void {
    if (this.#verdicts.get(name) === verdict) return;
    this.#verdicts.set(name, verdict);
    this.#tell(name, verdict);
  }

  /** Nobody serves this any more. */
  remove(name: string): void {
    if (this.#verdicts.delete(name)) this.#tell(name, 'SERVICE_UNKNOWN');
  }

  #tell(name: string, status: ServingStatus): void {
    for (const watcher of this.#watchers.get(name) ?? []) watcher.tell(status);
  }

  #check({ service: name }: Request, reply: sendUnaryData<Answer>): void {
    const status = this.#verdicts.get(name);
    if (status) reply(null, { status }, this.#detail(name));
    else reply({ code: Code.NOT_FOUND, details: 'not_found: no such service is known here' });
  }

  #watch(call: WatchCall): void {
    const name = call.request.service;
    if (this.#watching >= WATCHERS_MAX || name.length > NAME_LENGTH_MAX) {
      const details = 'max_streams_reached: this gateway has no room for another watcher of its health';
      call.emit('error', Object.assign(new Error(details), { code: Code.RESOURCE_EXHAUSTED, details }));
      return;
    }
    const watcher = new Watcher(call);
    const watchers = this.#watchers.get(name) ?? new Set();
    this.#watchers.set(name, watchers.add(watcher));
    this.#watching += 1;
    call.on('cancelled', () => {
      this.#watching -= 1;
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name);
    });
    watcher.tell(this.#verdicts.get(name) ?? 'SERVICE_UNKNOWN');
  }

  #list(reply: sendUnaryData<unknown>): void {
    if (this.#verdicts.size > LISTED_MAX) {
      reply({ code: Code.RESOURCE_EXHAUSTED, details: 'too_many_services: ask for one by its name' });
      return;
    }
    reply(null, { statuses: Object.fromEntries([...this.#verdicts].map(([name, status]) => [name, { status }])) });
  }
}

/** Somebody who watches one name. One answer is on its way; behind it the latest waits. */
class Watcher {
  readonly #call: WatchCall;
  #writing = false;
  #next: ServingStatus | undefined;

  constructor(call: WatchCall) {
    this.#call = call;
  }

  tell(status: ServingStatus): void {
    this.#next = status;
    if (!this.#writing) this.#write();
  }

  #write(): void {
    const status = this.#next;
    if (status === undefined || this.#call.cancelled) return;
    this.#next = undefined;
    this.#writing = true;
    this.#call.write({ status }, () => {
      this.#writing = false;
      this.#write();
    });
  }
}
