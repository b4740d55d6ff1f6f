/**
 * Who owns a key now. A claim always succeeds and makes every earlier token stale; who acts for a key checks that its token
 * is still the one. Owned here, so that gateways on many machines can share a store; this edition is for one.
 */

/** Later claims have higher tokens: by era first, then by revision. */
export interface OwnershipToken {
  readonly era: number;
  readonly rev: number;
}

export interface OwnershipStore {
  /** Takes the key from whoever had it. */
  claim(key: string): Promise<OwnershipToken>;
  /** Whether this token is the latest for its key. */
  owns(key: string, token: OwnershipToken): boolean;
  /** Gives the key up, unless it was taken meanwhile. */
  release(key: string, token: OwnershipToken): void;
  readonly size: number;
}

/** One process: claims cannot fail and are never late. */
export class MemoryOwnership implements OwnershipStore {
  readonly #owners = new Map<string, OwnershipToken>();
  #rev = 0;

  get size(): number {
    return this.#owners.size;
  }

  async claim(key: string): Promise<OwnershipToken> {
    this.#rev += 1;
    const token = { era: 1, rev: this.#rev };
    this.#owners.set(key, token);
    return token;
  }

  owns(key: string, token: OwnershipToken): boolean {
    return this.#owners.get(key) === token;
  }

  release(key: string, token: OwnershipToken): void {
    if (this.owns(key, token)) this.#owners.delete(key);
  }
}
