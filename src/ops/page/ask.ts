/** Questions to the gateway, and the cookie with which pictures and events may be read where reading is not free. */

import { toast } from './toast.js';
import { currentToken, useToken } from './token.js';

const ANSWER_MS = 8000;
/** Where the gateway is mounted. */
export const base = location.pathname.replace(/[^/]*$/, '');

/** The gateway refused. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const token = currentToken();
  const headers = { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...jsonIf(options.body) };
  const response = await fetch(base + path, { cache: 'no-store', ...options, headers });
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
  throw new Refusal(response.status, body?.error?.message ?? response.statusText);
}

export async function ask<T>(path: string): Promise<T> {
  return (await request(path, { signal: AbortSignal.timeout(ANSWER_MS) })).json() as Promise<T>;
}

export async function act(path: string, body?: object): Promise<Response> {
  return request(path, { method: 'POST', ...(body ? { body: JSON.stringify(body) } : {}) });
}

function jsonIf(body: unknown): Readonly<Record<string, string>> {
  return body === undefined ? {} : { 'Content-Type': 'application/json' };
}

/** Shows the token once and gets the cookie. @returns whether it was taken. */
export async function logIn(): Promise<boolean> {
  if (!currentToken()) return false;
  try {
    await act('api/login');
    return true;
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 401) return false;
    useToken('');
    toast('The token was refused.');
    return false;
  }
}
