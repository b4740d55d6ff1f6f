/**
 * Still pictures from `http://` and `https://`: one GET for each, so many milliseconds apart by the schedule, for cameras that give
 * single pictures and for viewers who need no more. The first is asked for at once. At no moment is there more than one request: a
 * picture that takes longer than the interval is waited for, and what was due meanwhile is left out.
 *
 * A URL that gives a stream serves too: its first picture is taken and the connection closed. A picture that could not be had
 * is a failure of the attempt; the camera's chart retries.
 */
import { type FrameSource, type SourceAttempt, SourceError, type SourceListener } from '../gateway/frame-source.js';
import type { Clock } from '../otp/clock.js';
import { MjpegParser, type ParserLimits } from './mjpeg-parser.js';
import { type HttpTarget, httpTarget, MjpegRequest } from './mjpeg-request.js';

export interface StillOptions extends ParserLimits {
  readonly everyMs: number;
}

/** Makes the driver of one URL. Throws a `GatewayError` for a URL that cannot be used. */
export function stillSource(url: URL, options: StillOptions): FrameSource {
  const target = httpTarget(url);
  return {
    kind: 'still',
    label: target.label,
    open: (listener, { clock }) => new StillAttempt(target, options, listener, clock),
  };
}

class StillAttempt implements SourceAttempt {
  readonly #target: HttpTarget;
  readonly #options: StillOptions;
  readonly #listener: SourceListener;
  readonly #clock: Clock;
  #request: MjpegRequest | undefined;
  #timer: unknown;
  #dueMs: number;
  #opened = false;
  #ended = false;

  constructor(target: HttpTarget, options: StillOptions, listener: SourceListener, clock: Clock) {
    this.#target = target;
    this.#options = options;
    this.#listener = listener;
    this.#clock = clock;
    this.#dueMs = clock.now();
    this.#fetch();
  }

  async close(): Promise<void> {
    this.#ended = true;
    this.#clock.clearTimeout(this.#timer);
    await this.#request?.close();
  }

  #fetch(): void {
    let picture: Buffer | undefined;
    const parser = new MjpegParser({
      ...this.#options,
      onPicture: (data) => {
        picture ??= data;
      },
    });
    const request = new MjpegRequest(this.#target, {
      answered: () => this.#answered(),
      bytes: (chunk) => {
        if (picture === undefined) parser.push(chunk);
        if (picture !== undefined) this.#got(picture, request);
      },
      ended: () => this.#fail(new SourceError(`${this.#target.label}: the answer ended without a whole picture`)),
      failed: (error) => this.#fail(error),
    });
    this.#request = request;
  }

  #answered(): void {
    if (this.#opened || this.#ended) return;
    this.#opened = true;
    this.#listener.opened();
  }

  /** The next request begins only after the socket of this one is back with the system. */
  #got(data: Buffer, request: MjpegRequest): void {
    void request.close().then(() => this.#schedule());
    if (!this.#ended) this.#listener.picture({ contentType: 'image/jpeg', data });
  }

  #schedule(): void {
    if (this.#ended) return;
    const { everyMs } = this.#options;
    const nowMs = this.#clock.now();
    this.#dueMs += everyMs * Math.max(1, Math.ceil((nowMs - this.#dueMs) / everyMs));
    this.#timer = this.#clock.setTimeout(() => this.#fetch(), this.#dueMs - nowMs);
  }

  #fail(error: SourceError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.failed(error);
  }
}
