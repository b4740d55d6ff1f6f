/**
 * Everything that outlives its first answer: event listeners, live views, work begun in the background. It bounds the
 * listeners, and ends all of it when the server stops.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import type { WatchOptions } from '../gateway/transport.js';
import type { Clock } from '../otp/clock.js';
import { EventDigest } from './event-digest.js';
import type { EventFilter } from './event-filter.js';
import { EventStream } from './event-stream.js';
import { LIVE_CONTENT_TYPE, LiveView, wantsHeadOnly } from './live-view.js';

const LISTENERS_MAX = 1000;

/** The request that a stream answers. */
export interface StreamRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly gateway: Gateway;
}

export class OpenStreams {
  readonly #clock: Clock;
  readonly #failed: (thrown: unknown) => void;
  readonly #listeners = new Set<EventStream | EventDigest>();
  readonly #views = new Set<LiveView>();

  constructor(clock: Clock, failed: (thrown: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  /** Event listeners and live views that are open. */
  get size(): number {
    return this.#listeners.size + this.#views.size;
  }

  /** Every event that is wanted, from the one after `afterId` on. */
  listen(request: StreamRequest, afterId: number | undefined, wanted: EventFilter): void {
    this.#listens(request, () => new EventStream(request.res, request.gateway, this.#clock, afterId, wanted));
  }

  /** What happened in words and numbers, for a page that is looked at. */
  digest(request: StreamRequest, afterId: number, filter: string): void {
    this.#listens(request, () => new EventDigest(request.res, request.gateway, this.#clock, afterId, filter));
  }

  #listens({ req, res }: StreamRequest, open: () => EventStream | EventDigest): void {
    if (this.#listeners.size >= LISTENERS_MAX) {
      throw new GatewayError('max_clients_reached', `events: at most ${LISTENERS_MAX} may listen`, {
        retryAfterMs: 5000,
      });
    }
    if (wantsHeadOnly(req)) {
      res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
      res.end();
      return;
    }
    this.#refusePipelined(res);
    const stream = open();
    this.#listeners.add(stream);
    res.once('close', () => this.#listeners.delete(stream));
    stream.begin();
  }

  async view({ req, res, gateway }: StreamRequest, request: WatchOptions): Promise<void> {
    if (wantsHeadOnly(req)) {
      const known = gateway.cameras().some(({ id }) => id === request.cameraId);
      if (!known) throw new GatewayError('camera_not_found', `camera: there is none with the id ${request.cameraId}`);
      res.setHeader('Content-Type', LIVE_CONTENT_TYPE);
      res.end();
      return;
    }
    this.#refusePipelined(res);
    const view = new LiveView(res, () => this.#viewEnded(request.cameraId));
    this.#views.add(view);
    res.once('close', () => this.#views.delete(view));
    await view.begin(gateway, request);
  }

  /**
   * A request that was sent behind another one on its connection has no socket yet: its answer would wait, and nothing
   * would tell when the peer has gone. A stream does not begin so.
   */
  #refusePipelined(res: ServerResponse): void {
    if (!res.socket) throw new GatewayError('invalid_argument', 'a stream wants a connection of its own');
  }

  /**
   * A browser does not tell its page that a moving picture has ended. The listeners are told instead, so that a page may
   * ask again; a page whose own picture goes on loses nothing by doing so.
   */
  #viewEnded(cameraId: string): void {
    for (const listener of this.#listeners) listener.remark('view.ended', { cameraId });
  }

  /** Work whose answer has already been given. Its failure is reported and hurts nobody. */
  inBackground(work: Promise<void>): void {
    work.catch(this.#failed);
  }

  endAll(): void {
    for (const listener of this.#listeners) listener.end();
    for (const view of this.#views) view.end('shutdown');
  }
}
