/**
 * The TCP listener of the gRPC server, with TLS where it is configured. It is ours and not grpc-js's, because a listener of
 * grpc-js's own writes to stderr when the port is taken, because who owns the sockets can also close those that never spoke
 * HTTP/2, and because an address that connects too often must be turned away before anything is spent on it.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ConnectionRate } from './connection-rate.js';
import { RefusalLog } from './refusal-log.js';
import type { GrpcLog } from './served-call.js';
import { type TlsMaterial, tlsServer } from './tls.js';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: TlsMaterial | undefined;
  /** New connections of one address; absent: as many as it likes. */
  readonly connectionsPerSecond?: number | undefined;
  readonly log: GrpcLog;
}

export interface Listening {
  readonly port: number;
  /** Every TCP connection that is open, whatever it speaks. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections turned away because their address opened too many. */
  readonly refused: number;
  /** Connections whose TLS handshake failed. */
  readonly failedHandshakes: number;
  /** Takes no new connections; open ones live on. Idempotent. */
  close(): void;
}

/** `accept` is given connections that are to speak HTTP/2. Rejects with one line that names the address. */
export async function listen(options: ListenOptions, accept: (socket: Socket) => void): Promise<Listening> {
  const { host, port, log } = options;
  const tooMany = new RefusalLog(log, 'gRPC connections were refused: too many from one address');
  const handshakes = new RefusalLog(log, 'TLS handshakes failed');
  const rate =
    options.connectionsPerSecond === undefined ? undefined : new ConnectionRate(options.connectionsPerSecond);
  const begin = options.tls ? secured(options.tls, handshakes, accept) : accept;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    // Whoever uses it hears of errors by its close as well; unheard, one would end the process.
    socket.on('error', () => {});
    const address = socket.remoteAddress ?? '';
    if (rate && !rate.admit(address)) {
      tooMany.note({ peer: address });
      socket.resetAndDestroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    begin(socket);
  });
  await bound(server, host, port);
  // A listener that cannot accept (no file descriptor left) goes on listening; it must not end the process.
  server.on('error', (error) => log.error({ err: error }, 'the gRPC listener failed'));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    get refused() {
      return tooMany.total;
    },
    get failedHandshakes() {
      return handshakes.total;
    },
    close: () => {
      server.close();
      tooMany.flush();
      handshakes.flush();
    },
  };
}

function secured(tls: TlsMaterial, failed: RefusalLog, accept: (socket: Socket) => void): (socket: Socket) => void {
  const server = tlsServer(tls, (socket) => {
    socket.on('error', () => {});
    accept(socket);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    failed.note({ reason: error.code ?? 'unknown', peer: socket.remoteAddress });
    // One that is late with its handshake stays open otherwise.
    socket.destroy();
  });
  return (socket) => void server.emit('connection', socket);
}

function bound(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(cannotListen(formatAddress(host, port), error));
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function cannotListen(address: string, cause: NodeJS.ErrnoException): Error {
  const why = cause.code === 'EADDRINUSE' ? 'the address is already in use' : cause.message;
  return new Error(`cannot listen for gRPC on ${address}: ${why}`, { cause });
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
