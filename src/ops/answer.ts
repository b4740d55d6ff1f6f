/** How answers are written: the headers that every one of them carries, and the three simple kinds of body. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpError } from './http-error.js';

/**
 * On every answer. Nothing here is for a cache or for another site, and nothing but the page is a document: its own
 * policy replaces this one, which lets a browser do nothing at all with what it was sent.
 */
const COMMON = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const;

export function setCommonHeaders(res: ServerResponse): void {
  for (const [name, value] of Object.entries(COMMON)) res.setHeader(name, value);
}

/** Answers with a whole body. For HEAD, Node keeps the headers and leaves the body out. */
export function answer(res: ServerResponse, status: number, contentType: string, body: string | Buffer): void {
  res.statusCode = status;
  res.setHeader('Content-Type', contentType);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

/** By body, which is the same object for as long as it is the same. */
const tags = new WeakMap<Buffer, string>();

/** Answers with what changes only with the version that runs: who has it already is told so, in a 304 without a body. */
export function answerLasting(req: IncomingMessage, res: ServerResponse, contentType: string, body: Buffer): void {
  let tag = tags.get(body);
  if (!tag) {
    tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    tags.set(body, tag);
  }
  res.setHeader('ETag', tag);
  // To be asked for each time: who may not read it any more gets it from no cache.
  res.setHeader('Cache-Control', 'private, no-cache');
  const known = (req.headers['if-none-match'] ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  if (!known.includes(tag) && !known.includes('*')) {
    answer(res, 200, contentType, body);
    return;
  }
  res.statusCode = 304;
  res.end();
}

export function answerJson(res: ServerResponse, status: number, value: unknown): void {
  answer(res, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

export function answerText(res: ServerResponse, status: number, text: string): void {
  answer(res, status, 'text/plain; charset=utf-8', `${text}\n`);
}

/** Answers with a refusal. When an answer has begun already it can only be broken off. */
export function answerError(res: ServerResponse, error: HttpError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value);
  answerJson(res, error.status, { error: { code: error.code, message: error.message } });
}
