/**
 * The cloud side of an audio bridge: users who join rooms of a gateway over one shared connection, each kept there by an
 * uplink until it leaves. A client is a small supervision tree of its own; closing it leaves nothing behind.
 *
 *     audio-client (rest_for_one)
 *     ├─ channels
 *     └─ uplinks (dynamic)          uplink:<n> for each user
 */
import { Metadata } from '@grpc/grpc-js';
import type { ChannelLimits } from '../gateway/channel.js';
import { Channels, channelsLogic } from '../gateway/channels.js';
import { Place } from '../gateway/place.js';
import type { Turn } from '../gateway/turn.js';
import { Uplink } from '../gateway/uplink.js';
import { UPLINK_DEFAULTS, type UplinkEvent, type UplinkOptions } from '../gateway/uplink-transport.js';
import { Uplinks } from '../gateway/uplinks.js';
import { type Application, startApplication } from '../otp/application.js';
import type { Clock } from '../otp/clock.js';
import { describeReason } from '../otp/exit-reason.js';
import { leftovers } from '../otp/leaks.js';
import { monitor } from '../otp/monitor.js';
import { System } from '../otp/system.js';
import { AudioAttempt, type AudioQueueOptions, type JoinOptions } from './audio-attempt.js';
import { AudioConnection } from './audio-connection.js';
import { type GrpcChannel, type GrpcChannelOptions, GrpcConnector } from './channel.js';
import { GrpcUplink } from './uplink.js';

/** What a pino logger offers and this uses. */
export interface AudioLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface AudioBridgeClientOptions {
  /** A bearer token. Without TLS it goes over the wire as it is. */
  readonly token?: string | undefined;
  /** TLS, keepalive, windows. Keepalive is 10 s and 5 s unless it is said otherwise. */
  readonly channel?: GrpcChannelOptions | undefined;
  readonly uplink?: Partial<UplinkOptions>;
  readonly queue?: Partial<AudioQueueOptions>;
  /** Chunks that wait to be read by `for await`. Default 200. */
  readonly inboxFrames?: number;
  readonly clock?: Clock;
  /** In [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** Takes a line for each thing that happens to a connection: its stable code, with user and room. */
  readonly logger?: AudioLogger;
  /** Hears of every connection: what happened, to whom. */
  readonly onEvent?: (event: UplinkEvent, userId: string) => void;
}

/** What somebody should look at; the rest is how it goes. */
const WARNINGS: ReadonlySet<UplinkEvent['type']> = new Set(['uplink.lost', 'uplink.degraded', 'uplink.alert']);

const QUEUE: AudioQueueOptions = {
  queueFrames: 200,
  queueBytes: 8 * 1024 * 1024,
  maxAgeMs: 2_000,
  sendTimeoutMs: 2_000,
};
const KEEPALIVE = { timeMs: 10_000, timeoutMs: 5_000 };
const CHANNELS: ChannelLimits = { channelsMax: 1_000, connectMs: 5_000, waitMs: 5_000, idleMs: 60_000, closeMs: 0 };

export class AudioBridgeClient implements AsyncDisposable {
  readonly #target: string;
  readonly #options: AudioBridgeClientOptions;
  readonly #uplink: UplinkOptions;
  readonly #system: System;
  readonly #channels: Channels<GrpcChannel, GrpcChannelOptions>;
  readonly #pool = new Place();
  readonly #uplinks = new Uplinks();
  readonly #open = new Set<AudioConnection>();
  #started: Promise<Application> | undefined;
  #closed: Promise<void> | undefined;
  /** It crashed again and again, and has given up. */
  #crash: Error | undefined;
  #last = 0;

  /** @param target `host:port` of a gateway. Nothing is connected before the first `join`. */
  constructor(target: string, options: AudioBridgeClientOptions = {}) {
    this.#target = target;
    this.#options = options;
    this.#uplink = { ...UPLINK_DEFAULTS, ...options.uplink };
    const { clock } = options;
    this.#system = new System(clock ? { clock } : {});
    this.#channels = new Channels(() => this.#pool.process);
  }

  /**
   * Takes a user into a room, and keeps it there. Returns at once; `ready()` of what it returns waits. The signal leaves the
   * room when it is aborted.
   */
  join(join: JoinOptions, { signal }: { readonly signal?: AbortSignal } = {}): AudioConnection {
    if (this.#closed) throw new Error('join: expected an open client, but this one was closed');
    this.#last += 1;
    const id = `uplink:${this.#last}`;
    let uplink: Uplink | undefined;
    const connection = new AudioConnection({
      join,
      signal,
      inboxFrames: this.#options.inboxFrames ?? 200,
      wallMs: () => this.#system.clock.wallMs(),
      figures: () => uplink?.view() ?? NOT_BEGUN,
      close: () => this.#end(id),
    });
    this.#open.add(connection);
    void connection.ended.then(() => this.#open.delete(connection));
    this.#uplinks.add({
      id,
      options: this.#uplink,
      make: (turn) => {
        uplink = this.#makeUplink(connection, join, turn);
        return uplink;
      },
      onOver: (error) => connection.end(error),
    });
    if (this.#crash) connection.end(this.#crash);
    else this.#start().catch((error: Error) => connection.end(error));
    if (signal?.aborted) void connection.leave('aborted');
    return connection;
  }

  /** Leaves every room and gives everything back. Idempotent; never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What is held right now, by kind; empty after `close`. */
  census(): Readonly<Record<string, number>> {
    return leftovers(this.#system);
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => connection.leave('the client was closed')));
    const application = await this.#started;
    if (application) await application.stop({ timeoutMs: this.#uplink.closeMs + 1_000 });
    else this.#system.close();
    for (const connection of this.#open) connection.end();
  }

  #makeUplink(connection: AudioConnection, join: JoinOptions, turn: Turn): Uplink {
    const { channel, random = Math.random, queue, onEvent, logger } = this.#options;
    const { clock } = this.#system;
    const transport = new GrpcUplink({
      channels: this.#channels,
      target: this.#target,
      channel: { keepalive: KEEPALIVE, ...channel },
      begin: (lease, listener, how) => {
        const attempt = new AudioAttempt(lease, listener, how, {
          join,
          queue: { ...QUEUE, ...queue },
          clock,
          metadata: () => this.#metadata(),
          onJoined: ({ participantId }) => connection.joined(participantId),
          onChunk: (chunk) => connection.hear(chunk),
        });
        connection.began(attempt);
        return attempt;
      },
    });
    return new Uplink({
      transport,
      options: this.#uplink,
      turn,
      random,
      tell: (event) => {
        const { type, ...detail } = event;
        logger?.[WARNINGS.has(type) ? 'warn' : 'info']({ userId: join.userId, room: join.room, ...detail }, type);
        onEvent?.(event, join.userId);
        connection.tell(event);
      },
    });
  }

  async #end(id: string): Promise<void> {
    await this.#started;
    await this.#uplinks.end(id);
  }

  #start(): Promise<Application> {
    this.#started ??= this.#begin();
    return this.#started;
  }

  async #begin(): Promise<Application> {
    const application = await startApplication(
      'audio-client',
      {
        strategy: 'rest_for_one',
        children: [
          {
            id: 'channels',
            shutdown: CHANNELS.closeMs + 1_000,
            start: this.#pool.starts(channelsLogic, () => this.#poolInput()),
          },
          { id: 'uplinks', type: 'supervisor', start: this.#uplinks.start },
        ],
      },
      this.#system,
    );
    monitor(application.root, ({ reason }) => {
      this.#crash = new Error(`the client has ended: ${describeReason(reason)}`);
      if (!this.#closed) for (const connection of this.#open) connection.end(this.#crash);
    });
    return application;
  }

  #poolInput() {
    return { connector: new GrpcConnector({ keepalive: KEEPALIVE }), limits: CHANNELS, note: () => {} };
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    if (this.#options.token) metadata.set('authorization', `Bearer ${this.#options.token}`);
    return metadata;
  }
}

/** One user, one client: closing the connection closes the client. @param target `host:port` of a gateway. */
export function connectAudio(
  target: string,
  { signal, ...options }: JoinOptions & AudioBridgeClientOptions & { readonly signal?: AbortSignal },
): AudioConnection {
  const client = new AudioBridgeClient(target, options);
  const connection = client.join(options, signal ? { signal } : {});
  void connection.ended.then(() => client.close());
  return connection;
}

const NOT_BEGUN = { label: '', state: 'connecting', available: false, attempts: 0, reconnects: 0, reconnectsLately: 0 };
