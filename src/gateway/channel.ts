/**
 * A connection to somebody, as the pool of channels sees it: it can be made, it tells what becomes of it, and it can be
 * closed. What goes over it is not here; `src/grpc/channel.ts` makes them of gRPC.
 */
import type { Scope } from '../otp/scope.js';
import type { ChannelView } from './views.js';

export interface Channel {
  /**
   * Ends it now, or the attempt at it. Its socket goes, whatever state it is in; where that takes a moment, the promise
   * resolves when it is gone. Called once.
   */
  close(): void | Promise<void>;
}

/** What becomes of a channel. Said never before `open` has returned; what comes after `close` is ignored. */
export interface ChannelListener {
  ready(): void;
  /** It could not connect. */
  failed(error: Error): void;
  /** The connection is gone or going. Calls that are open may still end in their own way. */
  lost(): void;
}

/** Makes channels, each connecting on its own. May throw a `GatewayError` when the target makes no sense. */
export interface ChannelConnector<C extends Channel, O> {
  open(target: string, options: O | undefined, listener: ChannelListener): C;
}

export interface ChannelLimits {
  readonly channelsMax: number;
  /** How long a connect may take. The pool's own deadline: a peer that takes TCP and is mute never fails by itself. */
  readonly connectMs: number;
  /** How long to wait for room when all channels are in use, unless who asks says otherwise. */
  readonly waitMs: number;
  /** A channel that nobody has had for so long is closed. */
  readonly idleMs: number;
  /** How long a shut channel waits for its calls before they are cancelled. */
  readonly closeMs: number;
}

export interface ChannelCounts {
  /** Every channel that exists, those being shut included. */
  readonly open: number;
  readonly idle: number;
  readonly connecting: number;
  readonly leases: number;
  /** Calls that are open over all channels. */
  readonly calls: number;
  /** Who waits for room. */
  readonly waiting: number;
  /** Since the start: made; closed to make room; closed with calls still open. */
  readonly opened: number;
  readonly evictions: number;
  readonly forced: number;
}

/** What happened to a channel that people will ask about. */
export type ChannelNote = 'channel.evicted' | 'channel.failed' | 'channel.forced' | 'channel.lost';

/** What a pool of channels works with. */
export interface ChannelPoolOptions<C extends Channel, O> {
  readonly connector: ChannelConnector<C, O>;
  readonly limits: ChannelLimits;
  readonly scope: Scope;
  readonly nowMs: () => number;
  /** Whether its end is the gateway's. One that is only replaced waits for no call and no socket. Default: it is. */
  readonly last?: () => boolean;
  readonly note: (type: ChannelNote, channel: ChannelView, reason: string) => void;
}
