/**
 * From a request to its answer: limits, access, route, and one place where everything that goes wrong becomes a refusal.
 * It needs no server of its own, so a host may mount it into its own.
 *
 * Access comes before everything that could tell a stranger what exists here; only whether a path is one of ours, which
 * the source tells as well, is looked at earlier.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { type Clock, realClock } from '../otp/clock.js';
import { Access, type AccessOptions } from './access.js';
import { answerError, setCommonHeaders } from './answer.js';
import type { FlightRecorder } from './flight/recorder.js';
import { asHttpError, HttpError } from './http-error.js';
import type { HttpLog } from './http-log.js';
import type { MetricsText } from './metrics-text.js';
import { OpenStreams } from './open-streams.js';
import { type Endpoint, type Resource, resourceAt } from './routes.js';

const URL_BYTES_MAX = 8 * 1024;

export interface HttpHandlerOptions extends AccessOptions {
  readonly gateway: Gateway;
  /** Where a proxy has put all of this, such as `/sluice`; without it everything is found as well. Default: nowhere. */
  readonly basePath?: string | undefined;
  readonly log?: HttpLog | undefined;
  /** What actors took. Default: nobody recorded it. */
  readonly flights?: FlightRecorder | undefined;
  /** Whether every port is bound. Default: always. */
  readonly ready?: (() => boolean) | undefined;
  readonly clock?: Clock | undefined;
  /** What `/metrics` answers. Default: nothing, a 404. */
  readonly metrics?: MetricsText | undefined;
}

export interface HttpHandler {
  /** Answers one request. Never throws. Its `url` counts from where it is mounted. */
  (req: IncomingMessage, res: ServerResponse): void;
  /** Ends event streams and live views; other answers end by themselves. */
  endStreams(): void;
  /** Event streams and live views that are open. */
  readonly openStreams: number;
}

export function createHttpHandler(options: HttpHandlerOptions): HttpHandler {
  const { gateway, log } = options;
  const access = new Access(options);
  const ready = options.ready ?? (() => true);
  const failed = (thrown: unknown): void => log?.error({ err: thrown }, 'http: an answer failed');
  const streams = new OpenStreams(options.clock ?? realClock, failed);

  const respond = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    access.checkSender(req);
    const [whole, query] = split(req.url ?? '');
    const path = below(options.basePath, whole);
    // The page finds its parts beside itself.
    if (path === '') {
      res.writeHead(308, { Location: `${options.basePath}/` }).end();
      return;
    }
    const found = resourceAt(path);
    if (!found) throw new HttpError(404, 'not_found', 'there is nothing under this path');
    const endpoint = endpointFor(found.resource, req.method);
    if (endpoint.needs === 'read') await access.checkRead(req);
    if (endpoint.needs === 'act') await access.checkAct(req);
    const params = found.caught.map(decoded);
    const readCookie = (): string => access.readCookie(req);
    await endpoint.run({
      req,
      res,
      gateway,
      params,
      query,
      streams,
      ready,
      log,
      flights: options.flights,
      metrics: options.metrics,
      readCookie,
    });
  };

  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    setCommonHeaders(res);
    // A peer that resets its connection is an event of the stream that runs on it, never a crash of the process.
    res.on('error', (error) => log?.warn({ err: error }, 'http: a connection failed'));
    respond(req, res).catch((thrown: unknown) => {
      if (res.destroyed) return;
      const error = asHttpError(thrown);
      if (error.status === 500) failed(thrown);
      // What is left of a body we did not want must not be read for as long as somebody cares to send it.
      if (!req.complete && !res.headersSent) res.setHeader('Connection', 'close');
      answerError(res, error);
    });
  };

  return Object.defineProperty(Object.assign(handle, { endStreams: () => streams.endAll() }), 'openStreams', {
    get: () => streams.size,
  }) as HttpHandler;
}

/** Cut by hand: the URL class would resolve `..` and take `//name` for a host. */
function split(url: string): [path: string, query: URLSearchParams] {
  if (Buffer.byteLength(url) > URL_BYTES_MAX) {
    throw new HttpError(414, 'url_too_long', `URL: expected at most ${URL_BYTES_MAX} bytes`);
  }
  const mark = url.indexOf('?');
  return mark < 0 ? [url, new URLSearchParams()] : [url.slice(0, mark), new URLSearchParams(url.slice(mark + 1))];
}

/** The path without what a proxy has put before it; empty for just that. */
function below(basePath: string | undefined, path: string): string {
  if (!basePath || !path.startsWith(basePath)) return path;
  const rest = path.slice(basePath.length);
  return rest === '' || rest.startsWith('/') ? rest : path;
}

function endpointFor(resource: Resource, method: string | undefined): Endpoint {
  const endpoint =
    method === 'HEAD' ? resource.GET : method === 'GET' || method === 'POST' ? resource[method] : undefined;
  if (endpoint) return endpoint;
  const allow = [resource.GET ? ['GET', 'HEAD'] : [], resource.POST ? ['POST'] : []].flat().join(', ');
  throw new HttpError(405, 'method_not_allowed', `method: expected ${allow}`, { Allow: allow });
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // The message of the URIError says less than this one.
    throw new GatewayError('invalid_argument', 'path: expected percent-encoded UTF-8');
  }
}
