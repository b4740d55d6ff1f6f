/**
 * The observer for a viewer on this machine: server-sent events on a loopback port. Contexts of actors are nobody else's
 * business, so there is no option to listen elsewhere, and a page of another origin, or one that reached us by a name that
 * merely resolves to this machine, is refused.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Accept, ActorObserver } from './observer.js';

export const HOST = '127.0.0.1';
const VIEWERS_MAX = 4;
/** A viewer that reads so slowly that this much waits for it is cut off; it may come again and sees the present. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

export interface InspectorOptions {
  /** Default 0: any free one. */
  readonly port?: number;
  /** Which actors and kinds of events are shown. Default all. */
  readonly accept?: Accept;
}

export interface Inspector {
  /** To be given to the application as `inspect`. */
  readonly inspect: ActorObserver['inspect'];
  readonly url: string;
  stop(): Promise<void>;
}

/** Rejects when the port is taken. */
export async function startInspector({ port = 0, accept }: InspectorOptions = {}): Promise<Inspector> {
  const observer = new ActorObserver(accept);
  const viewers = new Set<ServerResponse>();
  const server = createServer((req, res) => {
    const refused = refusal(req) ?? (viewers.size >= VIEWERS_MAX ? 503 : undefined);
    if (refused !== undefined) {
      res.writeHead(refused).end();
      return;
    }
    viewers.add(res);
    res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' });
    // A head alone would wait for the first line.
    res.write('retry: 1000\n\n');
    const unwatch = observer.watch((line) => {
      res.write(`data: ${line}\n\n`);
      if (res.writableLength > UNREAD_BYTES_MAX) res.destroy();
    });
    res.once('close', () => {
      unwatch();
      viewers.delete(res);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    inspect: observer.inspect,
    url: `http://${HOST}:${address.port}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const viewer of viewers) viewer.end();
        server.closeIdleConnections();
      }),
  };
}

/** The status of a request that is not for us; `undefined` when it is. */
export function refusal({ method, url, headers }: IncomingMessage): number | undefined {
  const host = headers.host?.replace(/:\d+$/, '');
  if (host !== HOST && host !== 'localhost') return 403;
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) return 403;
  if (method !== 'GET') return 405;
  return url === '/' ? undefined : 404;
}
