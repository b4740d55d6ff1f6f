/**
 * Gateway.Connect: the control stream of one client. Messages take effect in the order in which they came. Reading stops
 * while the gateway decides on the hello, and while the client does not read our answers: what it sends then waits in
 * HTTP/2's window, at its end, and not in a queue of ours.
 */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { ControlHandle, ControlWire, Hello, ServerWord } from '../gateway/transport.js';
import {
  type ClientMessage,
  Hello_Role,
  type Hello as HelloMessage,
  ServerMessageSchema,
} from './gen/sluice/v1/gateway_pb.js';
import { type GrpcLog, ServedCall } from './served-call.js';
import { statusOfReason } from './status.js';

export function serveConnect(gateway: Gateway, log: GrpcLog): handleBidiStreamingCall<ClientMessage, Buffer> {
  return (call) => void new ConnectCall(call, gateway, log);
}

type ConnectStream = ServerDuplexStream<ClientMessage, Buffer>;

class ConnectCall {
  readonly #call: ConnectStream;
  readonly #gateway: Gateway;
  readonly #served: ServedCall;
  readonly #helloTimer: NodeJS.Timeout;
  #handle: ControlHandle | undefined;

  constructor(call: ConnectStream, gateway: Gateway, log: GrpcLog) {
    this.#call = call;
    this.#gateway = gateway;
    this.#served = new ServedCall(call, log);
    // Until it has said hello the gateway does not know this call; its silence is measured here.
    const { inactivityMs } = gateway.options.session;
    this.#helloTimer = setTimeout(() => this.#served.end(statusOfReason({ shutdown: 'inactivity' })), inactivityMs);
    call.on('cancelled', () => clearTimeout(this.#helloTimer));
    call.on('data', (message: ClientMessage) => this.#served.guard(() => this.#receive(message)));
    call.on('drain', () => this.#handle && call.resume());
    // A cancel ends the reading side first. Only an end that no cancel follows is a half-close.
    call.on('end', () => setImmediate(() => this.#served.guard(() => this.#halfClosed())));
  }

  #receive({ message }: ClientMessage): void {
    if (this.#served.over) return;
    if (!this.#handle) {
      if (message.case !== 'hello') throw firstMessageMustBeHello(message.case ?? 'an empty one');
      void this.#connect(readHello(message.value));
      return;
    }
    switch (message.case) {
      case 'heartbeat':
        this.#handle.heartbeat(readStamp(message.value.timestampMs));
        break;
      case 'bye':
        this.#handle.bye(message.value.reason);
        break;
      case 'subscribe':
        this.#handle.subscribe(message.value.pattern);
        break;
      case 'unsubscribe':
        this.#handle.unsubscribe(message.value.pattern);
        break;
      case 'publish':
        this.#handle.publish(message.value.topic, message.value.payload);
        break;
      case 'register':
        this.#handle.register(message.value.procedure, message.value.ttlMs);
        break;
      case 'unregister':
        this.#handle.unregister(message.value.procedure);
        break;
      case 'call':
        this.#handle.call(message.value);
        break;
      case 'reply': {
        const { id, payload, error } = message.value;
        this.#handle.reply({ id, payload, ...(error ? { error: { code: error.code, message: error.message } } : {}) });
        break;
      }
      case 'hello':
        throw new GatewayError('invalid_argument', 'hello must be the first message only, but came again');
      case undefined:
        throw new GatewayError('invalid_argument', 'message must be one that this gateway knows, but was none');
    }
  }

  async #connect(hello: Hello): Promise<void> {
    clearTimeout(this.#helloTimer);
    this.#call.pause();
    try {
      this.#handle = await this.#gateway.connect(hello, this.#wire());
      this.#served.attach(this.#handle);
      if (!this.#call.writableNeedDrain) this.#call.resume();
    } catch (thrown) {
      this.#served.refuseThrown(thrown);
    }
  }

  #halfClosed(): void {
    if (this.#served.over) return;
    if (!this.#handle) throw firstMessageMustBeHello('the end of the stream');
    this.#served.report('peerHalfClosed');
  }

  #wire(): ControlWire {
    return {
      send: (word, done) => {
        if (this.#served.over) return;
        const room = this.#call.write(encodeWord(word), done);
        if (!room) this.#call.pause();
      },
      end: (reason) => this.#served.end(statusOfReason(reason)),
    };
  }
}

/** Publications as they were encoded, once for all who get them. */
const encoded = new WeakMap<ServerWord, Buffer>();

function encodeWord(word: ServerWord): Buffer {
  const known = encoded.get(word);
  if (known) return known;
  const bytes = toBinary(ServerMessageSchema, create(ServerMessageSchema, { message: wordToMessage(word) }));
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (word.type === 'event') encoded.set(word, message);
  return message;
}

type ServerMessageInit = NonNullable<MessageInitShape<typeof ServerMessageSchema>['message']>;

function wordToMessage(word: ServerWord): ServerMessageInit {
  switch (word.type) {
    case 'welcome': {
      const { clientId, sessionId, resumeToken, heartbeatMs, resumed, token } = word;
      const owned = { tokenEra: BigInt(token.era), tokenRev: BigInt(token.rev) };
      return { case: 'welcome', value: { clientId, sessionId, resumeToken, heartbeatMs, resumed, ...owned } };
    }
    case 'heartbeat':
      return { case: 'heartbeat', value: { timestampMs: BigInt(word.timestampMs) } };
    case 'event':
      return { case: 'event', value: { topic: word.topic, payload: word.payload } };
    case 'call': {
      const { id, procedure, payload, timeoutMs } = word;
      return { case: 'call', value: { id, procedure, payload, timeoutMs } };
    }
    case 'reply': {
      const { id, payload, error } = word;
      return { case: 'reply', value: { id, payload, ...(error ? { error } : {}) } };
    }
    case 'bye': {
      const { reason, retryAfterMs, reconnect } = word;
      return { case: 'bye', value: { reason, retryAfterMs: Math.ceil(retryAfterMs), reconnect } };
    }
  }
}

/** The realm is passed on as it came: whether it is ours is the gateway's to say. */
function readHello(hello: HelloMessage): Hello {
  const { nodeId, realm, role, capabilities, endpoint, resumeToken, sessionId, packageName } = hello;
  if (nodeId === '') throw new GatewayError('invalid_argument', 'hello.node_id must name the client, but was empty');
  if (role !== Hello_Role.CLIENT && role !== Hello_Role.APP) {
    throw new GatewayError('invalid_argument', `hello.role must be CLIENT (0) or APP (1), but was ${role}`);
  }
  return {
    nodeId,
    realm,
    role: role === Hello_Role.APP ? 'app' : 'client',
    capabilities,
    endpoint,
    resumeToken,
    sessionId,
    packageName,
    ordinal: readOrdinal(hello.ordinal),
  };
}

function readOrdinal(ordinal: bigint): number {
  if (ordinal <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(ordinal);
  throw new GatewayError('invalid_argument', `hello.ordinal must be at most 2^53 - 1, but was ${ordinal}`);
}

/** A stamp is answered as it came, so one that a number cannot hold exactly is refused rather than rounded. */
function readStamp(timestampMs: bigint): number {
  const stamp = Number(timestampMs);
  if (Number.isSafeInteger(stamp)) return stamp;
  throw new GatewayError(
    'invalid_argument',
    `heartbeat.timestamp_ms must be between -(2^53 - 1) and 2^53 - 1, but was ${timestampMs}`,
  );
}

function firstMessageMustBeHello(came: string): GatewayError {
  return new GatewayError('invalid_argument', `the first message must be hello, but was ${came}`);
}
