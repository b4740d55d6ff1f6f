/**
 * TLS for the listener: what the configuration names, read and tried before anything is bound. A file that is missing, or is
 * no certificate, is one line that names the key of the configuration; what was given is shown only where it is a path.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls';

/** Each text is PEM, or the path of a PEM file. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Who signs the certificates of clients. */
  readonly ca?: string | undefined;
  readonly requireClientCert: boolean;
}

/** PEM texts that fit each other. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string | undefined;
  readonly requireClientCert: boolean;
}

/** A connection that has not finished its handshake by then is closed. Milliseconds. */
const HANDSHAKE_MS = 10_000;

/** @param where the name of the options in messages, such as `grpc.tls`. Throws an `Error` of one line. */
export function readTls({ cert, key, ca, requireClientCert }: TlsOptions, where: string): TlsMaterial {
  if (requireClientCert && ca === undefined) {
    throw new Error(`${where}.ca: expected who signs the certificates of clients, got nothing`);
  }
  const material = {
    cert: readPem(cert, `${where}.cert`, 'CERTIFICATE'),
    key: readPem(key, `${where}.key`, 'PRIVATE KEY'),
    ...(ca === undefined ? {} : { ca: readPem(ca, `${where}.ca`, 'CERTIFICATE') }),
    requireClientCert,
  };
  tryOut({ cert: material.cert }, `${where}.cert`, 'expected a certificate in PEM, got one that cannot be read');
  tryOut({ key: material.key }, `${where}.key`, 'expected a private key in PEM, got one that cannot be read');
  tryOut({ ca: material.ca }, `${where}.ca`, 'expected certificates in PEM, got some that cannot be read');
  tryOut(
    { cert: material.cert, key: material.key },
    `${where}.key`,
    'expected the key of the certificate, got another',
  );
  return material;
}

/** A TLS server without a listener of its own: TCP sockets are given to it as `connection`. */
export function tlsServer(material: TlsMaterial, secured: (socket: TLSSocket) => void): Server {
  const { cert, key, ca, requireClientCert } = material;
  return createServer(
    {
      cert,
      key,
      ...(ca === undefined ? {} : { ca }),
      requestCert: ca !== undefined,
      rejectUnauthorized: requireClientCert,
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_MS,
    },
    secured,
  );
}

const PEM = /-----BEGIN [A-Z0-9 ]+-----/;

function readPem(given: string, where: string, kind: string): string {
  if (PEM.test(given)) return pemOf(given, where, kind, 'PEM of another kind');
  // Not shown: it may be a key with its first line lost.
  if (/[\n\r]/.test(given))
    throw new Error(`${where}: expected the path of a file, or PEM; got a text that is neither`);
  let text: string;
  try {
    text = readFileSync(given, 'utf8');
  } catch (error) {
    throw new Error(`${where}: cannot read ${given}: ${(error as NodeJS.ErrnoException).code}`);
  }
  return pemOf(text, where, kind, given);
}

function pemOf(text: string, where: string, kind: string, came: string): string {
  if (text.includes(`${kind}-----`)) return text;
  throw new Error(`${where}: expected PEM with a ${kind}, got ${came} without one`);
}

/** OpenSSL's own words are of no use to whoever configures, and may quote what was given. */
function tryOut(options: Parameters<typeof createSecureContext>[0], where: string, fault: string): void {
  try {
    createSecureContext(options);
  } catch {
    throw new Error(`${where}: ${fault}`);
  }
}
