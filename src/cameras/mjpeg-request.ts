/**
 * One GET for pictures, over a socket of its own, made here, so that its end is certain: whatever happens (end, error, refusal,
 * `close`), the socket is destroyed, and `close` resolves when the system has it back. There are no timeouts here; the camera's
 * chart has them.
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
import { SourceError } from '../gateway/frame-source.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { sourceLabel } from './source-label.js';

const HEADER_BYTES_MAX = 16 * 1024;
/** A silent peer's death is noticed by the system after some of these, should the chart wait for long. */
const TCP_KEEPALIVE_MS = 10_000;
const DOCUMENT = /^\s*(text\/html|application\/(xhtml\+xml|json|xml)|text\/xml)\b/i;

/** Whom to ask, and how that may be shown. */
export interface HttpTarget {
  readonly url: URL;
  readonly label: string;
  readonly authorization: string | undefined;
}

/** Throws a `GatewayError` for a URL that cannot be used. */
export function httpTarget(url: URL): HttpTarget {
  const label = sourceLabel(url);
  return { url, label, authorization: basicAuthorization(url, label) };
}

/** Where a request reports: one `answered` at most, bytes, one `failed` at most; nothing after `close`. */
export interface RequestListener {
  answered(): void;
  bytes(chunk: Buffer): void;
  /** The answer has ended in order. Nothing follows. */
  ended(): void;
  failed(error: SourceError): void;
}

export class MjpegRequest {
  readonly #target: HttpTarget;
  readonly #listener: RequestListener;
  readonly #socket: Socket;
  readonly #socketClosed: Promise<void>;
  readonly #request: ClientRequest;
  #ended = false;

  constructor(target: HttpTarget, listener: RequestListener) {
    const { url, authorization } = target;
    this.#target = target;
    this.#listener = listener;
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
    this.#request.on('error', (error) => this.#fail(error.message, { cause: error }));
    this.#request.on('close', () => this.#fail('the connection was closed before an answer came'));
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
      this.#fail(refusal.message, { final: refusal.final });
      return;
    }
    response.on('data', (chunk: Buffer) => {
      if (!this.#ended) this.#listener.bytes(chunk);
    });
    response.on('error', (error) => this.#fail(error.message, { cause: error }));
    response.on('end', () => {
      if (this.#ended) return;
      this.#ended = true;
      this.#release();
      this.#listener.ended();
    });
    this.#listener.answered();
  }

  /** The first failure is reported; what follows from it, or from `close`, is not. */
  #fail(message: string, options?: { readonly final?: boolean; readonly cause?: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.#listener.failed(new SourceError(`${this.#target.label}: ${message}`, options));
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
