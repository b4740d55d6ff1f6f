/**
 * Stands before every service, whoever's it is: a call is put to the doorkeeper before its handler hears of it, and goes on
 * without its token, so that no service can show one. Where the server is ours, an interceptor asks the same question when
 * the metadata has come: a stranger's messages are then not even read. In a server of the host's only the handlers are ours.
 */
import type { PeerCertificate } from 'node:tls';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { GatewayError } from '../gateway/gateway-error.js';
import { AUTHORIZATION_HEADER, type Doorkeeper, type Judge } from './auth.js';
import { closeEnded } from './inner-stream.js';
import type { RefusalLog } from './refusal-log.js';
import { type GrpcStatus, statusOfError } from './status.js';

/** What all server calls of grpc-js have. */
export interface GuardedCall {
  readonly metadata: Metadata;
  /** There in a call with one request. */
  readonly request?: unknown;
  getPeer(): string;
  getAuthContext?(): { readonly sslPeerCertificate?: PeerCertificate };
  /** There in a call with a stream of requests: grpc-js gives each message to it. */
  push?(message: unknown, encoding?: BufferEncoding): boolean;
}

export class CallGuard {
  readonly #keeper: Doorkeeper;
  readonly #refusals: RefusalLog;

  constructor(keeper: Doorkeeper, refusals: RefusalLog) {
    this.#keeper = keeper;
    this.#refusals = refusals;
  }

  /** Nothing where nothing is to be asked: each one costs each message a little. */
  get interceptors(): readonly ServerInterceptor[] {
    return this.#keeper.enforces ? [this.#intercept] : [];
  }

  /** Lets the call in, or calls `refuse`, once; then, or later when the call names what it may not name. */
  admit(path: string, call: GuardedCall, enter: () => void, refuse: (status: GrpcStatus) => void): void {
    const refused = (thrown: unknown): void => refuse(this.#refusal(thrown, path, call));
    let judge: Judge;
    try {
      judge = this.#keeper.admit(path, call.metadata, { certificate: certificateOf(call) });
      call.metadata.remove(AUTHORIZATION_HEADER);
      if (judge && !call.push) judge(call.request);
    } catch (thrown) {
      refused(thrown);
      return;
    }
    if (judge && call.push) listenFirst(call, judge, refused);
    enter();
  }

  #refusal(thrown: unknown, path: string, call: Pick<GuardedCall, 'getPeer'>): GrpcStatus {
    const reason = thrown instanceof GatewayError ? thrown.code : 'internal';
    this.#refusals.note({ reason, method: path, peer: call.getPeer() });
    return statusOfError(thrown);
  }

  readonly #intercept: ServerInterceptor = (method, call) => {
    const onReceiveMetadata = (metadata: Metadata, pass: (metadata: Metadata) => void): void => {
      try {
        this.#keeper.admit(method.path, metadata, { certificate: certificateOf(call) });
      } catch (thrown) {
        call.sendStatus(this.#refusal(thrown, method.path, call));
        closeEnded({ call });
        return;
      }
      pass(metadata);
    };
    return new ServerInterceptingCall(call, { start: (next) => next({ onReceiveMetadata }) });
  };
}

/** Looks at each message before the handler gets it, until one says what the call is about. */
function listenFirst(call: GuardedCall, judge: NonNullable<Judge>, refused: (thrown: unknown) => void): void {
  const push = call.push as NonNullable<GuardedCall['push']>;
  let over = false;
  call.push = (message, encoding) => {
    if (over) return true;
    try {
      // The end of the messages is none.
      if (message !== null && judge(message) === 'judged') call.push = push;
    } catch (thrown) {
      over = true;
      refused(thrown);
      return true;
    }
    return push.call(call, message, encoding);
  };
}

function certificateOf(
  call: Pick<ServerInterceptingCallInterface, never> & GuardedCallContext,
): PeerCertificate | undefined {
  return call.getAuthContext?.().sslPeerCertificate;
}

type GuardedCallContext = Pick<GuardedCall, 'getAuthContext'>;
