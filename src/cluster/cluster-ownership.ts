/**
 * The gateway's ownership store over a cluster: what a session may do is what its key's token allows. What lives on this gateway
 * only is owned here as if it were alone, under era 0, below every shared token.
 */
import { GatewayError } from '../gateway/gateway-error.js';
import { type ClaimOptions, MemoryOwnership, type OwnershipStore, type OwnershipToken } from '../gateway/ownership.js';
import type { ClaimAnswer } from './claim-words.js';
import type { Ownership } from './holding.js';
import type { ClusterNode } from './node.js';

/** Keys that were lost to others are remembered, so that nothing late is told in their name. */
const LOST_MAX = 10_000;

export class ClusterOwnership implements OwnershipStore {
  /** The node that is alive now. */
  readonly #node: () => ClusterNode | undefined;
  readonly #prefix: string;
  readonly #held = new Map<string, Ownership>();
  readonly #lost = new Set<string>();
  readonly #local = new MemoryOwnership(0);

  /** `prefix` tells the kinds of key apart: `session.`, `camera.`. */
  constructor(node: () => ClusterNode | undefined, prefix: string) {
    this.#node = node;
    this.#prefix = prefix;
  }

  get size(): number {
    return this.#held.size + this.#local.size;
  }

  async claim(key: string, { ordinal, shared, onLost }: ClaimOptions): Promise<OwnershipToken> {
    if (!shared) return this.#local.claim(key);
    const node = this.#node();
    if (!node) throw fenced();
    const answer = await new Promise<ClaimAnswer>((resolve) => node.claim(this.#prefix + key, ordinal, resolve));
    switch (answer.type) {
      case 'owned':
        this.#hold(key, answer.ownership, onLost);
        return answer.ownership.token;
      case 'stale_connect':
        throw new GatewayError(
          'stale_connect',
          `stale_connect: hello.ordinal: a later connect of "${key}" has been seen, got ${ordinal}`,
        );
      case 'superseded':
        throw new GatewayError('superseded', `superseded: a newer connect of "${key}" took over`);
      case 'fenced':
        throw fenced();
      case 'unavailable':
        throw new GatewayError('engine_unavailable', `engine_unavailable: "${key}" cannot be claimed: ${answer.why}`, {
          retryAfterMs: 1_000,
        });
    }
  }

  owns(key: string, token: OwnershipToken): boolean {
    if (token.era === 0) return this.#local.owns(key, token);
    const held = this.#held.get(key);
    return held?.token === token && held.current();
  }

  mayTell(key: string, token: OwnershipToken): boolean {
    if (token.era === 0) return true;
    if (this.#lost.has(nameOf(key, token))) return false;
    const held = this.#held.get(key);
    // Given back in order: what is left to say was decided while it was owned.
    if (held?.token !== token) return this.#node()?.mayAct() === true;
    return held.current();
  }

  release(key: string, token: OwnershipToken): void {
    if (token.era === 0) {
      this.#local.release(key, token);
      return;
    }
    const held = this.#held.get(key);
    if (held?.token !== token) return;
    this.#held.delete(key);
    held.release();
  }

  #hold(key: string, ownership: Ownership, onLost: ClaimOptions['onLost']): void {
    this.#held.set(key, ownership);
    ownership.signal.addEventListener(
      'abort',
      () => {
        if (this.#held.get(key) === ownership) this.#held.delete(key);
        const { reason } = ownership.signal;
        if (reason === 'released') return;
        this.#remember(nameOf(key, ownership.token));
        onLost?.(reason === 'superseded' ? 'superseded' : 'fenced');
      },
      { once: true },
    );
  }

  #remember(name: string): void {
    this.#lost.add(name);
    if (this.#lost.size <= LOST_MAX) return;
    const [oldest] = this.#lost;
    if (oldest !== undefined) this.#lost.delete(oldest);
  }
}

function nameOf(key: string, { era, rev }: OwnershipToken): string {
  return `${era}.${rev} ${key}`;
}

function fenced(): GatewayError {
  return new GatewayError('fenced', 'fenced: this gateway cannot own clients at the moment', { retryAfterMs: 1_000 });
}
