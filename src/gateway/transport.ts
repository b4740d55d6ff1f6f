/**
 * The wires under clients and streams. Owned by the gateway, implemented by whoever serves them (`src/grpc`, `src/ops`).
 * A wire reports what happens on it through the handle it was given; it decides nothing.
 */
import type { ExitReason } from '../otp/exit-reason.js';
import type { CallOutcome, CallReply } from './calls.js';
import type { Frame, Picture } from './frame.js';
import type { Question } from './services.js';
import type { TopicEvent } from './topics.js';

/** The wire of one viewer. */
export interface FrameWire {
  /**
   * Writes one frame. `done` is called once, later, when the wire has taken it or failed; there is never a second write
   * before. Never throws.
   */
  write(frame: Frame, done: (error?: Error | null) => void): void;
  /** Ends the wire with the status that the reason stands for. Called once; nothing is written after it. Never throws. */
  end(reason: ExitReason): void;
}

/** What the wire of a stream reports. Every call after the first end is ignored. */
export interface StreamHandle {
  /** The stream's id, as pages and events show it. */
  readonly id: string;
  peerCancelled(): void;
  peerHalfClosed(): void;
  failed(error: Error): void;
  deadlineExceeded(): void;
}

/** What the gateway says on a control stream. */
export type ServerWord =
  | {
      readonly type: 'welcome';
      readonly clientId: string;
      readonly sessionId: string;
      readonly resumeToken: string;
      readonly token: { readonly era: number; readonly rev: number };
      readonly heartbeatMs: number;
      readonly resumed: boolean;
    }
  | { readonly type: 'heartbeat'; readonly timestampMs: number }
  | TopicEvent
  | ({ readonly type: 'call' } & Question)
  | ({ readonly type: 'reply' } & CallReply)
  | { readonly type: 'bye'; readonly reason: string; readonly retryAfterMs: number; readonly reconnect: boolean };

/** The wire of one control stream (Gateway.Connect). */
export interface ControlWire {
  /** `done` is called once, later, when the wire has taken the word or failed. Never throws. */
  send(word: ServerWord, done?: (error?: Error | null) => void): void;
  /** Ends the call with the status that the reason stands for. Called once. Never throws. */
  end(reason: ExitReason): void;
}

/** The wire of one unary call. Of `answer` and `end` one is called, once. Neither throws. */
export interface CallWire {
  answer(outcome: CallOutcome): void;
  /** The call ended without an answer, with the status that the reason stands for. */
  end(reason: ExitReason): void;
}

/** A call as a client makes it. `id` is the client's own, and comes back with the reply. */
export interface CallWord {
  readonly id: string;
  readonly procedure: string;
  readonly payload: Uint8Array;
  /** 0: the gateway's own. */
  readonly timeoutMs: number;
}

/** A call made outside Connect. */
export interface CallOptions extends Omit<CallWord, 'id'> {
  /** How many gateways it has passed already. */
  readonly hops: number;
}

/** What a client says in its first message. */
export interface Hello {
  readonly nodeId: string;
  readonly realm: string;
  readonly role: 'client' | 'app';
  readonly capabilities: readonly string[];
  readonly endpoint: string;
  /** Of an app: the session it acts for, and its package. */
  readonly sessionId: string;
  readonly packageName: string;
  /** Empty: a fresh session. */
  readonly resumeToken: string;
  /** Rises with each connect of the client; 0: it does not count. */
  readonly ordinal: number;
}

/** What the wire of a control stream reports. */
export interface ControlHandle extends StreamHandle {
  readonly clientId: string;
  /** The client beat; answered with the same stamp. */
  heartbeat(timestampMs: number): void;
  /** Any other message arrived: the client is heard. */
  heard(): void;
  /** The client says goodbye. */
  bye(reason: string): void;
  // What is refused of the following throws a `GatewayError` that names the field.
  subscribe(pattern: string): void;
  unsubscribe(pattern: string): void;
  publish(topic: string, payload: Uint8Array): void;
  /** `ttlMs` 0: the gateway's own. */
  register(procedure: string, ttlMs: number): void;
  unregister(procedure: string): void;
  /** Answered by a word `reply` with the same id. Never throws. */
  call(call: CallWord): void;
  /** The answer to a word `call`. Never throws. */
  reply(reply: CallReply): void;
}

/** What became of what somebody published. */
export interface PublishSummary {
  readonly frames: number;
  /** Of their data. */
  readonly bytes: number;
  /** Frames of these that became none of the camera's. */
  readonly dropped: number;
}

/** The wire of one publisher. Of `finish` and `end` one is called, once. Neither throws. */
export interface PublishWire {
  /** It has said its last, and this is what became of it. */
  finish(summary: PublishSummary): void;
  end(reason: ExitReason): void;
}

/** What the wire of a publisher reports. */
export interface PublishHandle extends StreamHandle {
  /** A picture came. The bytes are the receiver's. Never waits. */
  picture(picture: Picture): void;
  /** A sign of life came. */
  heard(): void;
}

export interface PublishOptions {
  readonly cameraId: string;
}

/** A request to watch a camera. */
export interface WatchOptions {
  readonly cameraId: string;
  /** Frames above this rate are skipped for this viewer; 0 or absent: the camera's own rate. */
  readonly maxFps?: number;
  /** One of the overflow policies; absent or empty: the camera's. */
  readonly overflow?: string;
  /** What was recorded since then, in milliseconds since 1970, instead of what is now. */
  readonly fromMs?: number;
  /** How much faster than it was recorded; 0: as fast as it is taken. Default 1. */
  readonly speed?: number;
}
