/**
 * Who owns a key now. A claim makes every earlier token stale; who acts for a key checks that its token is still the one.
 * Owned here, so that gateways on many machines can share a store; this edition is for one.
 */

/** Later claims have higher tokens: by era first, then by revision. */
export interface OwnershipToken {
  readonly era: number;
  readonly rev: number;
}

/** In whose name something is done: a key, and the right to act for it. */
export interface Owner {
  /** `session.ada`, `camera.door`. */
  readonly key: string;
  readonly token: OwnershipToken;
  /** The guard: whether it may be done at this moment. Synchronous; asked right before each effect. */
  current(): boolean;
}

export const KEY_HEADER = 'x-sluice-key';
export const TOKEN_HEADER = 'x-sluice-token';

/**
 * How a call names its owner, in metadata or in headers: the key, percent-encoded, and the token as `era.rev`. Whoever is called
 * refuses a lower token than before.
 */
export function ownerHeaders({ key, token }: Pick<Owner, 'key' | 'token'>): Readonly<Record<string, string>> {
  return { [KEY_HEADER]: encodeURIComponent(key), [TOKEN_HEADER]: tokenText(token) };
}

/** `era.rev`, as headers and metadata carry it. */
export function tokenText({ era, rev }: OwnershipToken): string {
  return `${era}.${rev}`;
}

/** Why a key was lost: another gateway took it, or this one may act for nobody any more. */
export type OwnershipLoss = 'superseded' | 'fenced';

export interface ClaimOptions {
  /** Orders the connects of one client, wherever they arrive. 0: unknown. */
  readonly ordinal: number;
  /** False for what lives on this gateway only and takes nothing from anybody elsewhere: an implicit client. */
  readonly shared: boolean;
  /** Called at most once, when the key is taken by somebody elsewhere; never for what happens here. */
  readonly onLost?: (reason: OwnershipLoss) => void;
}

export interface OwnershipStore {
  /**
   * Takes the key from whoever had it. Rejects with a `GatewayError`: `stale_connect` when a connect with a higher ordinal has been
   * seen elsewhere, `fenced` or `engine_unavailable` when this gateway cannot own anything now.
   */
  claim(key: string, options: ClaimOptions): Promise<OwnershipToken>;
  /** Whether this token is the latest for its key, and may be acted under at this moment. */
  owns(key: string, token: OwnershipToken): boolean;
  /**
   * Whether third parties may still be told something under this token: it was not taken by somebody else, though it may have
   * been given back.
   */
  mayTell(key: string, token: OwnershipToken): boolean;
  /** Gives the key up, unless it was taken meanwhile. */
  release(key: string, token: OwnershipToken): void;
  readonly size: number;
}

/** One process: claims cannot fail and are never late. */
export class MemoryOwnership implements OwnershipStore {
  readonly #owners = new Map<string, OwnershipToken>();
  readonly #era: number;
  #rev = 0;

  constructor(era = 1) {
    this.#era = era;
  }

  get size(): number {
    return this.#owners.size;
  }

  async claim(key: string): Promise<OwnershipToken> {
    this.#rev += 1;
    const token = { era: this.#era, rev: this.#rev };
    this.#owners.set(key, token);
    return token;
  }

  owns(key: string, token: OwnershipToken): boolean {
    return this.#owners.get(key) === token;
  }

  mayTell(): boolean {
    return true;
  }

  release(key: string, token: OwnershipToken): void {
    if (this.owns(key, token)) this.#owners.delete(key);
  }
}
