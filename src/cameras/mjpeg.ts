/**
 * The `http://` and `https://` driver: one GET, and pictures for as long as the response goes on. Every attempt has a
 * socket of its own, made here, so that its end is certain: whatever happens (end, error, refusal, `close`), the socket is
 * destroyed, and `close` resolves when the system has it back. There are no timeouts here; the camera's chart has them.
 * The response is always read as fast as it comes: a camera that is not read stalls, and what is too much for a
 * viewer is dropped at the viewer.
 *
 * Redirects are not followed. A source is what the operator wrote; a camera that points elsewhere would send the gateway,
 * and with it the credentials, wherever it likes. The error names the place, for whoever wants to write that instead.
 *
 * Final is what no retry can mend: refused credentials (401, 403) and a document instead of pictures (HTML, JSON). A 404
 * is not: a proxy in front of a camera that is starting answers so.
 */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { type FrameSource, type SourceAttempt, SourceError, type SourceListener } from '../gateway/frame-source.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { MjpegParser } from './mjpeg-parser.js';
import { sourceLabel } from './source-label.js';

const HEADER_BYTES_MAX = 16 * 1024;
/** A silent peer's death is noticed by the system after some of these, should the chart wait for long. */
const TCP_KEEPALIVE_MS = 10_000;
const DOCUMENT = /^\s*(text\/html|application\/(xhtml\+xml|json|xml)|text\/xml)\b/i;

/** Makes the driver of one URL. Throws a `GatewayError` for a URL that cannot be used. */
export function mjpegSource(url: URL): FrameSource {
  const label = sourceLabel(url);
  const authorization = basicAuthorization(url, label);
  return {
    kind: 'mjpeg',
    label,
    open: (listener) => new MjpegAttempt(url, label, authorization, listener),
  };
}

class MjpegAttempt implements SourceAttempt {
  readonly #label: string;
  readonly #listener: SourceListener;
  readonly #parser: MjpegParser;
  readonly #socket: Socket;
  readonly #socketClosed: Promise<void>;
  readonly #request: ClientRequest;
  #ended = false;

  constructor(url: URL, label: string, authorization: string | undefined, listener: SourceListener) {
    this.#label = label;
    this.#listener = listener;
    this.#parser = new MjpegParser({
      onPicture: (data) => {
        if (!this.#ended) listener.picture({ contentType: 'image/jpeg', data });
      },
    });
    this.#socket = connect(url);
    this.#socketClosed = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    this.#request = request({
      protocol: 'http:', // of what is spoken on the socket, which is encrypted or not
      host: url.hostname,
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        accept: 'multipart/x-mixed-replace, image/jpeg, */*;q=0.5',
        'user-agent': 'sluice',
        connection: 'close',
        ...(authorization === undefined ? {} : { authorization }),
      },
      maxHeaderSize: HEADER_BYTES_MAX,
      createConnection: () => this.#socket,
    });
    this.#request.on('response', (response) => this.#answered(response));
    this.#request.on('error', (error) => this.#fail(`${this.#label}: ${error.message}`, { cause: error }));
    this.#request.on('close', () => this.#fail(`${this.#label}: the connection was closed before an answer came`));
    this.#request.end();
  }

  close(): Promise<void> {
    this.#ended = true;
    this.#release();
    return this.#socketClosed;
  }

  #answered(response: IncomingMessage): void {
    if (this.#ended) return;
    const refusal = refusalOf(response);
    if (refusal) {
      this.#fail(`${this.#label}: ${refusal.message}`, { final: refusal.final });
      return;
    }
    response.on('data', (chunk: Buffer) => {
      if (!this.#ended) this.#parser.push(chunk);
    });
    response.on('error', (error) => this.#fail(`${this.#label}: ${error.message}`, { cause: error }));
    response.on('end', () => this.#fail(`${this.#label}: the stream ended after ${this.#parser.pictures} pictures`));
    this.#listener.opened();
  }

  /** The first failure is reported; what follows from it, or from `close`, is not. */
  #fail(message: string, options?: { readonly final?: boolean; readonly cause?: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.#listener.failed(new SourceError(message, options));
  }

  // A request destroys its socket too, but in its own time when it has not got hold of it yet.
  #release(): void {
    this.#request.destroy();
    this.#socket.destroy();
  }
}

function connect(url: URL): Socket {
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  if (!secure) return tcpConnect({ host, port });
  return tlsConnect({ host, port, ALPNProtocols: ['http/1.1'], ...(isIP(host) ? {} : { servername: host }) });
}

function refusalOf(response: IncomingMessage): { readonly message: string; readonly final: boolean } | undefined {
  const { statusCode = 0, headers } = response;
  if (statusCode === 401 || statusCode === 403) {
    const scheme = /^\s*([a-z]+)/i.exec(headers['www-authenticate'] ?? '')?.[1];
    const spoken =
      scheme && scheme.toLowerCase() !== 'basic' ? `; it wants ${scheme}, and only Basic is known here` : '';
    return { message: `credentials refused (status ${statusCode})${spoken}`, final: true };
  }
  if (statusCode >= 300 && statusCode < 400) {
    return { message: `expected pictures, got a redirect to ${redirectTarget(headers.location)}`, final: false };
  }
  if (statusCode !== 200) return { message: `expected status 200, got ${statusCode}`, final: false };
  const type = headers['content-type'] ?? '';
  if (DOCUMENT.test(type)) return { message: `expected pictures, got a document of type ${type}`, final: true };
  return undefined;
}

function redirectTarget(location: string | undefined): string {
  if (location === undefined) return 'nowhere';
  return URL.canParse(location) ? sourceLabel(new URL(location)) : location.replace(/\?.*$/, '');
}

function basicAuthorization(url: URL, label: string): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  try {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return `Basic ${Buffer.from(credentials).toString('base64')}`;
  } catch {
    // The reason would repeat the credentials.
    throw new GatewayError('bad_source', `${label}: expected credentials in percent-encoding that can be decoded`);
  }
}
