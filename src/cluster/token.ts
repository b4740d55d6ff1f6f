/**
 * The token of an owner: which era of the engine, and which write in it. Later claims have higher tokens, so whoever is acted
 * upon can tell an owner from one who was.
 */
import type { OwnershipToken } from '../gateway/ownership.js';

export { tokenText } from '../gateway/ownership.js';

export type Token = OwnershipToken;

export const NO_TOKEN: Token = { era: 0, rev: 0 };

/** Below 0: `a` is older. 0: the same. Above 0: `a` is newer. */
export function compareTokens(a: Token, b: Token): number {
  return a.era - b.era || a.rev - b.rev;
}

/** Reads what `tokenText` writes; undefined for anything else. */
export function parseToken(text: string): Token | undefined {
  const match = /^(\d{1,16})\.(\d{1,16})$/.exec(text);
  if (!match) return undefined;
  const token = { era: Number(match[1]), rev: Number(match[2]) };
  return Number.isSafeInteger(token.era) && Number.isSafeInteger(token.rev) ? token : undefined;
}
