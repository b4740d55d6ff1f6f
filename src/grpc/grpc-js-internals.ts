/**
 * What we use of grpc-js beyond its public API, besides the reset of a stream (`inner-stream.ts`): the HTTP/2 stream under a
 * server call, to read and write messages past grpc-js, and the HTTP/2 servers under a server, to give them a receive window
 * that fits a round trip. Each is looked for and done without where it is not found; `test/grpc/grpc-js-internals.test.ts`
 * fails when an upgrade of grpc-js hides one, so that it is not lost in silence.
 */
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { type Server, ServerInterceptingCall } from '@grpc/grpc-js';

/** An environment variable: with `1` messages are read and written through the public API only. */
export const PUBLIC_API_SWITCH = 'SLUICE_GRPC_PUBLIC_API';

export function wantsPublicApi(): boolean {
  return process.env[PUBLIC_API_SWITCH] === '1';
}

/** The stream under a call, for who may write messages to it past grpc-js. */
export interface DirectStream {
  readonly stream: ServerHttp2Stream;
  /** The largest message that the server was told to send; -1: any. */
  readonly sendBytesMax: number;
  /** Tells grpc-js's statistics (channelz) of a message that it did not see; absent where it keeps none. */
  readonly messageSent: (() => void) | undefined;
}

/** The same for who may read messages from it. */
export interface DirectInput {
  readonly stream: ServerHttp2Stream;
  /** The largest message that the server was told to take; -1: any. */
  readonly receiveBytesMax: number;
  /** From now on the bytes that come, and that no more will, are told here and not to grpc-js. */
  readonly takeOver: (onBytes: (bytes: Buffer) => void, onEnd: () => void) => void;
  /** Tells grpc-js that no more will come: the call ends on its reading side. */
  readonly end: () => void;
  /** Ends the call as grpc-js does when what comes is not to be taken. */
  readonly refuse: (status: { readonly code: number; readonly details: string }) => void;
  readonly messageReceived: (() => void) | undefined;
}

/** As far as it is looked at. The innermost call holds the stream; each server interceptor wraps it once more. */
interface Inner {
  readonly stream?: unknown;
  readonly nextCall?: unknown;
  readonly responder?: { readonly sendMessage?: unknown };
  readonly maxSendMessageSize?: unknown;
  readonly maxReceiveMessageSize?: unknown;
  readonly incomingEncoding?: unknown;
  readonly readQueue?: unknown;
  readonly receivedHalfClose?: unknown;
  readonly listener?: Listener | null;
  readonly callEventTracker?: { addMessageSent?(): void; addMessageReceived?(): void } | null;
  sendStatus?(status: object): void;
  /** Called for what the stream tells, by these names at each time. */
  handleDataFrame?(bytes: Buffer): void;
  handleEndEvent?(): void;
}

/** Who hears of what comes: one for each interceptor, around the call's own. */
interface Listener {
  readonly listener?: { readonly onReceiveMessage?: unknown };
  readonly nextListener?: Listener;
}

/**
 * The stream of a server call; nothing where this grpc-js keeps it elsewhere, or where an interceptor of the host wants to
 * see the messages.
 */
export function directStream(call: object): DirectStream | undefined {
  let inner = (call as { readonly call?: Inner }).call;
  while (isObject(inner)) {
    if (isHttp2Stream(inner.stream)) return direct(inner, inner.stream);
    if (inner.responder?.sendMessage !== HANDS_MESSAGES_ON) return undefined;
    inner = inner.nextCall as Inner | undefined;
  }
  return undefined;
}

function direct(inner: Inner, stream: ServerHttp2Stream): DirectStream | undefined {
  const { maxSendMessageSize, callEventTracker } = inner;
  // Without its limit known, a message that is too large would go out.
  if (typeof maxSendMessageSize !== 'number') return undefined;
  const messageSent = callEventTracker?.addMessageSent?.bind(callEventTracker);
  return { stream, sendBytesMax: maxSendMessageSize, messageSent };
}

/** What an interceptor does with messages that it was not made for. */
const HANDS_MESSAGES_ON = (new ServerInterceptingCall({} as never) as unknown as Inner).responder?.sendMessage;

/**
 * The stream of a server call of which nothing has been read; nothing where this grpc-js keeps it elsewhere, where messages
 * come compressed, or where somebody wants to see them before the handler does: an interceptor of the host's, or whoever has
 * put a `push` of his own on the call, as who judges a call by its first message does.
 */
export function directInput(call: object): DirectInput | undefined {
  if (Object.hasOwn(call, 'push')) return undefined;
  let inner = (call as { readonly call?: Inner }).call;
  while (isObject(inner) && !isHttp2Stream(inner.stream)) inner = inner.nextCall as Inner | undefined;
  if (!inner || !isHttp2Stream(inner.stream)) return undefined;
  const { stream, maxReceiveMessageSize, incomingEncoding, readQueue, receivedHalfClose, callEventTracker } = inner;
  if (typeof maxReceiveMessageSize !== 'number' || incomingEncoding !== 'identity') return undefined;
  if (!Array.isArray(readQueue) || readQueue.length > 0 || receivedHalfClose !== false) return undefined;
  for (let heard = inner.listener; heard?.nextListener; heard = heard.nextListener) {
    if (heard.listener?.onReceiveMessage !== HEARS_NO_MESSAGES) return undefined;
  }
  const refuse = inner.sendStatus?.bind(inner);
  const end = inner.handleEndEvent?.bind(inner);
  if (!inner.handleDataFrame || !end || !refuse) return undefined;
  const takeOver: DirectInput['takeOver'] = (onBytes, onEnd) => {
    Object.assign(inner, { handleDataFrame: onBytes, handleEndEvent: onEnd });
    shortenWay(stream, onBytes);
  };
  const messageReceived = callEventTracker?.addMessageReceived?.bind(callEventTracker);
  return { stream, receiveBytesMax: maxReceiveMessageSize, takeOver, end, refuse, messageReceived };
}

/**
 * Node hands what has come to `push`, which asks in a later turn whether more is wanted and tells by an event: for each chunk
 * of sound a callback more than it takes. While the stream flows and holds nothing back the bytes need none of that. A Node
 * that does not use `push` tells them by the event.
 */
function shortenWay(stream: ServerHttp2Stream, onBytes: (bytes: Buffer) => void): void {
  const { push } = stream;
  stream.push = (bytes: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (bytes === null || stream.readableFlowing !== true || stream.readableLength > 0) {
      return push.call(stream, bytes, encoding);
    }
    onBytes(bytes);
    return true;
  };
  // To a stream that was paused meanwhile it looks as if what it asked for had never come, and it would not ask again.
  stream.on('resume', () => {
    if (!stream.destroyed) stream._read(0);
  });
}

/** What an interceptor does with messages that come if it was not made for them. */
const HEARS_NO_MESSAGES = ((): unknown => {
  let heard: Listener | undefined;
  const next = {
    start: (listener: Listener) => {
      heard = listener;
    },
  };
  new ServerInterceptingCall(next as never).start({} as never);
  return heard?.listener?.onReceiveMessage;
})();

/** The parts of a server that are looked for. */
interface ServerParts {
  readonly http2Servers?: ReadonlyMap<Http2Server, unknown>;
  createHttp2Server?(credentials: unknown): Http2Server;
}

/**
 * Lets peers send up to `windowBytes` per stream before we have taken them; Node's own 64 KiB are 1 MB/s over a round trip of
 * 40 ms. grpc-js has an option for it that its server ignores. Connections that are open already keep what they have.
 * @returns false where this grpc-js gives no way to it.
 */
export function widenReceiveWindows(server: Server, windowBytes: number): boolean {
  return onSession(server, (session) => widenSession(session, windowBytes));
}

/**
 * Tells how long peers took to answer the PINGs of keepalive, by which grpc-js asks whether they are there. None is sent for
 * it. @returns false where this grpc-js gives no way to it.
 */
export function timePings(server: Server, answered: (ms: number) => void): boolean {
  return onSession(server, (session) => {
    const ping = session.ping as (done: PingDone) => boolean;
    session.ping = ((done: PingDone) =>
      ping.call(session, (error, ms, payload) => {
        if (!error) answered(ms);
        done(error, ms, payload);
      })) as typeof session.ping;
  });
}

type PingDone = (error: Error | null, ms: number, payload: Buffer) => void;

/** Calls `opened` for every connection from now on. */
function onSession(server: Server, opened: (session: ServerHttp2Session) => void): boolean {
  const parts = server as unknown as ServerParts;
  const create = parts.createHttp2Server;
  if (typeof create !== 'function' || !(parts.http2Servers instanceof Map)) return false;
  const listen = (http2Server: Http2Server): void => void http2Server.on('session', opened);
  for (const http2Server of parts.http2Servers.keys()) listen(http2Server);
  parts.createHttp2Server = (credentials) => {
    const http2Server = create.call(server, credentials);
    listen(http2Server);
    return http2Server;
  };
  return true;
}

function widenSession(session: ServerHttp2Session, windowBytes: number): void {
  if (session.destroyed) return;
  session.settings({ initialWindowSize: windowBytes });
  // The window of the connection, which all its streams share, has no setting.
  session.setLocalWindowSize(windowBytes);
}

function isObject(value: unknown): value is Inner {
  return typeof value === 'object' && value !== null;
}

function isHttp2Stream(value: unknown): value is ServerHttp2Stream {
  return isObject(value) && typeof (value as { respond?: unknown }).respond === 'function';
}
