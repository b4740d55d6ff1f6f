/**
 * What happened, and why: the kernel's telemetry as events for people, and the last end of every actor with the chain of
 * ends that led to it. Both are bounded; what is older is forgotten.
 */
import { describeReason } from '../otp/exit-reason.js';
import type { Failure } from '../otp/process.js';
import type { KernelEvent, System } from '../otp/system.js';
import { EventLog } from './event-log.js';
import { fieldsWithoutSecrets, withoutSecrets } from './redaction.js';
import { Repeats } from './repeats.js';
import type { CauseView, GatewayEvent } from './views.js';

const EVENTS_MAX = 2_000;
const FAILURES_MAX = 10_000;
/** Links of a chain that are shown; a crash loop's chain would be endless. */
const CHAIN_MAX = 50;

export class Chronicle {
  readonly #log = new EventLog<GatewayEvent>({ capacity: EVENTS_MAX });
  readonly #failures = new Map<string, Failure>();
  readonly #repeats = new Repeats();
  readonly #wallMs: () => number;
  readonly #undo: () => void;

  constructor(system: System) {
    this.#wallMs = () => system.clock.wallMs();
    this.#undo = system.on((event) => this.#record(event));
  }

  close(): void {
    this.#undo();
  }

  since(afterId = 0): readonly GatewayEvent[] {
    return this.#log.since(afterId);
  }

  listen(listener: (event: GatewayEvent) => void): () => void {
    return this.#log.listen(listener);
  }

  /** Something of the gateway's own, not of the kernel's. */
  note({
    type,
    actor,
    kind,
    reason,
    detail,
  }: Pick<GatewayEvent, 'type' | 'actor' | 'kind' | 'reason' | 'detail'>): void {
    const event = {
      type,
      actor,
      kind,
      ...(reason === undefined ? {} : { reason: withoutSecrets(reason) }),
      ...(detail === undefined ? {} : { detail: fieldsWithoutSecrets(detail) }),
    };
    const atMs = this.#wallMs();
    this.#log.append({ atMs, ...event, ...this.#repeats.seen(event, atMs) });
  }

  /** From the last end of this actor back to the first failure. */
  why(path: string): readonly CauseView[] {
    const chain: CauseView[] = [];
    for (let at = this.#failures.get(path); at && chain.length < CHAIN_MAX; at = at.cause) {
      chain.push({ actor: at.path, reason: withoutSecrets(describeReason(at.reason)), atMs: at.atMs });
    }
    return chain;
  }

  #record(event: KernelEvent): void {
    switch (event.type) {
      case 'process.started':
        this.note({ type: 'process.started', actor: event.process.path, kind: event.process.kind });
        break;
      case 'process.down':
        this.#remember(event.failure);
        this.note({
          type: 'process.down',
          actor: event.process.path,
          kind: event.process.kind,
          reason: describeReason(event.reason),
        });
        break;
      case 'child.restarted':
        this.note({
          type: 'process.restarted',
          actor: event.process.path,
          kind: event.process.kind,
          reason: describeReason(event.reason),
          detail: { restarts: event.restarts },
        });
        break;
      case 'child.startFailed':
        this.note({
          type: 'process.startFailed',
          actor: `${event.supervisor.path}/${event.childId}`,
          kind: 'process',
          reason: describeReason(event.reason),
        });
        break;
      case 'supervisor.gaveUp':
        this.note({
          type: 'supervisor.gaveUp',
          actor: event.supervisor.path,
          kind: 'supervisor',
          reason: describeReason(event.reason),
        });
        break;
      case 'process.abandoned':
        this.note({
          type: 'process.abandoned',
          actor: event.process.path,
          kind: event.process.kind,
          detail: { kinds: event.kinds },
        });
        break;
      case 'process.threwLate':
        this.note({
          type: 'process.threwLate',
          actor: event.process.path,
          kind: event.process.kind,
          reason: String(event.thrown),
        });
        break;
      case 'handler.slow':
        this.note({
          type: 'handler.slow',
          actor: event.process.path,
          kind: event.process.kind,
          detail: { event: event.event, ms: Math.round(event.ms) },
        });
        break;
      case 'mailbox.full':
        this.note({
          type: 'mailbox.full',
          actor: event.process.path,
          kind: event.process.kind,
          detail: { max: event.max },
        });
        break;
      case 'child.backingOff':
      case 'child.gaveUp':
        this.note({
          type: event.type,
          actor: `${event.supervisor.path}/${event.childId}`,
          kind: 'process',
          reason: describeReason(event.reason),
          ...('waitMs' in event ? { detail: { waitMs: event.waitMs } } : {}),
        });
        break;
      case 'listener.failed':
        this.note({ type: 'listener.failed', actor: '', kind: 'listener', reason: String(event.error) });
        break;
    }
  }

  #remember(failure: Failure): void {
    this.#failures.delete(failure.path);
    this.#failures.set(failure.path, failure);
    if (this.#failures.size <= FAILURES_MAX) return;
    const oldest = this.#failures.keys().next().value;
    if (oldest !== undefined) this.#failures.delete(oldest);
  }
}
