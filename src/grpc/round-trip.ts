/**
 * Knowing that a peer has taken in what it was sent. A cancelled call is over here as soon as it is cancelled; at the peer,
 * only when the reset has been read, and a call that is begun meanwhile is seen there beside the one it replaces. HTTP/2
 * answers a PING in order: once it is answered, everything before it has been read.
 *
 * grpc-js keeps the session to itself. It is looked for behind a call, and done without where it is not found;
 * `test/grpc/round-trip.test.ts` fails when an upgrade of grpc-js hides it, so that it is not lost in silence.
 */
import type { ClientHttp2Session } from 'node:http2';

/** The fields that are looked for: a client call wraps another, down to the one that knows its connection. */
interface Inner {
  readonly call?: unknown;
  readonly child?: unknown;
  readonly underlyingCalls?: readonly unknown[];
  readonly transport?: { readonly session?: unknown };
}

/** The connection that a client call goes or went over; nothing where it never got one, or in another grpc-js. */
export function sessionOf(call: object): ClientHttp2Session | undefined {
  let inner: unknown = call;
  while (isObject(inner)) {
    const session = inner.transport?.session;
    if (isSession(session)) return session;
    inner = inner.call ?? inner.child ?? inner.underlyingCalls?.at(-1);
  }
  return undefined;
}

const trips = new WeakMap<ClientHttp2Session, RoundTrips>();

/**
 * Resolves with `true` when the peer has read all that this session has sent so far, or the session is no more; with
 * `false` after the time.
 */
export async function peerHasRead(session: ClientHttp2Session, limitMs: number): Promise<boolean> {
  // What is sent from within the reading of something goes out when that has been read.
  await new Promise<void>((resolve) => setImmediate(resolve));
  const known = trips.get(session) ?? new RoundTrips(session);
  trips.set(session, known);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([known.next().then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One PING at a time, however many want to know: Node refuses more than ten, and peers take offence at many. */
class RoundTrips {
  readonly #session: ClientHttp2Session;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  /** One that begins now or later. */
  next(): Promise<void> {
    if (!this.#current) return this.#begin();
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#current = this.#ping().then(() => {
      this.#current = undefined;
    });
    return this.#current;
  }

  /** A session that ends meanwhile answers with an error, which is as good: what it had is over. */
  #ping(): Promise<void> {
    if (this.#session.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#session.ping(() => resolve()));
  }
}

function isObject(value: unknown): value is Inner {
  return typeof value === 'object' && value !== null;
}

function isSession(value: unknown): value is ClientHttp2Session {
  return isObject(value) && typeof (value as { ping?: unknown }).ping === 'function';
}
