/** What an uplink goes over. Owned here, implemented by `src/grpc`, and in tests by something that stands still. */
import type { Scope } from '../otp/scope.js';

export interface UplinkTransport {
  /** How people know the other side; without secrets. */
  readonly label: string;
  /**
   * Begins an attempt; what becomes of it is told to the listener. All that it holds is acquired through `scope`: that ends
   * with the attempt, and the next begins only when everything has been given back. Never throws.
   */
  open(listener: UplinkListener, how: UplinkAttemptOptions): UplinkAttempt;
}

export interface UplinkAttemptOptions {
  readonly scope: Scope;
  /** The last attempt hung: whatever it went over must not be used again. */
  readonly fresh: boolean;
}

/** What an attempt reports. What comes after its end is ignored. */
export interface UplinkListener {
  /** The peer has taken it. That alone is not a connection. */
  opened(): void;
  /** The peer has said something. */
  heard(): void;
  /** It is over. @param final trying again makes no sense. */
  failed(error: Error, final?: boolean): void;
}

export interface UplinkAttempt {
  /** Says that we are here. Called while it is live, and only then. */
  beat(): void;
}

/** All times in milliseconds. */
export interface UplinkOptions {
  /** How long the peer may take to accept, and then to say its first word. */
  readonly connectMs: number;
  readonly firstMessageMs: number;
  /** How often we say that we are here. */
  readonly heartbeatMs: number;
  /** A peer that says nothing for so long is lost. */
  readonly inactivityMs: number;
  /** An uplink that has held for so long counts as sound again. */
  readonly stableMs: number;
  /** How long an attempt may take to be given back. */
  readonly closeMs: number;
  /** How long it may be gone before it is `degraded`. */
  readonly degradedMs: number;
  readonly retry: { readonly initialMs: number; readonly maxMs: number; readonly jitter: number };
  /** More reconnections than this within the time are told as an alert. */
  readonly alert: { readonly reconnects: number; readonly perMs: number };
}

export const UPLINK_DEFAULTS: UplinkOptions = {
  connectMs: 5_000,
  firstMessageMs: 5_000,
  heartbeatMs: 5_000,
  inactivityMs: 15_000,
  stableMs: 30_000,
  closeMs: 5_000,
  degradedMs: 2_000,
  retry: { initialMs: 250, maxMs: 15_000, jitter: 0.5 },
  alert: { reconnects: 10, perMs: 60_000 },
};

/** What happens to an uplink. `uplink.degraded` and `uplink.available` alternate, beginning with `uplink.available`. */
export type UplinkEvent =
  | { readonly type: 'uplink.connecting'; readonly attempt: number }
  | { readonly type: 'uplink.live'; readonly attempt: number }
  | { readonly type: 'uplink.lost'; readonly reason: string; readonly retryInMs: number }
  | { readonly type: 'uplink.available' }
  | { readonly type: 'uplink.degraded'; readonly reason: string }
  | { readonly type: 'uplink.alert'; readonly reconnects: number; readonly perMs: number }
  | { readonly type: 'uplink.closed'; readonly reason: string };
