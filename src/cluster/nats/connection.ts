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
  const credentials = credentialsOf({ transport }, options);
  const servers = options.servers.map(withoutCredentials);
  let connection: NatsConnection;
  try {
    connection = await transport.connect({
      servers,
      name: options.node,
      // The server near this gateway is named first and stays the first: a shuffled list made take-overs wait for seconds.
      noRandomize: true,
      timeout: CONNECT_MS,
      reconnectTimeWait: 200,
      reconnectJitter: 100,
      maxReconnectAttempts: -1,
      pingInterval: 1_000,
      maxPingOut: 2,
      ...credentials,
    });
  } catch (cause) {
    throw new Error(`cluster.nats: cannot connect to ${servers.join(', ')}: ${(cause as Error).message}`, { cause });
  }
  const fault = versionFault(connection.info?.version ?? '');
  if (fault === undefined) return connection;
  await connection.close();
  throw new Error(fault);
}

/** Files are read here: what is wrong with one is said by its key. */
function credentialsOf(
  { transport }: Pick<NatsPackages, 'transport'>,
  options: NatsOptions,
): Partial<NodeConnectionOptions> {
  const { servers, token, creds, nkey, tls } = options;
  const inUrl = servers.map((server) => new URL(server)).find(({ username }) => username !== '');
  const user = options.user ?? (inUrl && decodeURIComponent(inUrl.username));
  const pass = options.pass ?? (inUrl && decodeURIComponent(inUrl.password));
  return {
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(token === undefined ? {} : { token }),
    ...(creds === undefined ? {} : { authenticator: transport.credsAuthenticator(fileOf('creds', creds)) }),
    ...(nkey === undefined ? {} : { authenticator: transport.nkeyAuthenticator(seedOf(fileOf('nkey', nkey))) }),
    // Whoever asks for TLS does not go on without it, whatever the server offers.
    ...(tls === undefined && !servers.some((server) => server.startsWith('tls:')) ? {} : { tls: materialOf(tls) }),
  };
}

function materialOf({
  ca,
  cert,
  key,
}: NonNullable<NatsOptions['tls']> = {}): NonNullable<NodeConnectionOptions['tls']> {
  return {
    ...(ca === undefined ? {} : { ca: textOf('tls.ca', ca) }),
    ...(cert === undefined ? {} : { cert: textOf('tls.cert', cert) }),
    ...(key === undefined ? {} : { key: textOf('tls.key', key) }),
  };
}

function textOf(key: string, path: string): string {
  return new TextDecoder().decode(fileOf(key, path));
}

/** A seed in a file has a line's end. */
function seedOf(file: Uint8Array): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(file).trim());
}

function fileOf(key: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`cluster.${key}: cannot read ${path}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

function withoutCredentials(server: string): string {
  return server.replace(/\/\/[^@/]*@/, '//');
}
