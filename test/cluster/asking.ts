/** What the cases of the engines' contract ask with: answers as promises, and time that passes as the engine's own does. */
import { afterEach, beforeEach } from 'vitest';
import type {
  Bucket,
  CasAnswer,
  Engine,
  EngineInfo,
  GetAnswer,
  RequestAnswer,
  Unknown,
} from '../../src/cluster/engine.js';

export interface OpenEngines {
  /** Two nodes of one engine. */
  readonly a: Engine;
  readonly b: Engine;
  /** Lets so much of the engine's time pass. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

export type OpenBoth = () => Promise<OpenEngines>;

/** The lease time that the engines of a test have to be opened with. */
export const LEASE_MS = 1_000;

export class Asking {
  #engines: OpenEngines | undefined;

  /** Opens two engines before each test of the block and closes them after it. */
  constructor(open: OpenBoth) {
    beforeEach(async () => {
      this.#engines = await open();
    });
    afterEach(() => this.#engines?.close());
  }

  get a(): Engine {
    return (this.#engines as OpenEngines).a;
  }

  get b(): Engine {
    return (this.#engines as OpenEngines).b;
  }

  pass(ms: number): Promise<void> {
    return (this.#engines as OpenEngines).pass(ms);
  }

  async until<T>(what: () => T | undefined | false): Promise<T> {
    for (let n = 0; n < 1_000; n += 1) {
      const value = what();
      if (value !== undefined && value !== false) return value;
      await this.pass(n < 50 ? 1 : 10);
    }
    throw new Error('it has not come');
  }

  async #answerOf<A>(ask: (done: (answer: A) => void) => void): Promise<A> {
    let answer: { readonly value: A } | undefined;
    ask((value) => {
      answer = { value };
    });
    return (await this.until(() => answer)).value;
  }

  get(engine: Engine, key: string, bucket: Bucket = 'own'): Promise<GetAnswer> {
    return this.#answerOf((done) => engine.get(bucket, key, done));
  }

  cas(engine: Engine, key: string, value: string, rev: number, bucket: Bucket = 'own'): Promise<CasAnswer> {
    return this.#answerOf((done) => engine.cas(bucket, key, value, rev, done));
  }

  info(engine: Engine): Promise<EngineInfo | Unknown> {
    return this.#answerOf((done) => engine.info(done));
  }

  request(engine: Engine, subject: string, body: Uint8Array, timeoutMs = 500): Promise<RequestAnswer> {
    return this.#answerOf((done) => engine.request(subject, body, timeoutMs, done));
  }
}

/** The revision; fails where nothing was written. */
export async function written(answer: Promise<CasAnswer>): Promise<number> {
  const got = await answer;
  if (got.type !== 'written') throw new Error(`not written: ${JSON.stringify(got)}`);
  return got.rev;
}

export function valueRead(answer: GetAnswer): string | undefined {
  return answer.type === 'read' ? answer.entry?.value : `unknown: ${answer.why}`;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (body: Uint8Array): string => new TextDecoder().decode(body);
