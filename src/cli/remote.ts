/**
 * A running gateway as the commands see it: over HTTP and nothing else, so that they work from any machine and with any
 * version that answers the same paths. Every failure is one line that says what was asked, of whom, and what came.
 */
import { readFileSync } from 'node:fs';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export const DEFAULT_URL = 'http://127.0.0.1:8080';
const ANSWER_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Items of a list are asked for in pages of so many. */
const PAGE_ITEMS = 5_000;

export interface RemoteOptions {
  /** With `#token=…` as `sluice serve --demo` prints it, or without. Default: this machine's port 8080. */
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  /** Path of the PEM file of who signed the gateway's certificate. Default: the machine's own authorities. */
  readonly ca?: string | undefined;
}

/** What a command answers with: 1 where the gateway could not answer, 2 where what was typed is wrong. */
export class RemoteError extends Error {
  readonly exitCode: 1 | 2;
  /** Of the gateway's answer, where there was one. */
  readonly status: number | undefined;

  constructor(message: string, exitCode: 1 | 2 = 1, status?: number) {
    super(message);
    this.exitCode = exitCode;
    this.status = status;
  }
}

export class Remote {
  /** Where it is, without anything secret. */
  readonly where: string;
  readonly mayAct: boolean;
  readonly #base: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #ca: string | undefined;

  /** Throws a `RemoteError` for a URL or a file that is none. */
  constructor({ url = DEFAULT_URL, token = process.env['SLUICE_TOKEN'], ca }: RemoteOptions) {
    this.#base = addressOf(url);
    const shown = /^#token=(.+)$/.exec(this.#base.hash)?.[1];
    const bearer = token ?? (shown === undefined ? undefined : decodeURIComponent(shown));
    if (bearer !== undefined && !/^[\x21-\x7e]+$/.test(bearer)) {
      throw new RemoteError('--token: expected visible ASCII characters without spaces', 2);
    }
    this.mayAct = bearer !== undefined && bearer !== '';
    this.#headers = this.mayAct ? { Authorization: `Bearer ${bearer}` } : {};
    this.#ca = ca === undefined ? undefined : authorityOf(ca);
    this.where = this.#base.origin;
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.getText(path)) as T;
  }

  getText(path: string): Promise<string> {
    return this.#ask('GET', path);
  }

  async post(path: string): Promise<void> {
    await this.#ask('POST', path);
  }

  /** Every item of a collection, page after page. */
  async list<T>(plural: string, itemsMax = Number.POSITIVE_INFINITY): Promise<readonly T[]> {
    const all: T[] = [];
    for (let after: string | undefined = ''; after !== undefined && all.length < itemsMax; ) {
      const from: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
      const page: Readonly<Record<string, unknown>> = await this.get(`/api/${plural}?limit=${PAGE_ITEMS}${from}`);
      all.push(...(page[plural] as T[]));
      after = page['next'] as string | undefined;
    }
    return all;
  }

  /** Gives `line` each line of an answer that goes on, until it ends or `signal` is aborted. Rejects when it breaks off. */
  async follow(path: string, line: (text: string) => void, signal: AbortSignal): Promise<void> {
    const { req, res } = await this.#open('GET', path, { Accept: 'text/event-stream' }, signal);
    let rest = '';
    res.setEncoding('utf8');
    try {
      for await (const chunk of res) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const each of lines) line(each);
      }
    } catch (error) {
      if (!signal.aborted) throw new RemoteError(`${this.where}: the connection broke: ${(error as Error).message}`);
    } finally {
      req.destroy();
    }
  }

  async #ask(method: 'GET' | 'POST', path: string): Promise<string> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_MS);
    try {
      const { req, res } = await this.#open(method, path, {}, late.signal);
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of res as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) {
          req.destroy();
          throw new RemoteError(`${this.where}${path}: the answer is larger than ${ANSWER_BYTES_MAX} bytes`);
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    } catch (error) {
      if (error instanceof RemoteError) throw error;
      throw new RemoteError(`${this.where}: ${late.signal.aborted ? `no answer in ${ANSWER_MS} ms` : String(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  async #open(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ readonly req: ClientRequest; readonly res: IncomingMessage }> {
    const url = new URL(this.#base.pathname.replace(/\/$/, '') + path, this.#base);
    const secure = url.protocol === 'https:';
    const options = {
      method,
      headers: { ...this.#headers, ...headers },
      signal,
      ...(this.#ca ? { ca: this.#ca } : {}),
    };
    const req = secure ? httpsRequest(url, options) : httpRequest(url, options);
    const res = await new Promise<IncomingMessage>((resolve, reject) => {
      req.once('response', resolve);
      req.on('error', (error: NodeJS.ErrnoException) => reject(this.#unreachable(error, signal)));
      req.end();
    });
    if (res.statusCode !== undefined && res.statusCode >= 200 && res.statusCode < 300) return { req, res };
    const said = await saidIn(res);
    throw new RemoteError(`${this.where}: ${this.#refusal(res.statusCode ?? 0, path, said)}`, 1, res.statusCode);
  }

  #unreachable(error: NodeJS.ErrnoException, signal: AbortSignal): RemoteError {
    const what = signal.aborted ? `no answer in ${ANSWER_MS} ms` : (error.code ?? error.message);
    return new RemoteError(`cannot reach the gateway at ${this.where}: ${what}`);
  }

  #refusal(status: number, path: string, said: string | undefined): string {
    if (status === 401) {
      return this.mayAct ? 'the token was refused (401)' : 'a token is needed (401): --token, or SLUICE_TOKEN';
    }
    return `${said ?? `${path} was refused`} (${status})`;
  }
}

function addressOf(text: string): URL {
  const withScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (URL.canParse(withScheme)) {
    const url = new URL(withScheme);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  }
  throw new RemoteError(`url: expected http://HOST:PORT or https://HOST:PORT, got "${text.replace(/#.*$/, '')}"`, 2);
}

function authorityOf(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
  } catch (error) {
    throw new RemoteError(`--ca: cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`, 2);
  }
  throw new RemoteError(`--ca: expected PEM, got ${path} without any`, 2);
}

/** The words of a refusal, as this gateway gives them; undefined where somebody else answered. */
async function saidIn(res: IncomingMessage): Promise<string | undefined> {
  let text = '';
  res.setEncoding('utf8');
  try {
    for await (const chunk of res) text += String(chunk).slice(0, 4_096 - text.length);
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: unknown } };
    return typeof error?.message === 'string' ? error.message : undefined;
  } catch {
    // Not JSON, or broken off: the status says enough.
    return undefined;
  }
}
