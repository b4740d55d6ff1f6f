/**
 * A camera's pictures to a browser: one response that never ends, each picture a part that replaces the one before
 * (multipart/x-mixed-replace, which an `<img>` shows without a script).
 *
 * This is only a wire. The gateway holds the queue, decides what is dropped, and gives the next frame when the socket
 * has taken the last one; so at most one frame per viewer is here. The answer's head waits for the first frame: a camera
 * that fails before it has shown anything is a plain 503.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Frame } from '../gateway/frame.js';
import type { Gateway } from '../gateway/gateway.js';
import type { FrameWire, StreamHandle, WatchOptions } from '../gateway/transport.js';
import { describeReason, type ExitReason } from '../otp/exit-reason.js';
import { answerError } from './answer.js';
import { HttpError } from './http-error.js';

const BOUNDARY = 'sluice-frame';
export const LIVE_CONTENT_TYPE = `multipart/x-mixed-replace; boundary=${BOUNDARY}`;

export class LiveView implements FrameWire {
  readonly #res: ServerResponse;
  readonly #ended: () => void;
  #handle: StreamHandle | undefined;
  #done: ((error?: Error | null) => void) | undefined;
  #over = false;

  /** `ended` is called when the gateway ends a view that has begun; not when the viewer leaves. */
  constructor(res: ServerResponse, ended: () => void) {
    this.#res = res;
    this.#ended = ended;
    res.once('close', () => this.#closed());
  }

  /** Attaches to the camera. Rejects with the gateway's refusal; the response is then still unanswered. */
  async begin(gateway: Gateway, request: WatchOptions): Promise<void> {
    const handle = await gateway.view(request, this);
    this.#handle = handle;
    // Whoever left while the camera was being opened is told off now.
    if (this.#res.closed || this.#res.destroyed) handle.peerCancelled();
  }

  write(frame: Frame, done: (error?: Error | null) => void): void {
    const res = this.#res;
    if (this.#over || res.destroyed) {
      setImmediate(done, new Error('the viewer has left'));
      return;
    }
    this.#done = done;
    if (!res.headersSent) this.#sendHead();
    // One write to the socket: the part's head, the picture by reference, and what closes the part.
    res.cork();
    res.write(partHead(frame), 'latin1');
    res.write(frame.picture);
    res.write('\r\n', 'latin1', (error) => this.#taken(error));
    res.uncork();
  }

  end(reason: ExitReason): void {
    if (this.#over) return;
    this.#over = true;
    const res = this.#res;
    if (res.destroyed) return;
    if (res.headersSent) this.#ended();
    if (!res.headersSent) {
      answerError(
        res,
        new HttpError(503, 'no_picture', `the view ended before a picture came: ${describeReason(reason)}`),
      );
    } else if (this.#done) {
      // A frame is stuck in the socket. An orderly end would wait behind it for as long as the viewer does not read.
      res.destroy();
    } else {
      res.end(`--${BOUNDARY}--\r\n`, 'latin1');
    }
  }

  #sendHead(): void {
    const res = this.#res;
    // Without a length and without chunks the response lasts as long as its connection; every viewer understands that.
    res.removeHeader('Transfer-Encoding');
    res.setHeader('Connection', 'close');
    res.setHeader('Content-Type', LIVE_CONTENT_TYPE);
    res.writeHead(200);
  }

  /**
   * A failed write is a viewer that has gone: the connection closes next, and that says so. Node calls the write that was
   * under way when a connection was cut complete, without an error.
   */
  #taken(error: Error | null | undefined): void {
    if (error || this.#res.destroyed) return;
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }

  /** First the fact that the viewer left, then its consequence for the frame on its way. */
  #closed(): void {
    this.#handle?.peerCancelled();
    const done = this.#done;
    this.#done = undefined;
    done?.(new Error('the viewer has left'));
  }
}

/** What a browser may be told a picture is. The type comes from the source, and what it says is not to be trusted. */
const PICTURE_TYPES: ReadonlySet<string> = new Set([
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
]);

export function pictureType(frame: Frame): string {
  const type = frame.contentType.toLowerCase();
  return PICTURE_TYPES.has(type) ? type : 'application/octet-stream';
}

/** True when the request only asks for the head of an answer. */
export function wantsHeadOnly(req: IncomingMessage): boolean {
  return req.method === 'HEAD';
}

function partHead(frame: Frame): string {
  return (
    `--${BOUNDARY}\r\nContent-Type: ${pictureType(frame)}\r\nContent-Length: ${frame.picture.length}\r\n` +
    `X-Seq: ${frame.seq}\r\nX-Timestamp: ${Math.trunc(frame.timestampMs)}\r\n\r\n`
  );
}
