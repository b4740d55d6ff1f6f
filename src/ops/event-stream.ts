/**
 * Events to a browser as they happen (server-sent events). The gateway's ring of events is the only buffer: a listener
 * keeps the id it has got to and takes from the ring when its socket has room. One that has fallen a thousand events
 * behind, or so far that the ring has forgotten its next one, is dropped, and so is one that has taken nothing for a
 * whole beat: it may come again and resume with Last-Event-ID.
 */
import type { ServerResponse } from 'node:http';
import type { Gateway } from '../gateway/gateway.js';
import type { GatewayEvent } from '../gateway/views.js';
import type { Clock } from '../otp/clock.js';
import type { EventFilter } from './event-filter.js';
import { eventRow } from './event-row.js';

const BEAT_MS = 15_000;
/** Of events that wait in a socket; the reader's own receive window comes on top. */
const UNREAD_BYTES_MAX = 64 * 1024;
/** So many events a reader whose socket is full may be behind. */
const LAG_EVENTS_MAX = 1000;

export class EventStream {
  readonly #res: ServerResponse;
  readonly #gateway: Gateway;
  readonly #clock: Clock;
  readonly #wanted: EventFilter;
  #lastId: number;
  #undo: (() => void) | undefined;
  #timer: unknown;
  #stuck = false;

  /** `afterId`: the last event that the listener has; undefined: begin with the next one. */
  constructor(
    res: ServerResponse,
    gateway: Gateway,
    clock: Clock,
    afterId: number | undefined,
    wanted: EventFilter = () => true,
  ) {
    this.#wanted = wanted;
    this.#res = res;
    this.#gateway = gateway;
    this.#clock = clock;
    const newestId = gateway.events().at(-1)?.id ?? 0;
    // An id that was never given comes from the life before a restart of the gateway: begin at the beginning.
    this.#lastId = afterId === undefined ? newestId : afterId > newestId ? 0 : afterId;
  }

  begin(): void {
    const res = this.#res;
    res.once('close', () => this.#release());
    res.on('drain', () => {
      this.#stuck = false;
      this.#catchUp(this.#gateway.events(this.#lastId));
    });
    res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    res.setHeader('X-Accel-Buffering', 'no');
    res.writeHead(200);
    res.write('retry: 1000\n\n');
    // What the ring no longer has at the start is no fault of the reader: it gets what there is.
    const kept = this.#gateway.events(this.#lastId);
    if (kept[0]) this.#lastId = kept[0].id - 1;
    this.#undo = this.#gateway.onEvent((event) => this.#happened(event));
    this.#catchUp(kept);
    this.#beat();
  }

  /** Says something that is for now only: it has no id, is in no log, and is left out when the socket is full. */
  remark(name: string, data: object): void {
    if (!this.#full()) this.#res.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Ends the stream in order; the browser comes again by itself. */
  end(): void {
    this.#release();
    if (!this.#res.destroyed) this.#res.end();
  }

  #happened(event: GatewayEvent): void {
    if (!this.#full()) {
      this.#catchUp(event.id === this.#lastId + 1 ? [event] : this.#gateway.events(this.#lastId));
    } else if (event.id - this.#lastId > LAG_EVENTS_MAX) {
      this.#drop();
    }
  }

  #catchUp(events: readonly GatewayEvent[]): void {
    for (const event of events) {
      if (this.#full()) return;
      if (event.id > this.#lastId + 1) {
        this.#drop();
        return;
      }
      if (event.id <= this.#lastId) continue;
      this.#lastId = event.id;
      if (!this.#wanted(event)) continue;
      this.#res.write(`id: ${event.id}\ndata: ${JSON.stringify(eventRow(event))}\n\n`);
    }
  }

  #full(): boolean {
    return this.#res.destroyed || this.#res.writableLength > UNREAD_BYTES_MAX;
  }

  /** A comment now and then keeps proxies from closing a quiet stream, and finds out who no longer reads. */
  #beat(): void {
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#stuck && this.#res.writableLength > 0) {
        this.#drop();
        return;
      }
      this.#stuck = !this.#res.write(': beat\n\n') || this.#res.writableLength > 0;
      this.#beat();
    }, BEAT_MS);
  }

  #drop(): void {
    this.#release();
    this.#res.destroy();
  }

  #release(): void {
    this.#undo?.();
    this.#undo = undefined;
    this.#clock.clearTimeout(this.#timer);
  }
}
