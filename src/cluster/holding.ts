/** A key that this node owns, from the claim that took it until it is lost or given back. It never comes back to life. */
import type { Token } from './token.js';

/** Why a key is owned no longer. */
export type LossReason = 'superseded' | 'fenced' | 'released';

/** The key is not owned any more, or may not be acted for now. */
export class FencedError extends Error {
  readonly code = 'fenced';

  constructor(key: string, why: string) {
    super(`fenced: "${key}" must not be acted for: ${why}`);
    this.name = 'FencedError';
  }
}

export interface Ownership {
  readonly key: string;
  readonly token: Token;
  /** Whether this node may act for the key at this moment. Synchronous; asked before every effect. */
  current(): boolean;
  /** Throws a `FencedError` unless `current()`. */
  check(): void;
  /** Aborted when the key is lost; the reason is a `LossReason`. */
  readonly signal: AbortSignal;
  /** Gives the key back. Idempotent; not an error when it is lost already. */
  release(): void;
}

export interface HoldingParts {
  readonly key: string;
  readonly token: Token;
  readonly claim: string;
  readonly mayAct: () => boolean;
  readonly release: (holding: Holding) => void;
}

export class Holding implements Ownership {
  readonly key: string;
  readonly token: Token;
  readonly claim: string;
  readonly #parts: HoldingParts;
  readonly #abort = new AbortController();

  constructor(parts: HoldingParts) {
    this.key = parts.key;
    this.token = parts.token;
    this.claim = parts.claim;
    this.#parts = parts;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why it was lost; undefined while it is held. */
  get lost(): LossReason | undefined {
    return this.#abort.signal.aborted ? (this.#abort.signal.reason as LossReason) : undefined;
  }

  current(): boolean {
    return this.lost === undefined && this.#parts.mayAct() && this.lost === undefined;
  }

  check(): void {
    if (this.current()) return;
    throw new FencedError(this.key, this.lost ?? 'the lease of this node is over');
  }

  release(): void {
    if (this.lost === undefined) this.#parts.release(this);
  }

  lose(reason: LossReason): void {
    if (this.lost === undefined) this.#abort.abort(reason);
  }
}
