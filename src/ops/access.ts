/**
 * Who may ask what. Four questions, in this order, each before the next is looked at:
 *
 * 1. Is this request meant for us? The Host names a loopback address, the address we are bound to, or a name that the
 *    configuration gives. Otherwise some other site has pointed its own name at us (DNS rebinding).
 * 2. Does a page of another site ask? Then no, whatever it asks. Browsers tell in Origin and Sec-Fetch-Site.
 * 3. May it read? On a loopback address everybody may, unless a proxy asks for somebody else. Elsewhere the bearer token is wanted, or the cookie that
 *    `POST /api/login` gives for it, because pictures and event streams in a browser cannot carry a header. The cookie
 *    is derived from the token and good for reading only, so a page cannot be made to act by a request forged elsewhere,
 *    and a token never stands in a URL that a log or a history keeps.
 * 4. May it act? Only with the bearer token. Where none is configured, nobody may.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';
import { HttpError } from './http-error.js';

export interface AccessOptions {
  /** The address that the server is bound to. Absent: not known, so taken for one that others can reach. */
  readonly host?: string | undefined;
  /** Absent or empty: nobody may act. */
  readonly token?: string | undefined;
  /** Further names under which this server is asked, as a reverse proxy passes them on; without a port. */
  readonly hostNames?: readonly string[] | undefined;
  /**
   * What a host of ours knows of who asks, from a session or a certificate of its own. It only adds: the token is good as
   * well. A throw or a rejection grants nothing. Host and Origin have been looked at before.
   */
  readonly authorize?: Authorize | undefined;
}

/** `act` includes reading; `undefined`: ask for the token. */
export type Grant = 'read' | 'act' | undefined;
export type Authorize = (req: IncomingMessage) => Grant | Promise<Grant>;

export class Access {
  readonly #token: string | undefined;
  readonly #openReads: boolean;
  readonly #authorize: Authorize;
  readonly #names: ReadonlySet<string>;
  readonly #cookieName: string;
  readonly #cookieValue: string;

  constructor(options: AccessOptions) {
    this.#token = options.token || undefined;
    this.#openReads = options.host !== undefined && isLoopback(options.host);
    this.#authorize = options.authorize ?? (() => undefined);
    const names = [options.host, ...(options.hostNames ?? [])].filter((name) => name !== undefined);
    this.#names = new Set(names.map(bareName));
    // The name carries a part of the token's digest: cookies know no ports, and two gateways may share a machine.
    this.#cookieName = `sluice_${digestOf(options.token ?? '', 'name').slice(0, 12)}`;
    this.#cookieValue = digestOf(options.token ?? '', 'read');
  }

  /** Questions 1 and 2; throws a 403. */
  checkSender(req: IncomingMessage): void {
    const host = req.headers.host ?? '';
    const name = nameOfHost(host);
    const ours = name !== undefined && (isLoopback(name) || this.#names.has(name) || name === localAddressOf(req));
    if (!ours) {
      throw new HttpError(
        403,
        'foreign_host',
        'Host: expected a loopback address or the address this server is bound to',
      );
    }
    const { origin } = req.headers;
    if (origin !== undefined && hostOfOrigin(origin) !== host.toLowerCase()) {
      throw new HttpError(
        403,
        'foreign_origin',
        'Origin: expected the host that was asked; pages of other sites are refused',
      );
    }
    const site = req.headers['sec-fetch-site'];
    const followsLink = req.headers['sec-fetch-mode'] === 'navigate' && req.method === 'GET';
    if ((site === 'cross-site' || site === 'same-site') && !followsLink) {
      throw new HttpError(403, 'foreign_origin', 'Sec-Fetch-Site: requests from pages of other sites are refused');
    }
  }

  /** Question 3; rejects with a 401. */
  async checkRead(req: IncomingMessage): Promise<void> {
    if ((this.#openReads && !isForwarded(req)) || this.#bearerFits(req) || this.#cookieFits(req)) return;
    if ((await this.#granted(req)) !== undefined) return;
    throw unauthenticated(this.#token ? 'the token is needed: Authorization: Bearer <token>' : 'no token configured');
  }

  /** Question 4; rejects with a 401. */
  async checkAct(req: IncomingMessage): Promise<void> {
    if (this.#bearerFits(req) || (await this.#granted(req)) === 'act') return;
    if (!this.#token) throw unauthenticated('read-only: no token configured');
    throw unauthenticated('actions need the token: Authorization: Bearer <token>');
  }

  /** The Set-Cookie by which a browser that has shown the token may read. */
  readCookie(req: IncomingMessage): string {
    const secure = 'encrypted' in req.socket ? '; Secure' : '';
    return `${this.#cookieName}=${this.#cookieValue}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200${secure}`;
  }

  async #granted(req: IncomingMessage): Promise<Grant> {
    try {
      return await this.#authorize(req);
    } catch {
      // Who cannot be judged is a stranger.
      return undefined;
    }
  }

  #bearerFits(req: IncomingMessage): boolean {
    const given = /^Bearer +(\S+) *$/i.exec(req.headers.authorization ?? '')?.[1];
    return this.#token !== undefined && given !== undefined && sameText(given, this.#token);
  }

  #cookieFits(req: IncomingMessage): boolean {
    if (!this.#token) return false;
    const prefix = `${this.#cookieName}=`;
    const given = (req.headers.cookie ?? '').split(/; */).find((pair) => pair.startsWith(prefix));
    return given !== undefined && sameText(given.slice(prefix.length), this.#cookieValue);
  }
}

/** True for `localhost`, 127.0.0.0/8 and ::1, with or without brackets. False for the unspecified addresses. */
export function isLoopback(host: string): boolean {
  const name = bareName(host);
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/** A proxy on this machine asks for somebody who may be anywhere. */
function isForwarded({ headers }: IncomingMessage): boolean {
  const name = nameOfHost(headers.host ?? '');
  return name === undefined || !isLoopback(name) || 'x-forwarded-for' in headers || 'forwarded' in headers;
}

/** Compares in a time that depends on neither text: digests of the same length are compared. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

function digestOf(token: string, purpose: string): string {
  return createHmac('sha256', token).update(`sluice ${purpose}`).digest('base64url');
}

function unauthenticated(message: string): HttpError {
  return new HttpError(401, 'unauthenticated', message, { 'WWW-Authenticate': 'Bearer' });
}

function bareName(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/, '');
}

/** `[::1]:8080` → `::1`; undefined for what is no host at all. The port is free: it may have been forwarded. */
function nameOfHost(host: string): string | undefined {
  const name = /^(\[[0-9a-f:.]+\]|[^\s:@/\\]+)(?::\d{1,5})?$/i.exec(host)?.[1];
  return name === undefined ? undefined : bareName(name);
}

/** The address at which this connection came in: with a server bound to all addresses, one of its own. */
function localAddressOf(req: IncomingMessage): string {
  return bareName(req.socket.localAddress ?? '');
}

function hostOfOrigin(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase();
}
