/** The certificate of the servers under `--tls`, the tests' own; nothing without it. */
import { readFileSync } from 'node:fs';

const read = (file: string): string =>
  readFileSync(new URL(`../../../../test/grpc/certificates/${file}`, import.meta.url), 'utf8');

export const TLS = '--tls';

export const material = process.argv.includes(TLS)
  ? { cert: read('server.pem'), key: read('server.key'), requireClientCert: false }
  : undefined;
