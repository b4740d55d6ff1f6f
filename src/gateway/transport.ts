/**
 * The wires under clients and streams. Owned by the gateway, implemented by whoever serves them (`src/grpc`, `src/ops`).
 * A wire reports what happens on it through the handle it was given; it decides nothing.
 */
import type { ExitReason } from '../otp/exit-reason.js';
import type { Frame } from './frame.js';

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
  | { readonly type: 'event'; readonly topic: string; readonly payload: Buffer }
  | { readonly type: 'bye'; readonly reason: string; readonly retryAfterMs: number; readonly reconnect: boolean };

/** The wire of one control stream (Gateway.Connect). */
export interface ControlWire {
  send(word: ServerWord): void;
  /** Ends the call with the status that the reason stands for. Called once. Never throws. */
  end(reason: ExitReason): void;
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
}

/** A request to watch a camera. */
export interface WatchOptions {
  readonly cameraId: string;
  /** Frames above this rate are skipped for this viewer; 0 or absent: the camera's own rate. */
  readonly maxFps?: number;
  /** One of the overflow policies; absent or empty: the camera's. */
  readonly overflow?: string;
}
