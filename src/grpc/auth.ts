/**
 * Who calls, and whether he may. A call is judged by the bearer token that it carries; without one, by the client certificate
 * of its connection. Tokens are kept as digests and compared in a time that depends on none of them.
 *
 * What is refused is refused with a status and no more: not whether a camera exists, and not which part of a token was wrong.
 * How calls come here is in `call-guard.ts`; what a method needs is in `auth-methods.ts`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import type { Metadata } from '@grpc/grpc-js';
import type { Gateway } from '../gateway/gateway.js';
import { GatewayError } from '../gateway/gateway-error.js';
import { needsOf } from './auth-methods.js';
import { type Permission, Rules } from './auth-rules.js';

export interface AuthOptions {
  readonly tokens: readonly { readonly token: string; readonly may: readonly string[] }[];
  /** What clients with a certificate may do, by the certificate's name. Empty, and no tokens: everything. */
  readonly certificates: readonly { readonly name: string; readonly may: readonly string[] }[];
}

/** What the transport knows of a caller. */
export interface Connection {
  /** Present only where it was verified. */
  readonly certificate: PeerCertificate | undefined;
}

/** Judges the things that a call names after it was admitted; nothing where it may name any. Throws a `GatewayError`. */
export type Judge = ((message: unknown) => 'judged' | 'not yet') | undefined;

interface Token {
  readonly digest: Buffer;
  readonly rules: Rules;
}

interface Caller {
  readonly name: string;
  readonly rules: Rules;
}

export class Doorkeeper {
  /** False: everybody may do everything, which is for a gateway that only this machine can reach. */
  readonly enforces: boolean;
  readonly #gateway: Pick<Gateway, 'cameras'>;
  readonly #tokens: readonly Token[];
  readonly #certificates: ReadonlyMap<string, Rules>;

  /** @param certificatesRequired no connection is there without a verified certificate */
  constructor({ tokens, certificates }: AuthOptions, certificatesRequired: boolean, gateway: Pick<Gateway, 'cameras'>) {
    this.#gateway = gateway;
    this.#tokens = tokens.map(({ token, may }) => ({ digest: digestOf(token), rules: new Rules(may) }));
    this.#certificates = new Map(certificates.map(({ name, may }) => [name, new Rules(may)]));
    this.enforces = authenticates({ tokens, certificates }, certificatesRequired);
  }

  /** Throws a `GatewayError` when the method may not be called. What may be called for some things only, the judge judges. */
  admit(path: string, metadata: Metadata, connection: Connection): Judge {
    const needs = needsOf(path);
    if (!this.enforces || needs.who === 'open') return undefined;
    const caller = this.#identify(metadata, connection);
    if (needs.who === 'known') return undefined;
    const { permission, ofMetadata, ofMessage } = needs;
    const grant = caller.rules.grant(path, permission);
    if (grant === 'all') return undefined;
    if (grant === 'none' || permission === undefined) {
      throw denied(`${caller.name} may not call ${path}`);
    }
    if (ofMetadata) {
      judge(caller, permission, ofMetadata(metadata, this.#gateway));
      return undefined;
    }
    return (message) => {
      const thing = ofMessage?.(message);
      if (thing === undefined) return 'not yet';
      judge(caller, permission, thing);
      return 'judged';
    };
  }

  #identify(metadata: Metadata, { certificate }: Connection): Caller {
    const token = bearerOf(metadata);
    if (token !== undefined) {
      const rules = this.#rulesOf(token);
      if (rules) return { name: 'this token', rules };
      throw new GatewayError('unauthenticated', 'the bearer token is not one of this gateway');
    }
    if (certificate) {
      const rules = this.#rulesOfCertificate(certificate);
      if (rules) return { name: 'this certificate', rules };
    }
    if (this.#tokens.length === 0 && certificate) throw denied('the client certificate may do nothing here');
    if (this.#tokens.length === 0) throw new GatewayError('unauthenticated', 'a client certificate is needed');
    throw new GatewayError('unauthenticated', 'a bearer token is needed (metadata authorization: Bearer <token>)');
  }

  /** Every token is compared, whether or not one has matched: how long it takes says nothing. */
  #rulesOf(given: string): Rules | undefined {
    const digest = digestOf(given);
    let found: Rules | undefined;
    for (const token of this.#tokens) if (timingSafeEqual(token.digest, digest)) found = token.rules;
    return found;
  }

  #rulesOfCertificate(certificate: PeerCertificate): Rules | undefined {
    if (this.#certificates.size === 0) return this.#tokens.length === 0 ? EVERYTHING : undefined;
    for (const name of certificateNames(certificate)) {
      const rules = this.#certificates.get(name);
      if (rules) return rules;
    }
    return undefined;
  }
}

const EVERYTHING = new Rules(['*']);

/** Whether callers have to show who they are. Without, a gateway must be reached from its own machine only. */
export function authenticates({ tokens, certificates }: AuthOptions, certificatesRequired: boolean): boolean {
  return tokens.length > 0 || certificates.length > 0 || certificatesRequired;
}

/** The subject's common name, and the DNS names and URIs that the certificate stands for. */
export function certificateNames({ subject, subjectaltname }: PeerCertificate): readonly string[] {
  const common: unknown = subject?.CN;
  const commonNames = Array.isArray(common) ? common.map(String) : typeof common === 'string' ? [common] : [];
  const others = (subjectaltname ?? '').split(', ').flatMap((entry) => {
    const [, name] = /^(?:DNS|URI):([^"]+)$/.exec(entry) ?? [];
    return name === undefined ? [] : [name];
  });
  return [...commonNames, ...others];
}

export const AUTHORIZATION_HEADER = 'authorization';

/** Anything there that is no bearer token is a token that fits nobody. */
function bearerOf(metadata: Metadata): string | undefined {
  const values = metadata.get(AUTHORIZATION_HEADER);
  if (values.length === 0) return undefined;
  // grpc-js takes a header with commas for several.
  return /^Bearer +(\S+) *$/i.exec(values.join(','))?.[1] ?? '';
}

function judge(caller: Caller, permission: Permission, thing: string): void {
  if (caller.rules.covers(permission, thing)) return;
  throw denied(`${caller.name} may not ${permission} "${thing.slice(0, THING_SHOWN)}"`);
}

const THING_SHOWN = 128;

function denied(message: string): GatewayError {
  return new GatewayError('permission_denied', message);
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
