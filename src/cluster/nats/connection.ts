/** The connection to NATS: to the nearest server first, back by itself for ever, and clear about what is wrong at the start. */
import { readFileSync } from 'node:fs';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { type NatsOptions, versionFault } from './nats-options.js';
import type { NatsPackages } from './nats-packages.js';

/** How long the first connect may take. */
const CONNECT_MS = 5_000;

export async function connectNats(
  { transport }: Pick<NatsPackages, 'transport'>,
  options: NatsOptions & { readonly node: string },
): Promise<NatsConnection> {
  let connection: NatsConnection;
  try {
    connection = await transport.connect({
      servers: [...options.servers],
      name: options.node,
      // The server near this gateway is named first and stays the first: a shuffled list made take-overs wait for seconds.
      noRandomize: true,
      timeout: CONNECT_MS,
      reconnectTimeWait: 200,
      reconnectJitter: 100,
      maxReconnectAttempts: -1,
      pingInterval: 1_000,
      maxPingOut: 2,
      ...credentialsOf({ transport }, options),
    });
  } catch (cause) {
    const shown = options.servers.map(withoutCredentials).join(', ');
    throw new Error(`cluster.nats: cannot connect to ${shown}: ${(cause as Error).message}`, { cause });
  }
  const fault = versionFault(connection.info?.version ?? '');
  if (fault === undefined) return connection;
  await connection.close();
  throw new Error(fault);
}

function credentialsOf(
  { transport }: Pick<NatsPackages, 'transport'>,
  options: NatsOptions,
): Partial<NodeConnectionOptions> {
  const { user, pass, token, creds, tls } = options;
  return {
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(token === undefined ? {} : { token }),
    ...(creds === undefined
      ? {}
      : { authenticator: transport.credsAuthenticator(fileOf('cluster.nats.creds', creds)) }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.ca === undefined ? {} : { caFile: tls.ca }),
            ...(tls.cert === undefined ? {} : { certFile: tls.cert }),
            ...(tls.key === undefined ? {} : { keyFile: tls.key }),
          },
        }),
  };
}

function fileOf(key: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`${key}: cannot read ${path}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

function withoutCredentials(server: string): string {
  return server.replace(/\/\/[^@/]*@/, '//');
}
