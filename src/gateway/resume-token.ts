/**
 * The token by which a lost client proves that a session is its own: random, for one session only, new at every connect,
 * and compared in constant time. Only its digest is kept, so that nothing that shows a session can show the token.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { nanoid } from 'nanoid';

/** 32 characters of 64: 192 bits. */
const TOKEN_LENGTH = 32;

export class ResumeToken {
  /** As a string, which is a third of a buffer's size; there is one for each session. */
  #digest: string | undefined;
  #validUntilMs = 0;

  /** Makes a new token; the one before opens nothing any more. */
  rotate(nowMs: number, ttlMs: number): string {
    const token = nanoid(TOKEN_LENGTH);
    this.#digest = digestOf(token);
    this.#validUntilMs = nowMs + ttlMs;
    return token;
  }

  /** Its time begins anew: its owner was heard from just now. */
  renew(nowMs: number, ttlMs: number): void {
    this.#validUntilMs = nowMs + ttlMs;
  }

  opens(token: string, nowMs: number): boolean {
    if (!this.#digest || nowMs >= this.#validUntilMs) return false;
    return timingSafeEqual(Buffer.from(this.#digest), Buffer.from(digestOf(token)));
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
