/**
 * The source of a camera that several gateways have: each attempt claims the camera's key, and opens the source where it has it,
 * or takes the pictures from the gateway that does. Where the holder is not heard, the attempt waits: it may be dead, and then the
 * key is free when its lease has ended; it may be heard again. How long it waits is the camera's own limit.
 *
 * A key that is lost closes the source at once. One that is given back is given back after the source is closed.
 */
import {
  type FrameSource,
  type SourceAttempt,
  type SourceContext,
  SourceError,
  type SourceListener,
} from '../gateway/frame-source.js';
import type { Clock } from '../otp/clock.js';
import type { ExclusiveAnswer } from './claim-words.js';
import type { LossReason, Ownership } from './holding.js';
import type { ClusterNode } from './node.js';

/** How often a waiting attempt looks again. Milliseconds. */
const LOOK_MS = 200;

export interface OwnedSourceParts {
  readonly key: string;
  readonly source: FrameSource;
  readonly node: () => ClusterNode | undefined;
  readonly relay: (from: string, listener: SourceListener, clock: Clock) => SourceAttempt;
  readonly onRefused: () => void;
}

export class OwnedSource implements FrameSource {
  readonly #parts: OwnedSourceParts;
  #current: OwnedAttempt | undefined;

  constructor(parts: OwnedSourceParts) {
    this.#parts = parts;
  }

  get kind(): string {
    return this.#parts.source.kind;
  }

  /** Whose it is at the moment is part of it. */
  get label(): string {
    const { label } = this.#parts.source;
    const where = this.#current?.where ?? '';
    return where === '' ? label : `${label} (${where})`;
  }

  get keepsRate(): boolean {
    return this.#parts.source.keepsRate ?? false;
  }

  get skipped(): number {
    return this.#parts.source.skipped ?? 0;
  }

  open(listener: SourceListener, context: SourceContext): SourceAttempt {
    const attempt = new OwnedAttempt(this.#parts, listener, context.clock);
    this.#current = attempt;
    return attempt;
  }
}

/** Whether that node has a lease and was heard lately. */
export function isHeard(node: ClusterNode, name: string): boolean {
  return node.members().some((member) => member.node === name && member.state === 'up');
}

class OwnedAttempt implements SourceAttempt {
  readonly #parts: OwnedSourceParts;
  readonly #listener: SourceListener;
  readonly #clock: Clock;
  /** What it has open: the source itself, or its relay. */
  #inner: SourceAttempt | undefined;
  #ownership: Ownership | undefined;
  #timer: unknown;
  #over = false;
  #closed: Promise<void> | undefined;
  #where = '';

  constructor(parts: OwnedSourceParts, listener: SourceListener, clock: Clock) {
    this.#parts = parts;
    this.#listener = listener;
    this.#clock = clock;
    this.#lookAfter(0);
  }

  /** Empty where it is here. */
  get where(): string {
    return this.#over ? '' : this.#where;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#over = true;
    this.#clock.clearTimeout(this.#timer);
    await this.#inner?.close();
    this.#ownership?.release();
  }

  #lookAfter(ms: number): void {
    this.#timer = this.#clock.setTimeout(() => this.#claim(), ms);
  }

  #claim(): void {
    const node = this.#parts.node();
    if (node?.mayAct()) node.claimExclusive(this.#parts.key, (answer) => this.#answered(node, answer));
    else this.#wait('waits: this gateway has no lease');
  }

  #answered(node: ClusterNode, answer: ExclusiveAnswer): void {
    if (answer.type === 'owned') {
      if (this.#over) answer.ownership.release();
      else this.#read(answer.ownership);
      return;
    }
    if (this.#over) return;
    if (answer.type !== 'held') this.#wait(`waits: ${answer.type}`);
    else if (answer.node !== node.name && isHeard(node, answer.node)) this.#relay(answer.node);
    else this.#wait(`waits: held by ${answer.node}, which is not heard`);
  }

  #wait(where: string): void {
    this.#where = where;
    this.#lookAfter(LOOK_MS);
  }

  #relay(from: string): void {
    this.#where = `from ${from}`;
    this.#inner = this.#parts.relay(from, this.#listener, this.#clock);
  }

  #read(ownership: Ownership): void {
    this.#where = '';
    this.#ownership = ownership;
    ownership.signal.addEventListener('abort', () => this.#lost(ownership.signal.reason as LossReason), { once: true });
    const { source, onRefused } = this.#parts;
    const listener: SourceListener = {
      opened: () => this.#listener.opened(),
      picture: (picture) => {
        // A process that was stopped finds what came meanwhile when it wakes, before it knows that it has lost the key.
        if (ownership.current()) return this.#listener.picture(picture);
        onRefused();
        return false;
      },
      failed: (error) => {
        if (!this.#over) this.#listener.failed(error);
      },
    };
    this.#inner = source.open(listener, { clock: this.#clock, owner: ownership });
  }

  /** The source is closed here and now; the camera hears of it in its turn, because it may be asking at this moment. */
  #lost(reason: LossReason): void {
    if (this.#over) return;
    this.#over = true;
    void this.#inner?.close();
    queueMicrotask(() => {
      if (!this.#closed) this.#listener.failed(new SourceError(`${reason}: another gateway may have this camera now`));
    });
  }
}
