/**
 * The HTTP server: the handler behind a port. It begins by refusing what would be unsafe, and it ends for certain: views
 * and event streams are told to go, and whoever does not go is cut off.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { realClock } from '../otp/clock.js';
import { isLoopback } from './access.js';
import { createHttpHandler, type HttpHandlerOptions } from './handler.js';

/** So long an orderly end may take before the connections that are left are cut. */
const STOP_MS = 1000;

export interface HttpServerOptions extends HttpHandlerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface HttpServer {
  readonly port: number;
  /** `http://127.0.0.1:8080`. */
  readonly address: string;
  /** Resolves when the port is free and no connection is left, after a second at the latest. Idempotent. */
  stop(): Promise<void>;
}

/** Binds the port and serves. Rejects with one clear line when it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port } = options;
  if (!isLoopback(host) && !options.token) {
    throw new Error(
      `http.host: ${host} can be reached from other machines and http.token is not set; set a token or bind to 127.0.0.1`,
    );
  }
  const handler = createHttpHandler(options);
  const server = createServer(handler);
  await listening(server, host, port);
  const bound = server.address() as AddressInfo;
  const clock = options.clock ?? realClock;
  let stopped: Promise<void> | undefined;

  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    handler.endStreams();
    server.closeIdleConnections();
    const timer = clock.setTimeout(() => server.closeAllConnections(), STOP_MS);
    await closed;
    clock.clearTimeout(timer);
  };

  return {
    port: bound.port,
    address: `http://${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${bound.port}`,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new Error(bindFailure(error, host, port), { cause: error })),
    );
    server.listen({ host: host.replace(/^\[|\]$/g, ''), port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function bindFailure(error: NodeJS.ErrnoException, host: string, port: number): string {
  const where = `${host}:${port}`;
  if (error.code === 'EADDRINUSE') return `http.port: ${where} is already in use by another process`;
  if (error.code === 'EACCES') return `http.port: binding to ${where} is not permitted`;
  if (error.code === 'EADDRNOTAVAIL') return `http.host: ${host} is no address of this machine`;
  return `http: cannot bind to ${where}: ${error.message}`;
}
