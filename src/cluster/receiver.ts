/**
 * What whoever is acted upon does: it remembers the highest token of each key and refuses lower ones. A gateway that was
 * replaced and does not know it yet may go on for seconds; only here is it stopped (research: a partitioned owner acted for
 * nine seconds, and every act was refused).
 */
import { compareTokens, type Token } from './token.js';

export interface ReceiverOptions {
  /** Keys that are remembered; the one longest unused is forgotten first. Default 100,000. */
  readonly keysMax?: number;
}

export class TokenReceiver {
  readonly #highest = new Map<string, Token>();
  readonly #keysMax: number;
  #refused = 0;

  constructor({ keysMax = 100_000 }: ReceiverOptions = {}) {
    if (!Number.isInteger(keysMax) || keysMax < 1) {
      throw new RangeError(`keysMax: expected a whole number of at least 1, got ${keysMax}`);
    }
    this.#keysMax = keysMax;
  }

  /** How many acts were refused. */
  get refused(): number {
    return this.#refused;
  }

  get size(): number {
    return this.#highest.size;
  }

  /** Whether an act under this token may be carried out. True raises the mark: lower ones are refused from now on. */
  admits(key: string, token: Token): boolean {
    const highest = this.#highest.get(key);
    if (highest && compareTokens(token, highest) < 0) {
      this.#refused += 1;
      return false;
    }
    this.#highest.delete(key);
    this.#highest.set(key, token);
    if (this.#highest.size > this.#keysMax) {
      const oldest = this.#highest.keys().next().value;
      if (oldest !== undefined) this.#highest.delete(oldest);
    }
    return true;
  }

  /** The effect of this key matters no longer. */
  forget(key: string): void {
    this.#highest.delete(key);
  }
}
