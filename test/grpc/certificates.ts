/**
 * Certificates for tests, made once with openssl and good for a hundred years: a server of 127.0.0.1, a client `edge-1`, the
 * same one expired, and one of the same name that another authority signed. Their authorities' keys are thrown away.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function certificatePath(file: string): string {
  return fileURLToPath(new URL(`./certificates/${file}`, import.meta.url));
}

function pem(file: string): string {
  return readFileSync(certificatePath(file), 'utf8');
}

function pair(name: string): { readonly cert: string; readonly key: string } {
  return { cert: pem(`${name}.pem`), key: pem(`${name}.key`) };
}

export const ca = pem('ca.pem');
export const server = pair('server');
export const edge = pair('edge');
export const expired = pair('expired');
export const stranger = pair('stranger');
