/**
 * Upstream channels made of grpc-js: what the gateway's pool of channels opens and closes. A channel here is one client with
 * a connection of its own. It connects at once, tells when it has, and when it no longer has; it never reconnects behind the
 * pool's back, because grpc-js would try for ever on a peer that takes TCP and then is mute.
 */
import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  connectivityState,
  credentials,
  type StatusObject,
} from '@grpc/grpc-js';
import type { Channel, ChannelConnector, ChannelListener } from '../gateway/channel.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { Lease } from '../gateway/lease.js';
import { OwnSockets } from './own-sockets.js';

/** PEM texts. `true`: TLS with the machine's own roots. */
export type TlsClientOptions =
  | true
  | { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined };

/** Equal options to one target share one channel. */
export interface GrpcChannelOptions {
  /** Default: no TLS. */
  readonly tls?: TlsClientOptions | undefined;
  readonly keepalive?: KeepaliveOptions | undefined;
  /** HTTP/2's receive window per stream. Node's own 64 KiB are 1 MB/s over a round trip of 40 ms. Default: 1 MiB. */
  readonly windowBytes?: number | undefined;
  /** Default: no limit of the channel's own. */
  readonly maxMessageBytes?: number | undefined;
}

/**
 * A connection with open calls that is silent for `timeMs` is asked whether it lives, and is lost after `timeoutMs` more.
 * Servers written with gRPC's C++ or Go take offence below 5 minutes unless they are told otherwise.
 */
export interface KeepaliveOptions {
  readonly timeMs: number;
  readonly timeoutMs: number;
}

export interface GrpcConnectorOptions {
  /** For channels that say nothing else. */
  readonly keepalive: KeepaliveOptions;
}

export class GrpcChannel implements Channel {
  readonly client: Client;
  /** What grpc-js was told. */
  readonly options: ClientOptions;
  readonly #sockets = new OwnSockets();
  readonly #listener: ChannelListener;

  /** Connects at once. */
  constructor(target: string, tls: ChannelCredentials, options: ClientOptions, listener: ChannelListener) {
    this.options = options;
    this.#listener = listener;
    this.client = new Client(target, tls, options);
    this.#sockets.during(() => follow(this.client, listener));
  }

  /** It is not to be used any more, whatever grpc-js thinks: its peer does not answer. What is open may still end. */
  abandon(): void {
    OwnSockets.outside(() => this.#listener.lost());
  }

  /** Resolves when its sockets are gone: in order where somebody answers, by force where nobody does. */
  close(): Promise<void> {
    const connected = this.client.getChannel().getConnectivityState(false) === connectivityState.READY;
    this.client.close();
    if (!connected) this.#sockets.destroy();
    return this.#sockets.gone(FAREWELL_MS);
  }
}

export class GrpcConnector implements ChannelConnector<GrpcChannel, GrpcChannelOptions> {
  readonly #defaults: GrpcConnectorOptions;

  constructor(defaults: GrpcConnectorOptions) {
    this.#defaults = defaults;
  }

  /** @param target `host:port` */
  open(target: string, options: GrpcChannelOptions = {}, listener: ChannelListener): GrpcChannel {
    checkTarget(target);
    const clientOptions = this.#clientOptions(options);
    return new GrpcChannel(target, credentialsOf(options), clientOptions, listener);
  }

  #clientOptions({ keepalive = this.#defaults.keepalive, windowBytes, maxMessageBytes }: GrpcChannelOptions) {
    return {
      'grpc.keepalive_time_ms': keepalive.timeMs,
      'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
      // Only while calls are open: most servers count pings on an idle connection as an offence.
      'grpc.keepalive_permit_without_calls': 0,
      'grpc-node.flow_control_window': windowBytes ?? WINDOW_BYTES,
      'grpc.max_receive_message_length': maxMessageBytes ?? -1,
      // A stream is not something to be repeated behind its reader's back.
      'grpc.enable_retries': 0,
      // The pool decides what is idle: grpc-js would disconnect under an open lease.
      'grpc.client_idle_timeout_ms': NEVER_MS,
      // One channel, one connection. From the common pool a new channel may get the connection of one that is being closed.
      'grpc.use_local_subchannel_pool': 1,
    } satisfies ClientOptions;
  }
}

const WINDOW_BYTES = 1024 * 1024;
const NEVER_MS = 2 ** 31 - 1;
/** How long a connection may take to end in order: its calls are told, and so is the peer. Then its socket is destroyed. */
const FAREWELL_MS = 1_000;

/** What grpc-js calls make common use of; all of its calls have it. */
interface Call {
  cancel(): void;
  on(event: 'status', listener: (status: StatusObject) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Makes a call over a leased channel: when the lease is given back, or the channel is closed, the call is cancelled first.
 * Its end comes as a `status`, whatever it was; who wants more adds listeners.
 */
export function callOver<C extends Call>(lease: Lease<GrpcChannel>, make: (client: Client) => C): C {
  const call = make(lease.channel.client);
  const ended = lease.track(call);
  call.on('status', ended);
  // Told as a status too. An error that nobody listens for would be an uncaught exception.
  call.on('error', () => {});
  return call;
}

/** Connects, and tells of the first success or failure, and of the first loss after a success. */
function follow(client: Client, listener: ChannelListener): void {
  const channel = client.getChannel();
  let ready = false;
  const look = (): void => {
    const state = channel.getConnectivityState(false);
    if (state === connectivityState.SHUTDOWN) return;
    if (ready && state !== connectivityState.READY) {
      OwnSockets.outside(() => listener.lost());
      return;
    }
    if (state === connectivityState.TRANSIENT_FAILURE) {
      OwnSockets.outside(() => listener.failed(new Error('it could not be reached')));
      return;
    }
    if (state === connectivityState.READY && !ready) {
      ready = true;
      OwnSockets.outside(() => listener.ready());
    }
    // Who was told may have closed the channel.
    if (channel.getConnectivityState(false) === connectivityState.SHUTDOWN) return;
    channel.watchConnectivityState(channel.getConnectivityState(false), Number.POSITIVE_INFINITY, look);
  };
  channel.watchConnectivityState(channel.getConnectivityState(true), Number.POSITIVE_INFINITY, look);
}

/** How a client shows itself, and whom it trusts. */
export function credentialsOf({ tls }: { readonly tls?: TlsClientOptions | undefined }): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  if (tls === true) return credentials.createSsl();
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
}

/** grpc-js takes nearly any text and then looks for it in the name service. */
function checkTarget(target: string): void {
  const [, port] = /^(?:\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(target) ?? [];
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return;
  const came = JSON.stringify(target.slice(0, TARGET_SHOWN));
  throw new GatewayError('invalid_argument', `target: expected host:port, got ${came}`);
}

const TARGET_SHOWN = 200;
