/**
 * Telling a third party to start or to stop, by HTTP. A call is tried a given number of times, each for a given time; it is
 * signed, so that the other side can tell that it is from this gateway and is not an old one played again.
 *
 * The body is JSON: `{ type, sessionId, nodeId, packageName, restart, token: { era, rev } }`. The header
 * `x-sluice-timestamp` holds milliseconds since 1970; `x-sluice-signature` holds `sha256=` and the hexadecimal HMAC-SHA256,
 * under the app's secret, of the timestamp, a full stop and the body. A receiver recomputes it over the bytes it got, compares
 * in constant time, refuses timestamps that are minutes old, and refuses tokens lower than the highest it has seen.
 */
import { createHmac } from 'node:crypto';
import { GatewayError } from './gateway-error.js';
import type { OwnershipStore, OwnershipToken } from './ownership.js';

export interface WebhookBody {
  readonly type: 'app.start' | 'app.stop';
  readonly sessionId: string;
  readonly nodeId: string;
  readonly packageName: string;
  /** A stop that is followed by a start. */
  readonly restart: boolean;
  /** The caller's right to act for the session; a lower one than before comes from a gateway that lost it. */
  readonly token: OwnershipToken;
}

export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
}

export interface WebhookOptions {
  readonly attempts: number;
  readonly timeoutMs: number;
  readonly nowMs: () => number;
  /** Ends the call and all further tries. */
  readonly signal: AbortSignal;
}

/** Resolves when the other side has answered 2xx. Rejects with the last try's reason, which never names the secret. */
export async function callWebhook(target: WebhookTarget, body: WebhookBody, options: WebhookOptions): Promise<void> {
  const text = JSON.stringify(body);
  let last: unknown = new Error('webhook: no attempt was made');
  for (let attempt = 0; attempt < options.attempts; attempt += 1) {
    options.signal.throwIfAborted();
    try {
      await callOnce(target, text, options);
      return;
    } catch (error) {
      last = error;
    }
  }
  options.signal.throwIfAborted();
  throw last;
}

/** The same call for whoever may have been replaced: nothing is told in the name of a key that others own now. */
export function fencedWebhook(call: typeof callWebhook, ownership: OwnershipStore): typeof callWebhook {
  return async (target, body, options) => {
    if (!ownership.mayTell(body.nodeId, body.token)) {
      throw new GatewayError('fenced', `fenced: "${body.nodeId}" is not this gateway's any more`);
    }
    await call(target, body, options);
  };
}

async function callOnce({ url, secret }: WebhookTarget, text: string, options: WebhookOptions): Promise<void> {
  const timestamp = String(options.nowMs());
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const { address, credentials } = addressOf(url);
  const response = await fetch(address, {
    method: 'POST',
    body: text,
    redirect: 'error',
    signal: AbortSignal.any([options.signal, timeout]),
    headers: {
      ...credentials,
      'content-type': 'application/json',
      'x-sluice-timestamp': timestamp,
      'x-sluice-signature': `sha256=${signatureOf(secret, timestamp, text)}`,
    },
  });
  // Nothing in the answer interests us, and an unread body would hold its connection.
  await response.body?.cancel();
  if (!response.ok) throw new Error(`webhook: ${address.host} answered ${response.status}`);
}

/** Parsed here: fetch refuses a URL that is wrong or carries credentials, and its refusal shows the whole of it. */
function addressOf(url: string): { readonly address: URL; readonly credentials: Readonly<Record<string, string>> } {
  const address = new URL(url);
  const { username, password } = address;
  if (username === '' && password === '') return { address, credentials: {} };
  address.username = '';
  address.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { address, credentials: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

/** The signature of one call: what a receiver recomputes. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
}
