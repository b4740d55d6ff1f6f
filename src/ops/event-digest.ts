/**
 * Events for a page that is looked at: four times a second one message with how many there were, of which types, and the
 * last of them that fit the filter. A gateway with a thousand changes a second then costs a page four messages, and a
 * reader whose socket is full is skipped and not queued for: nothing waits here but one message.
 *
 * What may not be missed is `EventStream`'s business.
 */
import type { ServerResponse } from 'node:http';
import type { Gateway } from '../gateway/gateway.js';
import type { GatewayEvent } from '../gateway/views.js';
import type { Clock } from '../otp/clock.js';

const EVERY_MS = 250;
/** Rounds after which something is said even where nothing happened. */
const BEAT_ROUNDS = 60;
const SHOWN_MAX = 50;
const SHOWN_FIRST_MAX = 200;
/** One that has not taken what is in its socket for so many rounds is gone. */
const STUCK_ROUNDS_MAX = 120;

export interface Digest {
  /** The id of the newest event; whoever resumes gives it as `since`. */
  readonly upTo: number;
  /** Events since the last message, the ones not shown included. */
  readonly count: number;
  readonly byType: Readonly<Record<string, number>>;
  /** The youngest that fit, the oldest of them first. */
  readonly events: readonly GatewayEvent[];
}

export class EventDigest {
  readonly #res: ServerResponse;
  readonly #gateway: Gateway;
  readonly #clock: Clock;
  readonly #filter: string;
  #upTo: number;
  #shownMax = SHOWN_FIRST_MAX;
  #timer: unknown;
  #quietRounds = 0;
  #stuckRounds = 0;

  constructor(res: ServerResponse, gateway: Gateway, clock: Clock, afterId: number, filter: string) {
    this.#res = res;
    this.#gateway = gateway;
    this.#clock = clock;
    this.#filter = filter.toLowerCase();
    const newestId = gateway.events().at(-1)?.id ?? 0;
    // An id that was never given comes from the life before a restart of the gateway: begin at the beginning.
    this.#upTo = afterId > newestId ? 0 : afterId;
  }

  begin(): void {
    const res = this.#res;
    res.once('close', () => this.#release());
    res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    res.setHeader('X-Accel-Buffering', 'no');
    res.writeHead(200);
    res.write('retry: 1000\n\n');
    this.#round();
  }

  remark(name: string, data: object): void {
    if (!this.#full) this.#res.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  end(): void {
    this.#release();
    if (!this.#res.destroyed) this.#res.end();
  }

  #round(): void {
    if (this.#full) this.#stuckRounds += 1;
    else this.#say();
    if (this.#stuckRounds > STUCK_ROUNDS_MAX) {
      this.#res.destroy();
      return;
    }
    this.#timer = this.#clock.setTimeout(() => this.#round(), EVERY_MS);
  }

  #say(): void {
    this.#stuckRounds = 0;
    const news = this.#gateway.events(this.#upTo);
    const newest = news.at(-1);
    if (!newest) {
      this.#quietRounds += 1;
      if (this.#quietRounds % BEAT_ROUNDS === 0) this.#res.write(': beat\n\n');
      return;
    }
    this.#quietRounds = 0;
    const digest: Digest = {
      upTo: newest.id,
      count: newest.id - this.#upTo,
      byType: countedByType(news),
      events: this.#fitting(news).slice(-this.#shownMax),
    };
    this.#upTo = newest.id;
    this.#shownMax = SHOWN_MAX;
    this.#res.write(`id: ${newest.id}\nevent: digest\ndata: ${JSON.stringify(digest)}\n\n`);
  }

  #fitting(events: readonly GatewayEvent[]): readonly GatewayEvent[] {
    if (this.#filter === '') return events;
    return events.filter(({ type, actor, reason = '' }) =>
      `${type} ${actor} ${reason}`.toLowerCase().includes(this.#filter),
    );
  }

  get #full(): boolean {
    return this.#res.destroyed || this.#res.writableLength > 0;
  }

  #release(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function countedByType(events: readonly GatewayEvent[]): Record<string, number> {
  const counts: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
